/**
 * Keeps what the system holds unsent of a link short: what waits there can no longer be passed by, nor dropped. A few
 * milliseconds' worth at the pace of the link, which is measured while the system takes less than it is given.
 */
import type { Socket } from 'node:net';
import { loadAddon } from '../../native-bindings/addon.ts';
import { descriptorOf } from './descriptor.ts';

/** Less would cost turns, not time. */
const UNSENT_MIN = 8 * 1024;
/** How long the system can do without us. */
const UNSENT_MS = 4;
const MEASURE_MS = 20;
/** Asking the system costs half a microsecond, and four where the caches are cold. */
const LOOK_MS = 1;

/** Of a TCP connection: a burst that the system can take over without us. */
const TCP_UNSENT_MAX = 512 * 1024;

const addon = loadAddon();

/** What is asked of the system, about one link. */
export type UnsentPorts = {
  /** It takes no more while it holds so many octets unsent. */
  limit(octets: number): void;
  /** How many it holds. */
  unsent(): number;
};

export class SendQueue {
  readonly #ports: UnsentPorts;
  readonly #maxBytes: number;
  #limitBytes: number;
  /** Octets a millisecond; infinite until it has been measured. */
  #pace = Number.POSITIVE_INFINITY;
  /** Since when it is measured, what the system held then, and was given since; and that it always had something to send. */
  #sinceMs = 0;
  #heldBytes = 0;
  #givenBytes = 0;
  #isBusy = false;
  /** It is measured at present. */
  #isAwake = false;
  #lookedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(maxBytes: number, ports: UnsentPorts) {
    this.#ports = ports;
    this.#maxBytes = maxBytes;
    this.#limitBytes = maxBytes;
    ports.limit(maxBytes);
  }

  /** The link is slow, and the system has work for long enough: whatever it gets now would only wait there. */
  get isOver(): boolean {
    return this.#limitBytes < this.#maxBytes && this.#ports.unsent() >= this.#limitBytes >> 1;
  }

  /** To be called before octets are given to the system. */
  look(nowMs: number): void {
    // Less may wait on any link: one that was idle and was given no more need not be asked about.
    if (nowMs - this.#lookedMs < LOOK_MS || (!this.#isAwake && this.#givenBytes < UNSENT_MIN)) return;
    this.#lookedMs = nowMs;
    const unsent = this.#ports.unsent();
    if (unsent === 0) this.#isBusy = false;
    if (!this.#isAwake) return this.#measure(nowMs, unsent);
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs < MEASURE_MS) return;
    const pace = (this.#heldBytes + this.#givenBytes - unsent) / passedMs;
    // Who was idle could have been faster.
    if (this.#isBusy || pace > this.#pace) this.#adapt(pace);
    const isIdle = unsent === 0 && this.#limitBytes === this.#maxBytes && this.#givenBytes < UNSENT_MIN;
    this.#measure(nowMs, unsent);
    this.#isAwake = !isIdle;
  }

  /** The system was given so many octets, whether it has taken them yet or not. */
  given(octets: number): void {
    this.#givenBytes += octets;
  }

  /** Calls `act` as soon as the system is not over its limit: at once, or once, however often it is asked for meanwhile. */
  await(act: () => void): void {
    if (this.isOver || this.#timer !== undefined) this.later(act);
    else act();
  }

  /** The same, but never at once. */
  later(act: () => void): void {
    if (this.#timer !== undefined) return;
    const surplus = this.#ports.unsent() - (this.#limitBytes >> 1);
    const look = (): void => {
      this.#timer = undefined;
      this.await(act);
    };
    this.#timer = setTimeout(look, Math.min(surplus / this.#pace, UNSENT_MS));
  }

  #measure(nowMs: number, unsent: number): void {
    this.#isAwake = true;
    this.#sinceMs = nowMs;
    this.#heldBytes = unsent;
    this.#givenBytes = 0;
    this.#isBusy = unsent > 0;
  }

  #adapt(pace: number): void {
    this.#pace = pace;
    const octets = Math.round(Math.max(UNSENT_MIN, Math.min(this.#maxBytes, pace * UNSENT_MS)));
    // A system call for every ripple would be too many.
    if (octets < 1.25 * this.#limitBytes && this.#limitBytes < 1.25 * octets) return;
    this.#limitBytes = octets;
    this.#ports.limit(octets);
  }
}

/** That of a connected socket. One that is no TCP connection is left as it is. */
export function sendQueueOf(socket: Socket): SendQueue {
  const descriptor = descriptorOf(socket);
  if (addon === undefined || descriptor < 0) return new SendQueue(TCP_UNSENT_MAX, { limit: () => {}, unsent: () => 0 });
  return new SendQueue(TCP_UNSENT_MAX, {
    limit: (octets) => void addon.limitUnsent(descriptor, octets),
    unsent: () => (socket.destroyed ? 0 : addon.unsent(descriptor)),
  });
}
