/**
 * One step of a trace: who a node is, how far away, and where it sends a packet on. Nodes of ours tell (`wire/hop.ts`). Of the others
 * it follows from whom they are linked to, where only one of those is closer to the destination; where several are it is a guess,
 * since what their links cost nobody tells.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { addressForKey } from './core/identity.ts';
import type { Node } from './core/node.ts';
import { equalOctets } from './core/octetmap.ts';
import { type Coords, publicKey } from './core/port.ts';
import type { Driver } from './driver.ts';
import type { HopQuestions, HopTold } from './hop-questions.ts';
import type { Commands, HopResult } from './host/commands.ts';
import type { Questions } from './questions.ts';
import { treeDistance } from './wire/path.ts';
import { readKeys } from './wire/query.ts';

export type TraceParts = {
  readonly node: Node;
  readonly driver: Driver;
  readonly questions: Questions;
  readonly hopQuestions: HopQuestions;
};

/** After its first answer a node that has said hello gets so much longer for a session of ours, the other kind of node less. */
const GRACE_MS = { ours: 3_000, plain: 400 };
/** For the second answer of a plain node, which measures, and for the places of its peers. */
const MEASURE_MS = 2_000;
const LOCATE_MS = 2_000;
const LOCATE_EVERY_MS = 50;
/** Over a radio, each of these is so many round trips if that is longer; what is slower than the bound is waited for in vain. */
const TRIPS = 4;
const TRIP_MAX_MS = 5_000;
/** Of one node; a lookup each. */
const LOCATED_MAX = 40;

export async function hopOf(parts: TraceParts, asked: Commands['hop']['args']): Promise<HopResult> {
  const { node, driver, hopQuestions } = parts;
  const { at, dest } = asked;
  const told = hopQuestions.ask(driver, asked);
  const speaks = (): boolean => node.why({ address: addressForKey(at), key: publicKey(at) }).session.speaksE2e;
  const listed = speaks() ? undefined : peersOf(parts, at);
  const first = listed === undefined ? await told : await Promise.race([told.then(() => undefined), listed]);
  if (listed === undefined) return ours(first as HopTold) ?? silent();
  const graceMs = Math.max(speaks() ? GRACE_MS.ours : GRACE_MS.plain, tripsMs(node, at));
  const answer = first === undefined ? await told : await Promise.race([told, sleep(graceMs, undefined)]);
  if (answer !== undefined) return ours(answer) ?? silent();
  const keys = await listed;
  if (keys === undefined) return silent();
  const rttMs = await measured(parts, at);
  if (equalOctets(at, dest))
    return { kind: 'plain', rttMs, state: 'here', next: undefined, how: 'told', distance: 0, candidates: 0 };
  return { kind: 'plain', rttMs, ...(await guessed(parts, at, dest, keys)) };
}

function tripsMs(node: Node, key: Uint8Array): number {
  return TRIPS * Math.min(node.roundTripMs(publicKey(key)), TRIP_MAX_MS);
}

function ours(told: HopTold): HopResult | undefined {
  if (told === undefined) return undefined;
  const { state, next, distance, rttMs } = told;
  return { kind: 'ratatosk', rttMs, state, next, how: 'told', distance, candidates: next === undefined ? 0 : 1 };
}

function silent(): HopResult {
  return {
    kind: 'silent',
    rttMs: undefined,
    state: 'unknown',
    next: undefined,
    how: 'told',
    distance: undefined,
    candidates: 0,
  };
}

async function peersOf({ questions, driver }: TraceParts, key: Uint8Array): Promise<Uint8Array[] | undefined> {
  try {
    return readKeys(await questions.ask(driver, { key, topic: 'peers' }));
  } catch {
    return undefined;
  }
}

/** A round trip without what the first one had to make. */
async function measured({ node, questions, driver }: TraceParts, key: Uint8Array): Promise<number | undefined> {
  const startMs = performance.now();
  const answer = questions.ask(driver, { key, topic: 'self' }).then(
    () => performance.now() - startMs,
    () => undefined,
  );
  return Promise.race([answer, sleep(Math.max(MEASURE_MS, tripsMs(node, key)), undefined)]);
}

/** Where a node that does not say it sends packets on, as far as that follows from its peers. */
async function guessed(
  parts: TraceParts,
  at: Uint8Array,
  dest: Uint8Array,
  keys: readonly Uint8Array[],
): Promise<Omit<HopResult, 'kind' | 'rttMs'>> {
  const { node } = parts;
  const target = node.place(publicKey(dest));
  const own = node.place(publicKey(at));
  const distance = target === undefined || own === undefined ? undefined : treeDistance(own, target);
  // A direct peer is always used for its own key, by plain nodes since its distance is zero.
  if (keys.some((key) => equalOctets(key, dest))) {
    return { state: 'next', next: dest, how: 'follows', distance, candidates: 1 };
  }
  const none = { next: undefined, how: 'guess', distance, candidates: 0 } as const;
  if (target === undefined || distance === undefined) return { ...none, state: 'unknown' };
  const peers = distinct(keys).filter((key) => !equalOctets(key, at));
  const places = await located(parts, peers.slice(0, LOCATED_MAX));
  const closer = peers
    .map((key, i) => ({ key, place: places[i] }))
    .filter((peer): peer is { key: Uint8Array; place: Coords } => peer.place !== undefined)
    .map(({ key, place }) => ({ key, distance: treeDistance(place, target) }))
    .filter((peer) => peer.distance < distance)
    .sort((a, b) => a.distance - b.distance);
  const isSure = peers.length === places.filter((place) => place !== undefined).length;
  const [best] = closer;
  if (best === undefined) return { ...none, state: isSure ? 'dead end' : 'unknown' };
  const how = isSure && closer.length === 1 ? 'follows' : 'guess';
  return { state: 'next', next: best.key, how, distance, candidates: closer.length };
}

/** Where these nodes are; those whose place is not known are looked up. */
async function located({ node, driver }: TraceParts, keys: readonly Uint8Array[]): Promise<(Coords | undefined)[]> {
  const places = (): (Coords | undefined)[] => keys.map((key) => node.place(publicKey(key)));
  for (const [i, place] of places().entries()) {
    if (place === undefined) driver.feed({ kind: 'locate', key: publicKey(keys[i] as Uint8Array) });
  }
  const waitMs = Math.max(LOCATE_MS, ...keys.map((key) => tripsMs(node, key)));
  const untilMs = performance.now() + waitMs;
  while (performance.now() < untilMs && places().includes(undefined)) await sleep(LOCATE_EVERY_MS);
  return places();
}

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return keys.filter((key, i) => keys.findIndex((other) => equalOctets(other, key)) === i);
}
