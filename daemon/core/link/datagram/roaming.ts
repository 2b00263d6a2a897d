/**
 * Where the other side is, and what happens when packets come from elsewhere (link document, section 13). Addresses
 * are rows as in `port.ts`; no answer from an address is believed that was not asked there.
 *
 *     settled ──newest packet from elsewhere──▶ asking ──the new one answers──▶ moved ──PROBE_AFTER──▶ settled
 *        ▲──── the old one answers too, or 3 tries pass ──┴───the old one answers ──┘
 */
import { MOVE_REFUSED_MS, MOVE_RETRY_MS, MOVE_SENT_SHARE, MOVE_TRIES } from '../../limits.ts';
import { equalOctets } from '../../octetmap.ts';
import { mayMoveTo } from './addresses.ts';

type State =
  | { kind: 'settled' }
  | {
      kind: 'asking';
      address: Uint8Array;
      /** What the new address and the old one must return. */
      challenge: Uint8Array;
      oldChallenge: Uint8Array;
      hasOldAnswered: boolean;
      tries: number;
      /** Octets from and to the new address. */
      received: number;
      sent: number;
    }
  | { kind: 'moved'; from: Uint8Array; oldChallenge: Uint8Array; untilMs: number };

const NEVER = Number.POSITIVE_INFINITY;

export type Moved = 'moved' | 'moved back' | undefined;

export class Roaming {
  /** Where packets go. */
  address: Uint8Array;
  /** Challenges that wait to be sent: to the new address, to the old one. */
  isNewDue = false;
  isOldDue = false;
  readonly #probeAfterMs: number;
  readonly #random: (octets: Uint8Array) => void;
  #state: State = { kind: 'settled' };
  /** Not tried again before. */
  #refused: Uint8Array | undefined;
  #refusedUntilMs = 0;
  #heardOldMs: number;
  #askAtMs = NEVER;
  /** The last pair of challenges. */
  #askedMs = -NEVER;

  constructor(address: Uint8Array, probeAfterMs: number, random: (octets: Uint8Array) => void, nowMs: number) {
    this.address = address.slice();
    this.#probeAfterMs = probeAfterMs;
    this.#random = random;
    this.#heardOldMs = nowMs;
  }

  /** An authentic packet came. Returns true if there is something to send, or a new deadline. */
  received(from: Uint8Array, size: number, isNewest: boolean, nowMs: number): boolean {
    if (from === this.address || equalOctets(from, this.address)) {
      this.#heardOldMs = nowMs;
      return false;
    }
    const state = this.#state;
    if (state.kind === 'asking' && equalOctets(from, state.address)) state.received += size;
    if (state.kind === 'asking' || !isNewest || !mayMoveTo(from, this.address)) return false;
    if (this.#refused !== undefined && nowMs < this.#refusedUntilMs && equalOctets(from, this.#refused)) return false;
    this.#state = {
      kind: 'asking',
      address: from.slice(),
      challenge: new Uint8Array(8),
      oldChallenge: new Uint8Array(8),
      hasOldAnswered: false,
      tries: 0,
      received: size,
      sent: 0,
    };
    // Silence counts from the challenge on: an idle link is silent as well.
    this.#heardOldMs = nowMs;
    // The same for all tries: an answer may take longer than the next try.
    this.#random(this.#state.challenge);
    this.#random(this.#state.oldChallenge);
    this.#askAtMs = Math.max(nowMs, this.#askedMs + MOVE_RETRY_MS);
    this.timer(nowMs);
    return true;
  }

  /** A PRESP came from `from` with the octets at `at`. */
  answered(from: Uint8Array, buffer: Uint8Array, at: number, nowMs: number): Moved {
    const state = this.#state;
    if (state.kind === 'settled') return undefined;
    const octets = buffer.subarray(at, at + 8);
    // Only the peer, and only where the old address leads, has seen the old challenge: whence the answer comes is no matter.
    if (equalOctets(octets, state.oldChallenge)) {
      if (state.kind === 'moved') return this.#moveBack(state.from, nowMs);
      state.hasOldAnswered = true;
      return undefined;
    }
    if (state.kind !== 'asking' || !equalOctets(octets, state.challenge) || !equalOctets(from, state.address)) {
      return undefined;
    }
    if (state.hasOldAnswered) {
      this.#refuse(state.address, nowMs);
      return undefined;
    }
    const old = this.address;
    this.address = state.address;
    this.#askAtMs = NEVER;
    this.#heardOldMs = nowMs;
    this.#state = {
      kind: 'moved',
      from: old,
      oldChallenge: state.oldChallenge,
      untilMs: nowMs + this.#probeAfterMs,
    };
    this.isNewDue = false;
    this.isOldDue = false;
    return 'moved';
  }

  /** Prepares the challenges that are due. */
  timer(nowMs: number): void {
    const state = this.#state;
    if (state.kind === 'moved' && nowMs >= state.untilMs) this.#state = { kind: 'settled' };
    if (state.kind !== 'asking' || nowMs < this.#askAtMs) return;
    if (state.tries++ >= MOVE_TRIES) return this.#refuse(state.address, nowMs);
    this.isNewDue = true;
    this.isOldDue = !state.hasOldAnswered;
    this.#askedMs = nowMs;
    this.#askAtMs = nowMs + MOVE_RETRY_MS;
  }

  get candidate(): Uint8Array | undefined {
    return this.#state.kind === 'asking' ? this.#state.address : undefined;
  }

  challengeOf(isNew: boolean): Uint8Array | undefined {
    if (this.#state.kind !== 'asking') return undefined;
    return isNew ? this.#state.challenge : this.#state.oldChallenge;
  }

  /** Where a packet of `size` octets goes: to a new address, within bounds, if the old one has fallen silent. */
  destination(size: number, nowMs: number): Uint8Array {
    const state = this.#state;
    if (state.kind !== 'asking' || state.hasOldAnswered) return this.address;
    if (nowMs < this.#heardOldMs + this.#probeAfterMs) return this.address;
    if (this.#refused !== undefined && equalOctets(state.address, this.#refused)) return this.address;
    if (state.sent + size > MOVE_SENT_SHARE * state.received) return this.address;
    return state.address;
  }

  sentTo(address: Uint8Array, size: number): void {
    if (this.#state.kind === 'asking' && address === this.#state.address) this.#state.sent += size;
  }

  get deadlineMs(): number {
    return this.#state.kind === 'moved' ? this.#state.untilMs : this.#askAtMs;
  }

  #moveBack(old: Uint8Array, nowMs: number): Moved {
    const left = this.address;
    this.address = old;
    this.#heardOldMs = nowMs;
    this.#refuse(left, nowMs);
    return 'moved back';
  }

  #refuse(address: Uint8Array, nowMs: number): void {
    this.#refused = address;
    this.#refusedUntilMs = nowMs + MOVE_REFUSED_MS;
    this.#state = { kind: 'settled' };
    this.#askAtMs = NEVER;
    this.isNewDue = false;
    this.isOldDue = false;
  }
}
