/** What tests of the core stand on: identities, seeded randomness, options, and a pipe that only remembers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Context } from '../../daemon/core/context.ts';
import type { Pipe } from '../../daemon/core/link/pipe.ts';
import { compareOctets } from '../../daemon/core/octetmap.ts';
import {
  type CloseReason,
  type Crypto,
  type LinkFacts,
  linkId,
  type NodeOptions,
  type PublicKey,
  publicKey,
  type Signer,
} from '../../daemon/core/port.ts';
import type { QueueFacts } from '../../daemon/core/queue.ts';
import { chooseCrypto } from '../../daemon/crypto/choose.ts';
import { Reader } from '../../daemon/wire/cursor.ts';
import { type FrameHead, readFrameHead } from '../../daemon/wire/frame.ts';
import { repoRoot } from './places.ts';

export const { crypto } = chooseCrypto();

export const NOTHING: Uint8Array = new Uint8Array(0);

/** Numbers of our own, not the configuration's defaults: a test of a cap states the cap. */
const LIMITS = {
  links: 512,
  lookupsPerPeerPerSecond: 200,
  trafficQueueBytes: 1024 * 1024,
  sessions: 16_384,
  debugAnswersPerSecond: 2,
  traceAnswersPerSecond: 10,
};

/** Chance with a seed (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let z = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  }

  /** From 0 to below `end`. */
  below(end: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * end);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  fill(octets: Uint8Array): void {
    for (let i = 0; i < octets.length; i++) octets[i] = this.u32() >>> 24;
  }

  octets(count: number): Uint8Array {
    const octets = new Uint8Array(count);
    this.fill(octets);
    return octets;
  }
}

export type Identity = { readonly seed: Uint8Array; readonly key: PublicKey; readonly signer: Signer };

/** The same number always gives the same identity. */
export function identity(number: number): Identity {
  return identityOf(new Chance(0x1d_0000 + number).octets(32));
}

export function identityOf(seed: Uint8Array): Identity {
  const signer = crypto.ed25519Signer(seed);
  return { seed, signer, key: publicKey(signer.publicKey) };
}

/** For tests of numbers: believes every signature, so that nobody has to make them. */
export const trusting: Crypto = { ...crypto, ed25519Verify: () => true };

/** A key that cannot sign, for `trusting` nodes. */
export function nameless(number: number): Identity {
  const key = publicKey(new Chance(0x0e_0000 + number).octets(32));
  const signer = { publicKey: key, x25519Private: NOTHING, sign: () => new Uint8Array(64) };
  return { seed: NOTHING, key, signer };
}

/** Always the same ones, the lowest key first. */
export function identities(count: number): Identity[] {
  const all = Array.from({ length: count }, (_, i) => identity(i));
  return all.sort((a, b) => compareOctets(a.key, b.key));
}

export function nodeOptions({ seed }: Identity, changes: Partial<NodeOptions> = {}): NodeOptions {
  const chance = new Chance(seed[0] as number);
  return {
    seed,
    crypto,
    random: (octets) => chance.fill(octets),
    allowedKeys: [],
    requiresBound: false,
    groupPassword: NOTHING,
    e2e: 'prefer',
    e2eKnown: [],
    mtu: 65_535,
    hasTun: true,
    nodeInfo: NOTHING,
    limits: LIMITS,
    ...changes,
  };
}

export function limitsWith(changes: Partial<NodeOptions['limits']>): NodeOptions['limits'] {
  return { ...LIMITS, ...changes };
}

/** 2024-01-01. */
export const UNIX_MS = 1_704_067_200_000;
export const UNIX_SECONDS = BigInt(UNIX_MS / 1000);

export function contextOf(owner: Identity, changes: Partial<NodeOptions> = {}): Context {
  const context = new Context(nodeOptions(owner, changes));
  context.setWallClock(UNIX_MS);
  return context;
}

/** Lets time pass for a part of the core that stands alone: its timer is called when it wants to be. */
export function passTime(context: Context, ms: number, timer: (nowMs: number) => void): void {
  const untilMs = context.nowMs + ms;
  for (let atMs = context.timers.nextMs; atMs <= untilMs; atMs = context.timers.nextMs) {
    context.nowMs = atMs;
    context.timers.isDue(atMs);
    timer(atMs);
  }
  context.nowMs = untilMs;
  timer(untilMs);
}

/** Reasons for which something was dropped, with counts. */
export function dropsOf(context: Context): Record<string, number> {
  return Object.fromEntries(Object.entries(context.stats.drops).filter(([, count]) => count > 0));
}

export function linkFacts(changes: Partial<LinkFacts> = {}): LinkFacts {
  return {
    uri: 'memory://test',
    isInbound: true,
    isConfigured: false,
    password: NOTHING,
    priority: 0,
    cost: undefined,
    pinnedKeys: [],
    boundKey: undefined,
    isExemptFromAllowList: false,
    ...changes,
  };
}

export type Frame = { readonly type: number; readonly body: Uint8Array };

/** Takes whole frames from the front of a stream's octets; returns how many octets they were. */
export function takeFrames(octets: Uint8Array, frames: Frame[]): number {
  const head: FrameHead = { prefix: 0, length: 0 };
  let at = 0;
  while (readFrameHead(octets, at, octets.length, head) === 'complete') {
    const start = at + head.prefix;
    if (start + head.length > octets.length) break;
    frames.push({ type: octets[start] as number, body: octets.slice(start + 1, start + head.length) });
    at = start + head.length;
  }
  return at;
}

export function framesIn(octets: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  if (takeFrames(octets, frames) !== octets.length) throw new Error('the octets end inside a frame');
  return frames;
}

/** A link to a key, without a stream: it keeps what it was given. */
export class FakePipe implements Pipe {
  static #count = 0;
  readonly id = linkId(FakePipe.#count++);
  facts: LinkFacts;
  readonly uri = 'test:';
  readonly key: PublicKey;
  priority: number;
  upSinceMs = 0;
  bytesReceived = 0;
  bytesSent = 0;
  queuedBytes = 0;
  lagMs: number | undefined;
  isDoubtful = false;
  target: Uint8Array = NOTHING;
  targetAt = 0;
  readonly control: Frame[] = [];
  /** Filled by whoever reserved them. */
  readonly reserved: Uint8Array[] = [];
  closed: CloseReason | undefined;
  isThin = false;
  isSlow = false;
  controlBytes = 0;
  onControl: (type: number) => void = () => {};
  onClose: () => void = () => {};

  constructor(key: PublicKey, priority = 0, cost?: number, isBound = false) {
    this.key = key;
    this.priority = priority;
    this.facts = linkFacts({ priority, cost, boundKey: isBound ? key : undefined });
  }

  sendControl(type: number, frame: Uint8Array): void {
    this.control.push(...framesIn(frame));
    this.onControl(type);
  }

  reserve(size: number): void {
    this.target = new Uint8Array(size);
    this.targetAt = 0;
    this.reserved.push(this.target);
  }

  queueFacts(): QueueFacts {
    return { bytes: this.queuedBytes, maxBytes: 1024 * 1024, full: 0, late: 0, lossAgoMs: undefined };
  }

  close(reason: CloseReason): void {
    this.closed = reason;
    this.onClose();
  }

  /** Everything sent since the last time, control frames first; of one type if that is given. */
  take(type?: number): Frame[] {
    const all = [...this.control.splice(0), ...this.reserved.splice(0).flatMap(framesIn)];
    return type === undefined ? all : all.filter((frame) => frame.type === type);
  }
}

/** A path in memory from its ports. */
export function pathOf(...ports: number[]): Uint8Array {
  if (ports.some((port) => port < 1 || port > 127)) throw new RangeError('tests use small ports');
  return Uint8Array.from(ports);
}

/** Skips a path and its end; returns its ports. */
export function readPorts(reader: Reader): bigint[] {
  const ports: bigint[] = [];
  for (let port = reader.uvarint(); port !== 0n && reader.ok; port = reader.uvarint()) ports.push(port);
  return ports;
}

/** A member of the protocol's test vectors; each test says what it expects there. */
export function vectorsOf<T>(member: string): T {
  const file = join(repoRoot, 'test/vectors/yggdrasil-0.5.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as Record<string, T>)[member] as T;
}

export { Reader };
