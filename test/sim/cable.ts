/**
 * A cable between two hosts and the stream connection on it. Octets arrive in order, after the cable's latency, cut into
 * other pieces than they were sent in.
 */
import type { Host } from './host.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';

/** A dialler tries again after this. */
const REDIAL_MS = 1_000;

/** One side of a connection, as its host's shell sees it. */
export type End = {
  readonly cable: Cable;
  readonly host: Host;
  /** What has been sent here and not arrived: pieces, then perhaps the end of the stream. */
  readonly inbox: (Uint8Array | 'fin')[];
  lastArrivalMs: number;
  other: End | undefined;
  /** False once this side has closed, or its host is down. */
  isOpen: boolean;
};

export class Cable {
  readonly dialler: Host;
  readonly acceptor: Host;
  readonly latencyMs: number;
  readonly #schedule: Schedule;
  readonly #random: Random;
  #isDown = false;
  #ends: End[] = [];
  #isDialling = false;

  constructor(dialler: Host, acceptor: Host, latencyMs: number, schedule: Schedule, random: Random) {
    this.dialler = dialler;
    this.acceptor = acceptor;
    this.latencyMs = latencyMs;
    this.#schedule = schedule;
    this.#random = random;
  }

  /** Both hosts run and octets pass. */
  get isUsable(): boolean {
    return !this.#isDown && this.dialler.isUp && this.acceptor.isUp;
  }

  /** Tries to connect after a while, and again for as long as it makes sense. */
  dial(delayMs: number = this.#random.between(0, REDIAL_MS)): void {
    if (this.#isDialling) return;
    this.#isDialling = true;
    this.#schedule.after(delayMs, () => {
      this.#isDialling = false;
      if (this.isUsable && !this.#ends.some((end) => end.host === this.dialler && end.isOpen)) this.#connect();
    });
  }

  /** `isNoticed`: both hosts are told at once. Otherwise octets wait, as TCP lets them, until the cable is back. */
  cut(isNoticed: boolean): void {
    this.#isDown = true;
    if (!isNoticed) return;
    for (const end of this.#ends.splice(0)) {
      if (!end.isOpen) continue;
      end.isOpen = false;
      end.host.streamEnded(end);
    }
  }

  restore(): void {
    this.#isDown = false;
    for (const end of this.#ends) for (const _ of end.inbox) this.#arriveLater(end);
    this.dial();
  }

  send(from: End, octets: Uint8Array): void {
    const to = from.other as End;
    for (const piece of this.#pieces(octets)) {
      to.inbox.push(piece);
      this.#arriveLater(to);
    }
  }

  /** This side is done: the other side learns it behind all octets under way. */
  close(end: End): void {
    if (!end.isOpen) return;
    this.#forget(end);
    this.#tellEnd(end);
    if (end.host === this.dialler) this.dial(REDIAL_MS);
  }

  /** A host went down. `isNoticed`: its system still ended its streams; otherwise nobody learns it until it is back. */
  hostStopped(host: Host, isNoticed: boolean): void {
    for (const end of this.#ends.filter((one) => one.host === host && one.isOpen)) {
      this.#forget(end);
      if (isNoticed) this.#tellEnd(end);
    }
  }

  /** The host is back: its system denies all knowledge of streams from before, and both sides may dial. */
  hostStarted(host: Host): void {
    for (const end of this.#ends.filter((one) => one.host === host && !one.isOpen)) this.#tellEnd(end);
    this.dial();
  }

  #forget(end: End): void {
    end.isOpen = false;
    end.inbox.length = 0;
  }

  #tellEnd(end: End): void {
    const other = end.other as End;
    this.#ends = this.#ends.filter((one) => one !== end);
    if (!other.isOpen) return;
    other.inbox.push('fin');
    this.#arriveLater(other);
  }

  #connect(): void {
    const near = this.#newEnd(this.dialler);
    const far = this.#newEnd(this.acceptor);
    near.other = far;
    far.other = near;
    this.#ends.push(near, far);
    far.lastArrivalMs = this.#schedule.nowMs + this.latencyMs;
    this.#schedule.at(far.lastArrivalMs, () => {
      if (far.isOpen) far.host.streamOpened(far, true);
    });
    // Only now, so that its first octets arrive behind the news of the connection.
    this.dialler.streamOpened(near, false);
  }

  #newEnd(host: Host): End {
    return { cable: this, host, inbox: [], lastArrivalMs: 0, other: undefined, isOpen: true };
  }

  #arriveLater(end: End): void {
    end.lastArrivalMs = Math.max(end.lastArrivalMs, this.#schedule.nowMs + this.latencyMs);
    this.#schedule.at(end.lastArrivalMs, () => this.#arrive(end));
  }

  #arrive(end: End): void {
    if (this.#isDown || !end.isOpen) return;
    const item = end.inbox.shift();
    if (item === undefined) return;
    if (item !== 'fin') return end.host.octetsArrived(end, item);
    end.isOpen = false;
    this.#ends = this.#ends.filter((one) => one !== end);
    end.host.streamEnded(end);
    if (end.host === this.dialler) this.dial(REDIAL_MS);
  }

  /** Mostly one; now and then several, cut anywhere. */
  #pieces(octets: Uint8Array): Uint8Array[] {
    if (octets.length < 2 || !this.#random.chance(0.1)) return [octets.slice()];
    const at = 1 + this.#random.below(octets.length - 1);
    return [octets.slice(0, at), ...this.#pieces(octets.subarray(at))];
  }
}
