/**
 * A TCP as systems have it, in virtual time: 1220-octet segments, ten of them at first, SACK, Reno with a cut to 0.7, delayed
 * acknowledgements, time stamps, RFC 6298 timers from 200 ms up, timeouts for nothing undone (RFC 4015). Enough to behave on a slow link as Linux does.
 */
import type { Clock } from '../../test/support/radio/clock.ts';
import type { Segment } from './segments.ts';

/** Octets of data in a segment: 1220 less the time stamps. */
export const MSS = 1_208;
const INITIAL_WINDOW = 10 * MSS;
const RECEIVE_WINDOW = 65_535;
const DELAYED_ACK_MS = 40;
const RTO_MS = { initial: 1_000, least: 200, most: 120_000 };
const DUPLICATES = 3;
const CUT = 0.7;
const SACKS_MOST = 3;

type Piece = {
  readonly at: number;
  readonly length: number;
  sentMs: number;
  tries: number;
  isSacked: boolean;
  isLost: boolean;
};

type Doubt = { readonly window: number; readonly threshold: number; readonly atMs: number };

export type Ends = { readonly fromPort: number; readonly toPort: number };

export class TcpSocket {
  /** Octets of the stream have arrived, in order. */
  received: (count: number) => void = () => {};
  /** All that was written is acknowledged. */
  flushed: () => void = () => {};
  receivedOctets = 0;
  /** Segments sent again, for nothing or not. */
  repeated = 0;
  isOpen = false;
  readonly #clock: Clock;
  readonly #send: (segment: Segment) => void;
  readonly #ends: Ends;
  readonly #isServer: boolean;

  #written = 0;
  #next = 0;
  #acked = 0;
  #pieces: Piece[] = [];
  #window = INITIAL_WINDOW;
  #threshold = Number.POSITIVE_INFINITY;
  /** In recovery until this is acknowledged. */
  #recoverTo = -1;
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #rtoMs = RTO_MS.initial;
  #backoff = 0;
  /** What was before a timeout that may have been for nothing. */
  #doubt: Doubt | undefined;
  #timer = 0;

  /** Of the other side: as it is to be echoed. */
  #stampMs = 0;
  #early: [number, number][] = [];
  /** Where the segment that came last began. */
  #latest = 0;
  #unacked = 0;
  #ackTimer = 0;

  constructor(clock: Clock, ends: Ends, isServer: boolean, send: (segment: Segment) => void) {
    this.#clock = clock;
    this.#ends = ends;
    this.#isServer = isServer;
    this.#send = send;
    if (!isServer) this.#connect();
  }

  write(octets: number): void {
    this.#written += octets;
    this.#push();
  }

  input(segment: Segment): void {
    if (segment.isSyn) return this.#synchronised(segment);
    if (!this.isOpen && this.#isServer) this.#opened(segment.echoMs);
    if (segment.isAck) this.#acknowledged(segment);
    if (segment.length > 0) this.#take(segment.seq - 1, segment.length, segment.stampMs);
  }

  #connect(): void {
    if (this.isOpen) return;
    this.#say({ seq: 0, isSyn: true, isAck: this.#isServer });
    this.#clock.after(RTO_MS.initial * 2 ** this.#backoff++, () => this.#connect());
  }

  #synchronised({ isAck, stampMs, echoMs }: Segment): void {
    this.#stampMs = stampMs;
    if (this.#isServer) {
      if (!this.isOpen) this.#say({ seq: 0, isSyn: true, isAck: true });
      return;
    }
    if (!isAck) return;
    if (!this.isOpen) this.#opened(echoMs);
    this.#ackNow();
  }

  #opened(echoMs: number): void {
    this.isOpen = true;
    this.#backoff = 0;
    this.#sample(this.#clock.nowMs - echoMs);
    this.#push();
  }

  #push(): void {
    if (!this.isOpen) return;
    const limit = Math.min(this.#window, RECEIVE_WINDOW);
    for (const piece of this.#pieces) {
      if (piece.isLost && !piece.isSacked && this.#inFlight() + piece.length <= Math.max(limit, MSS))
        this.#transmit(piece);
    }
    while (this.#next < this.#written) {
      const length = Math.min(this.#written - this.#next, MSS);
      if (this.#inFlight() + length > limit || this.#next + length - this.#acked > RECEIVE_WINDOW) break;
      const piece = { at: this.#next, length, sentMs: 0, tries: 0, isSacked: false, isLost: false };
      this.#pieces.push(piece);
      this.#next += length;
      this.#transmit(piece);
    }
  }

  #transmit(piece: Piece): void {
    if (piece.tries > 0) this.repeated++;
    piece.sentMs = this.#clock.nowMs;
    piece.tries++;
    piece.isLost = false;
    this.#unacked = 0;
    this.#ackTimer++;
    this.#say({ seq: 1 + piece.at, length: piece.length, sacks: this.#sacks() });
    if (this.#timer === 0 || this.#pieces[0] === piece) this.#arm();
  }

  #inFlight(): number {
    let octets = 0;
    for (const { length, isSacked, isLost } of this.#pieces) if (!isSacked && !isLost) octets += length;
    return octets;
  }

  #arm(): void {
    const timer = ++this.#timer;
    this.#clock.after(Math.min(this.#rtoMs * 2 ** this.#backoff, RTO_MS.most), () => {
      if (timer === this.#timer && this.#pieces.length > 0) this.#timedOut();
    });
  }

  #timedOut(): void {
    const isFirst = this.#backoff === 0 && this.#doubt === undefined;
    this.#backoff++;
    if (isFirst) this.#doubt = { window: this.#window, threshold: this.#threshold, atMs: this.#clock.nowMs };
    this.#threshold = Math.max(this.#inFlight() * CUT, 2 * MSS);
    this.#window = MSS;
    this.#recoverTo = this.#next;
    if (!isFirst) this.#allLost();
    this.#transmit(this.#pieces[0] as Piece);
    this.#arm();
  }

  #allLost(): void {
    this.#doubt = undefined;
    for (const piece of this.#pieces) piece.isLost = !piece.isSacked;
  }

  #acknowledged({ ack, sacks, echoMs }: Segment): void {
    const upTo = ack - 1;
    const before = this.#acked;
    for (const [from, to] of sacks) {
      for (const piece of this.#pieces) {
        if (piece.at >= from - 1 && piece.at + piece.length <= to - 1) piece.isSacked = true;
      }
    }
    if (upTo > before) this.#advance(upTo, echoMs);
    this.#findLosses();
    if (upTo > before && this.#pieces.length > 0) this.#arm();
    this.#push();
    if (this.#acked === this.#written && upTo > before) this.flushed();
  }

  #advance(upTo: number, echoMs: number): void {
    this.#pieces = this.#pieces.filter(({ at }) => at >= upTo);
    const octets = upTo - this.#acked;
    this.#acked = upTo;
    this.#sample(this.#clock.nowMs - echoMs);
    this.#backoff = 0;
    if (this.#doubt !== undefined) this.#judge(this.#doubt, echoMs);
    if (upTo >= this.#recoverTo) this.#recoverTo = -1;
    if (this.#recoverTo >= 0 && this.#window >= this.#threshold) return;
    if (this.#window < this.#threshold) this.#window += octets;
    else this.#window += (MSS * octets) / this.#window;
  }

  /** What was sent before the timeout has been received: it was for nothing. */
  #judge({ window, threshold, atMs }: Doubt, echoMs: number): void {
    if (echoMs >= Math.floor(atMs)) return this.#allLost();
    this.#window = window;
    this.#threshold = threshold;
    this.#recoverTo = -1;
    this.#doubt = undefined;
  }

  #findLosses(): void {
    let above = this.#pieces.filter(({ isSacked }) => isSacked).length;
    if (above < DUPLICATES) return;
    for (const piece of this.#pieces) {
      if (piece.isSacked) above--;
      else if (above >= DUPLICATES && piece.tries === 1 && !piece.isLost) {
        piece.isLost = true;
        if (this.#recoverTo < 0) {
          this.#recoverTo = this.#next;
          this.#threshold = Math.max(this.#window * CUT, 2 * MSS);
          this.#window = this.#threshold;
        }
      }
    }
  }

  #sample(ms: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = ms;
      this.#variationMs = ms / 2;
    } else {
      this.#variationMs += (Math.abs(ms - this.#smoothedMs) - this.#variationMs) / 4;
      this.#smoothedMs += (ms - this.#smoothedMs) / 8;
    }
    this.#rtoMs = this.#smoothedMs + Math.max(4 * this.#variationMs, RTO_MS.least);
  }

  #take(at: number, length: number, stampMs: number): void {
    const before = this.receivedOctets;
    if (at <= before && this.#unacked === 0) this.#stampMs = stampMs;
    this.#latest = at;
    this.#early.push([at, at + length]);
    this.#early.sort(([a], [b]) => a - b);
    const merged: [number, number][] = [];
    for (const [from, to] of this.#early) {
      const last = merged.at(-1);
      if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
      else merged.push([from, to]);
    }
    const [first] = merged;
    if (first !== undefined && first[0] <= before) {
      this.receivedOctets = Math.max(before, first[1]);
      merged.shift();
    }
    this.#early = merged;
    if (this.receivedOctets > before) this.received(this.receivedOctets - before);
    if (merged.length > 0 || this.receivedOctets === before || ++this.#unacked >= 2) return this.#ackNow();
    const timer = ++this.#ackTimer;
    this.#clock.after(DELAYED_ACK_MS, () => {
      if (timer === this.#ackTimer && this.#unacked > 0) this.#ackNow();
    });
  }

  #ackNow(): void {
    this.#unacked = 0;
    this.#ackTimer++;
    this.#say({ seq: 1 + this.#next, sacks: this.#sacks() });
  }

  /** The block of the latest segment first, then from the highest down. */
  #sacks(): [number, number][] {
    const isLatest = ([from, to]: [number, number]): boolean => this.#latest >= from && this.#latest < to;
    const blocks = [...this.#early.filter(isLatest), ...this.#early.filter((block) => !isLatest(block)).reverse()];
    return blocks.slice(0, SACKS_MOST).map(([from, to]) => [1 + from, 1 + to]);
  }

  #say(changes: Partial<Segment>): void {
    this.#send({
      ...this.#ends,
      seq: 0,
      ack: 1 + this.receivedOctets,
      isSyn: false,
      isAck: true,
      sacks: [],
      length: 0,
      windowOctets: RECEIVE_WINDOW,
      stampMs: Math.floor(this.#clock.nowMs),
      echoMs: this.#stampMs,
      ...changes,
    });
  }
}
