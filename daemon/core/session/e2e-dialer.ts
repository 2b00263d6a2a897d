/** First messages of our own: sent, sent again, given up; and the second messages that answer them (section 18). */
import { readSid, SECOND_SIZE } from '../../wire/e2e.ts';
import type { Context } from '../context.ts';
import {
  E2E_ATTEMPTS_PER_PEER,
  E2E_BACK_OFF_MS,
  E2E_GIVE_UP_MS,
  E2E_PENDING,
  E2E_RADIO,
  E2E_RETRY_MS,
  E2E_ROUND_TRIP_MAX_MS,
  E2E_SENDS_PER_ATTEMPT,
  E2E_SUSPECT_MS,
} from '../limits.ts';
import type { TransportKeys } from '../noise.ts';
import { equalAt } from '../octetmap.ts';
import type { E2eHandshakes } from './e2e-handshake.ts';
import type { Agreed } from './e2e-keys.ts';
import type { Attempt, E2ePeer, Offer, Series } from './e2e-peer.ts';
import type { SessionPorts } from './sessions.ts';

const NEVER = Number.POSITIVE_INFINITY;

export type DialerUser = {
  isSidTaken(sid: number): boolean;
  /** A second message has come: these are our keys. */
  answered(peer: E2ePeer, agreed: Agreed, keys: TransportKeys): void;
  /** Nobody has answered for a while. */
  suspected(peer: E2ePeer): void;
};

export class E2eDialer {
  readonly #context: Context;
  readonly #handshakes: E2eHandshakes;
  readonly #router: SessionPorts;
  readonly #user: DialerUser;
  readonly #attempts = new Map<number, Attempt>();
  readonly #dialling = new Set<E2ePeer>();

  constructor(context: Context, handshakes: E2eHandshakes, router: SessionPorts, user: DialerUser) {
    this.#context = context;
    this.#handshakes = handshakes;
    this.#router = router;
    this.#user = user;
  }

  has(sid: number): boolean {
    return this.#attempts.has(sid);
  }

  /**
   * Begins a series, unless one runs, was given up lately, or a message of the peer is about to make it needless.
   * `trialMs`: it may well not speak e2e, and is asked for so long.
   */
  start(peer: E2ePeer, trialMs?: number): void {
    const { nowMs, stats } = this.#context;
    if (peer.series !== undefined || nowMs < peer.quietUntilMs || this.#hasFreshOffer(peer)) return;
    if (this.#dialling.size >= E2E_PENDING) return stats.drop('e2e handshakes full');
    peer.series = { startedMs: nowMs, nextAtMs: nowMs, delayMs: 0, isOverRadio: false, trialMs };
    if (!peer.isSuspect) peer.triedMs = nowMs;
    this.#dialling.add(peer);
    this.#send(peer);
  }

  /** Forgets the series and what could be answered. */
  stop(peer: E2ePeer): void {
    for (const attempt of peer.attempts) this.#forget(attempt);
    peer.attempts = [];
    peer.series = undefined;
    this.#dialling.delete(peer);
  }

  timer(nowMs: number): void {
    for (const peer of [...this.#dialling]) {
      const { series } = peer;
      if (series === undefined) continue;
      const suspectAtMs = peer.isSuspect ? NEVER : series.startedMs + suspectMs(series);
      if (nowMs >= suspectAtMs) {
        if (series.trialMs === undefined) peer.isSuspect = true;
        else this.stop(peer);
        this.#user.suspected(peer);
      }
      if (peer.series === undefined) continue;
      if (nowMs - series.startedMs >= E2E_GIVE_UP_MS) this.#giveUp(peer);
      else if (nowMs >= series.nextAtMs) this.#send(peer);
      if (peer.series === undefined) continue;
      this.#context.timers.arm(Math.min(series.nextAtMs, peer.isSuspect ? NEVER : suspectAtMs));
    }
  }

  /** `buffer[at..end)` begins with `E2E.second`. */
  secondReceived(buffer: Uint8Array, sourceAt: number, at: number, end: number): void {
    const { stats, nowMs } = this.#context;
    if (end - at !== SECOND_SIZE) return stats.drop('e2e malformed');
    const attempt = this.#attempts.get(readSid(buffer, at));
    if (attempt === undefined) return stats.drop('e2e handshake unasked');
    const { peer } = attempt;
    if (!equalAt(peer.key, buffer, sourceAt, 32)) return stats.drop('e2e source not of the session');
    if (!peer.seconds.take(nowMs)) return stats.drop('e2e handshake rate');
    const read = this.#handshakes.readSecond(attempt.noise, buffer.subarray(at, end));
    if (read === undefined) return stats.drop('e2e handshake unreadable');
    this.stop(peer);
    peer.pauseMs = 0;
    peer.rttMs = Math.min(nowMs - attempt.sentMs, E2E_ROUND_TRIP_MAX_MS);
    const features = this.#handshakes.common(read.payload.features);
    this.#user.answered(peer, { ownSid: attempt.sid, peerSid: read.payload.sid, features }, read.keys);
  }

  #send(peer: E2ePeer): void {
    const { series } = peer;
    if (series === undefined) return;
    let attempt = peer.attempts.at(-1);
    if (attempt === undefined || attempt.sends >= E2E_SENDS_PER_ATTEMPT) attempt = this.#attempt(peer);
    if (attempt === undefined) return this.#giveUp(peer);
    attempt.sends++;
    attempt.sentMs = this.#context.nowMs;
    const { message } = attempt;
    if (this.#router.begin(peer.key, message.length, true)) this.#router.target.set(message, this.#router.targetAt);
    series.isOverRadio = this.#router.isOverRadio === true;
    const { first, cap, spread } = series.isOverRadio ? E2E_RADIO.retryMs : E2E_RETRY_MS;
    const [octet = 0] = this.#context.randomOctets(1);
    const delayMs = Math.max(first, series.delayMs);
    series.nextAtMs = this.#context.nowMs + delayMs + (octet * spread) / 255;
    series.delayMs = Math.min(2 * delayMs, cap);
    this.#context.timers.arm(series.nextAtMs);
  }

  /** The last ones stay pending, so that an answer slower than the retries still counts. */
  #attempt(peer: E2ePeer): Attempt | undefined {
    const sid = freshSid(
      this.#context,
      (taken) => peer.hasSidLike(taken) || this.#attempts.has(taken) || this.#user.isSidTaken(taken),
    );
    const made = this.#handshakes.makeFirst(peer.key, sid);
    if (made === undefined) return undefined;
    const attempt = { sid, peer, ...made, sends: 0, sentMs: 0 };
    this.#attempts.set(sid, attempt);
    peer.attempts.push(attempt);
    while (peer.attempts.length > E2E_ATTEMPTS_PER_PEER) this.#forget(peer.attempts.shift() as Attempt);
    return attempt;
  }

  #giveUp(peer: E2ePeer): void {
    this.stop(peer);
    peer.waiting = undefined;
    peer.pauseMs = Math.min(2 * peer.pauseMs || E2E_BACK_OFF_MS.first, E2E_BACK_OFF_MS.cap);
    peer.quietUntilMs = this.#context.nowMs + peer.pauseMs;
  }

  #forget(attempt: Attempt): void {
    this.#attempts.delete(attempt.sid);
    attempt.noise.wipe();
  }

  #hasFreshOffer(peer: E2ePeer): boolean {
    const { nowMs } = this.#context;
    return peer.offers.some(({ keys }: Offer) => nowMs - keys.bornMs < E2E_RETRY_MS.first);
  }
}

/** Nobody answers for so long: on radio that is nothing strange. */
export function suspectMs({ isOverRadio, trialMs }: Series): number {
  if (trialMs !== undefined) return trialMs;
  return isOverRadio ? E2E_RADIO.suspectMs : E2E_SUSPECT_MS;
}

/** Random, not zero, and not in use. */
export function freshSid(context: Context, isTaken: (sid: number) => boolean): number {
  for (;;) {
    const sid = new DataView(context.randomOctets(4).buffer).getUint32(0);
    if (sid !== 0 && !isTaken(sid)) return sid;
  }
}
