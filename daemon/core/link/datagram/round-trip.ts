/** The round-trip time of a link, smoothed, and what follows from it for sending again (RFC 6298; link document, sections 9, 11). */
import type { ClassConstants } from './classes.ts';

/** Timers and other work come late by so much. */
const GRANULARITY_MS = 10;

export class RoundTrip {
  /** Undefined before the first sample. */
  smoothedMs: number | undefined;
  #varianceMs = 0;
  #leastMs = Number.POSITIVE_INFINITY;
  readonly #constants: ClassConstants;

  constructor(constants: ClassConstants) {
    this.#constants = constants;
  }

  sample(ms: number): void {
    this.#leastMs = Math.min(this.#leastMs, ms);
    if (this.smoothedMs === undefined) {
      this.smoothedMs = ms;
      this.#varianceMs = ms / 2;
      return;
    }
    this.#varianceMs += (Math.abs(this.smoothedMs - ms) - this.#varianceMs) / 4;
    this.smoothedMs += (ms - this.smoothedMs) / 8;
  }

  /** Of an answer that the other side may have held back for up to `delayMs`: never less than the least seen. */
  sampleDelayed(ms: number, delayMs: number): void {
    if (this.#leastMs === Number.POSITIVE_INFINITY) this.sample(Math.max(ms - delayMs, ms / 2));
    else this.sample(Math.max(ms - delayMs, Math.min(ms, this.#leastMs)));
  }

  /** After how long something unanswered is sent again; the other side's delay before it answers is allowed for. */
  get retransmitMs(): number {
    const { initial, min, max } = this.#constants.rtoMs;
    if (this.smoothedMs === undefined) return initial;
    const ms = this.smoothedMs + Math.max(GRANULARITY_MS, 4 * this.#varianceMs) + this.#constants.ackDelayCtrlMs;
    return Math.min(max, Math.max(min, ms));
  }

  /** The path is another one now. */
  reset(): void {
    this.smoothedMs = undefined;
    this.#varianceMs = 0;
    this.#leastMs = Number.POSITIVE_INFINITY;
  }
}
