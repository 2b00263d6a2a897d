import { addressForKey, subnetForKey } from '../identity.ts';
import { E2E_ASK_AFTER, E2E_ASK_EVERY, E2E_DEAD_AFTER, E2E_PATIENCE_MAX } from '../limits.ts';
import type { NoiseHandshake } from '../noise.ts';
import type { Bucket } from '../policy.ts';
import type { PublicKey } from '../port.ts';
import type { E2eKeys } from './e2e-keys.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** A first message of ours that may still be answered. */
export type Attempt = {
  readonly sid: number;
  readonly peer: E2ePeer;
  readonly message: Uint8Array;
  /** As after writing it; answers are read on copies. */
  readonly noise: NoiseHandshake;
  sends: number;
  /** Of the last sending. */
  sentMs: number;
};

/** Keys of ours that no record has confirmed yet, and the second message that made them. */
export type Offer = {
  readonly keys: E2eKeys;
  readonly answer: Uint8Array;
  readonly timestampMs: number;
  readonly expiresAtMs: number;
  answeredMs: number;
};

/** Attempts in a row, from the first to an answer or giving up. */
export type Series = {
  readonly startedMs: number;
  nextAtMs: number;
  delayMs: number;
  isOverRadio: boolean;
  /** Nobody knows whether the other side speaks e2e: for how long it is tried. */
  readonly trialMs: number | undefined;
};

/**
 * What is kept of one peer. Records open under all keys here, and are sealed with `current` alone:
 *
 *     offers --first record--> current --its successor arrives--> previous --10 s--> gone
 *     attempts --second message--> current
 */
export class E2ePeer {
  readonly key: PublicKey;
  readonly address: Uint8Array;
  readonly subnet: Uint8Array;
  readonly upSinceMs: number;
  bytesReceived = 0;
  bytesSent = 0;
  /** See `Ranked`. */
  countedBytes = 0;
  activity = 0;
  current: E2eKeys | undefined;
  previous: E2eKeys | undefined;
  previousUntilMs = NEVER;
  offers: Offer[] = [];
  attempts: Attempt[] = [];
  series: Series | undefined;
  /** After giving up: no attempt before this, and how long the next pause is. */
  quietUntilMs = Number.NEGATIVE_INFINITY;
  pauseMs = 0;
  /** Second messages that may be tried. */
  readonly seconds: Bucket;
  /** The latest packet, while there is no key to seal it with. */
  waiting: Uint8Array | undefined;
  /** Nobody answered for a while although this peer should speak e2e; and that has been counted. */
  isSuspect = false;
  isSuspectCounted = false;
  /** When it was first tried in vain, and when it was first heard by the other session after that. */
  triedMs = NEVER;
  contraryMs = NEVER;
  /** When it was asked last whether it is there. */
  askedMs = Number.NEGATIVE_INFINITY;
  /** When an initiator asks again, so that the other side may speak. */
  repeatAtMs = NEVER;
  /** The last packet either way. */
  lastActiveMs: number;
  /** Packets have left since then, and nothing has come. */
  unansweredSinceMs = NEVER;
  /** The last record of any kind that came. */
  heardMs = Number.NEGATIVE_INFINITY;
  /** As the last handshake took. */
  rttMs = 0;
  /** On slow paths: how much longer than usual silence is borne, since this peer answers but has nothing to say. */
  #patience = 1;
  /** A packet was sent since the last look at rekeying. */
  hasSent = false;

  constructor(key: PublicKey, seconds: Bucket, nowMs: number) {
    this.key = key;
    this.address = addressForKey(key);
    this.subnet = subnetForKey(key);
    this.seconds = seconds;
    this.upSinceMs = nowMs;
    this.lastActiveMs = nowMs;
  }

  packetSent(size: number, nowMs: number): void {
    this.bytesSent += size;
    this.lastActiveMs = nowMs;
    this.hasSent = true;
    if (this.unansweredSinceMs === NEVER) this.unansweredSinceMs = nowMs;
  }

  packetReceived(size: number, nowMs: number): void {
    this.bytesReceived += size;
    this.lastActiveMs = nowMs;
    this.#patience = 1;
  }

  /** It is there, and says no more than that. */
  answeredOnly(): void {
    this.#patience = Math.min(2 * this.#patience, E2E_PATIENCE_MAX);
  }

  /** A record of any kind has come. */
  heard(nowMs: number): void {
    this.heardMs = nowMs;
    this.unansweredSinceMs = NEVER;
  }

  /** Keys whose sid, ours, ends with this octet: at most one pair has it. */
  keysBySid(octet: number): E2eKeys | undefined {
    const isIt = (keys: E2eKeys | undefined): boolean => keys !== undefined && (keys.ownSid & 0xff) === octet;
    if (isIt(this.current)) return this.current;
    return isIt(this.previous) ? this.previous : this.offers.find(({ keys }) => isIt(keys))?.keys;
  }

  /** Short records could not tell such a sid from one that is there. */
  hasSidLike(sid: number): boolean {
    const octet = sid & 0xff;
    return this.keysBySid(octet) !== undefined || this.attempts.some((attempt) => (attempt.sid & 0xff) === octet);
  }

  /** It is time to ask whether it lives. */
  isQuiet(nowMs: number): boolean {
    return nowMs - this.unansweredSinceMs >= this.#patienceMs(E2E_ASK_AFTER);
  }

  /** It seems not to have our keys any more. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.unansweredSinceMs >= this.#patienceMs(E2E_DEAD_AFTER);
  }

  /** Between questions whether it is there. */
  get askEveryMs(): number {
    return Math.max(E2E_ASK_EVERY.ms, E2E_ASK_EVERY.roundTrips * this.rttMs);
  }

  /** It is time to ask, and not too early to ask again. */
  wantsQuestion(nowMs: number): boolean {
    const everyMs = this.#isSlow ? E2E_ASK_AFTER.slowMs : this.askEveryMs;
    return this.isQuiet(nowMs) && nowMs >= this.askedMs + everyMs;
  }

  /** Keys under which packets can be sealed: not those that nobody seems to have at the other end. */
  sealing(nowMs: number): E2eKeys | undefined {
    const keys = this.current;
    if (keys === undefined || !keys.maySeal(nowMs)) return undefined;
    return this.isSuspect && this.isSilent(nowMs) ? undefined : keys;
  }

  get #isSlow(): boolean {
    return this.current?.isCompressing === true;
  }

  #patienceMs({ ms, roundTrips, slowMs }: typeof E2E_ASK_AFTER): number {
    return Math.max(this.#isSlow ? this.#patience * slowMs : ms, roundTrips * this.rttMs);
  }
}
