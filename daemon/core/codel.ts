/** How long packets may wait; for how long they may wait longer. */
export type CodelTimes = { readonly targetMs: number; readonly intervalMs: number };

/**
 * When a queue has been too long for too long (RFC 8289): drops begin, and become more frequent until it is short again.
 * Whom they hit is the queue's to decide.
 */
export class Codel {
  readonly #targetMs: number;
  readonly #intervalMs: number;
  /** When the wait will have been above the target for an interval; undefined while it is below. */
  #lateAtMs: number | undefined;
  #isDropping = false;
  #dropAtMs = 0;
  /** Drops since dropping began, and how many of them there were the last time when it began. */
  #count = 0;
  #countBefore = 0;

  constructor(times: CodelTimes) {
    this.#targetMs = times.targetMs;
    this.#intervalMs = times.intervalMs;
  }

  /**
   * Asked before a packet is taken out: `waitedMs` is how long the oldest one has waited, `isLast` that there is no
   * other. True: drop one, and ask again.
   */
  mustDrop(waitedMs: number, isLast: boolean, nowMs: number): boolean {
    if (!this.#isLate(waitedMs, isLast, nowMs)) {
      this.#isDropping = false;
      return false;
    }
    if (!this.#isDropping) {
      this.#isDropping = true;
      const recent = this.#count - this.#countBefore;
      this.#count = recent > 1 && nowMs - this.#dropAtMs < 16 * this.#intervalMs ? recent : 1;
      this.#countBefore = this.#count;
      this.#dropAtMs = nowMs + this.#pauseMs;
      return true;
    }
    if (nowMs < this.#dropAtMs) return false;
    this.#count++;
    this.#dropAtMs += this.#pauseMs;
    return true;
  }

  get #pauseMs(): number {
    return this.#intervalMs / Math.sqrt(this.#count);
  }

  #isLate(waitedMs: number, isLast: boolean, nowMs: number): boolean {
    if (waitedMs < this.#targetMs || isLast) {
      this.#lateAtMs = undefined;
      return false;
    }
    this.#lateAtMs ??= nowMs + this.#intervalMs;
    return nowMs >= this.#lateAtMs;
  }
}
