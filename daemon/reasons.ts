/** Why packets to a node do what they do: what the core knows, what the shells know, and what a few echo requests tell. */
import { verdictOf } from './core/explain/verdict.ts';
import { addressForKey } from './core/identity.ts';
import type { Node } from './core/node.ts';
import { equalOctets } from './core/octetmap.ts';
import type { PeerTrouble, ProbeFacts, WhyAround, WhyFacts, WhyTarget } from './core/port.ts';
import type { Driver } from './driver.ts';
import type { Commands, PeerRow, WhyResult } from './host/commands.ts';
import type { LoopLag } from './host/loop.ts';
import type { Peering } from './peering.ts';
import type { Pings } from './pings.ts';

export type ReasonParts = {
  readonly node: Node;
  readonly driver: Driver;
  readonly peering: Peering;
  readonly pings: Pings;
  readonly loop: LoopLag;
};

const SMALL_BYTES = 56;
/** IPv6 packets: above what any Ethernet carries, so that carriers must send their largest. */
const LARGE_BYTES = 2_000;
/** Headers of IPv6 and ICMPv6. */
const ECHO_HEADERS = 48;
/** A packet may be lost on a bad link: three times only by what swallows all of them. */
const LARGE_TRIES = 3;
const LARGE_TIMEOUT_MS = 1_000;
/** Round trips of the radio that an answer over it may take, and what nobody waits for any more. */
const RADIO_TRIPS = 4;
const RADIO_MAX_MS = 12_000;
/** Seconds of the loop that are looked at. */
const BUSY_LOOKS = 5;

/** Answers after `probeMs`, and some seconds more where the small request is answered and large ones are not. */
export async function reasons(parts: ReasonParts, { target, probeMs }: Commands['why']['args']): Promise<WhyResult> {
  const before = parts.node.why(target);
  const isWorth = before.relation === 'other' && before.links.proven > 0 && probeMs > 0;
  const probe = isWorth ? await probeOf(parts, target, probeMs) : undefined;
  const facts = parts.node.why(target);
  const around = aroundOf(parts, facts, probe);
  return { facts, around, verdict: verdictOf(facts, around) };
}

async function probeOf({ node, driver, pings }: ReasonParts, target: WhyTarget, probeMs: number): Promise<ProbeFacts> {
  const { address } = target;
  const [first] = node.why(target).candidates;
  // A radio may need some seconds for what a cable does at once.
  const radioMs = first?.isRadio === true ? Math.min(RADIO_TRIPS * first.rttMs, RADIO_MAX_MS) : 0;
  const timeoutMs = Math.max(probeMs, radioMs);
  const small = await pings.ping(driver, { address, sequence: 0, size: SMALL_BYTES, timeoutMs });
  if (!small.isAnswered) return { rttMs: undefined, large: undefined };
  const { rttMs } = small;
  const [hop] = node.why(target).candidates;
  // A second of air for nothing.
  if (hop?.isRadio === true) return { rttMs, large: undefined };
  const size = Math.min(LARGE_BYTES, node.mtu);
  const largeMs = LARGE_TIMEOUT_MS + 4 * rttMs;
  for (let left = LARGE_TRIES; left > 0; left--) {
    const large = await pings.ping(driver, { address, sequence: 0, size: size - ECHO_HEADERS, timeoutMs: largeMs });
    const isOver = large.isAnswered || large.mtu !== undefined || left === 1;
    if (isOver) return { rttMs, large: { size, isAnswered: large.isAnswered, mtu: large.mtu } };
  }
  return { rttMs, large: undefined };
}

function aroundOf({ node, peering, loop }: ReasonParts, facts: WhyFacts, probe: ProbeFacts | undefined): WhyAround {
  const down = peering.rows(node.links()).filter((row) => !row.isUp && row.isConfigured);
  const isTarget = (row: PeerRow): boolean =>
    row.keys?.some((key) => equalOctets(addressForKey(key), facts.target.address)) === true;
  const failed = down.filter((row) => row.lastError !== undefined);
  const latest = failed.sort((a, b) => a.lastErrorAgeMs - b.lastErrorAgeMs)[0];
  return {
    busy: loop.info(BUSY_LOOKS).busy,
    peerDown: troubleOf(down.find(isTarget)),
    anyDown: troubleOf(latest ?? down[0]),
    probe,
  };
}

function troubleOf(row: PeerRow | undefined): PeerTrouble | undefined {
  return row === undefined ? undefined : { uri: row.uri, error: row.lastError };
}
