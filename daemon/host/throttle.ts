/** Which log lines are written: nobody who can cause lines may fill the disk or hide other lines behind them. */

/** One line per reason in this time (R9 of the security rules). */
const REPEAT_MS = 10_000;
const LINES_PER_SECOND = 100;
/** Reasons remembered: more than can be written in `REPEAT_MS`. Beyond it the oldest is forgotten. */
const REASONS_MAX = 1_024;

export class Throttle {
  readonly #reasons = new Map<string, { untilMs: number; dropped: number }>();
  #secondStartMs = 0;
  #linesInSecond = 0;
  #dropped = 0;

  /** Lines not written so far, whatever the cause. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Undefined: leave the line out. A number: write it, and say that so many like it were left out before. `reason` is
   * undefined for lines that only the operator or the daemon itself can cause.
   */
  admit(reason: string | undefined, nowMs: number): number | undefined {
    const known = reason === undefined ? undefined : this.#reasons.get(reason);
    if (known !== undefined && nowMs < known.untilMs) {
      known.dropped++;
      return this.#drop();
    }
    if (nowMs - this.#secondStartMs >= 1000) {
      this.#secondStartMs = nowMs;
      this.#linesInSecond = 0;
    }
    if (++this.#linesInSecond > LINES_PER_SECOND) return this.#drop();
    if (reason !== undefined) this.#remember(reason, nowMs);
    return known?.dropped ?? 0;
  }

  #drop(): undefined {
    this.#dropped++;
    return undefined;
  }

  #remember(reason: string, nowMs: number): void {
    this.#reasons.delete(reason);
    this.#reasons.set(reason, { untilMs: nowMs + REPEAT_MS, dropped: 0 });
    if (this.#reasons.size <= REASONS_MAX) return;
    for (const oldest of this.#reasons.keys()) {
      this.#reasons.delete(oldest);
      return;
    }
  }
}
