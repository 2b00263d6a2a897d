/**
 * Notices that this machine, or this process, did nothing for a while: asleep, stopped, or the guest of a machine that was.
 * Linux's monotonic clock stands still during sleep, so the time since boot is looked at beside it. A value machine: time is
 * an argument.
 */

/** Longer than any honest delay of an event loop that wakes at least once a second. */
const GAP_MS = 10_000;
/** Looking costs a system call. */
const LOOK_MS = 1_000;

export type Clock = {
  /** Monotonic; may stand still during sleep. */
  nowMs(): number;
  /** Does not stand still. */
  sinceBootMs(): number;
};

export type Gap = {
  /** How long nothing happened. */
  readonly lengthMs: number;
  /** How much of it the monotonic clock has missed. */
  readonly missedMs: number;
};

export class SleepWatch {
  readonly #clock: Clock;
  #nowMs: number;
  #sinceBootMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nowMs = clock.nowMs();
    this.#sinceBootMs = clock.sinceBootMs();
  }

  /** To be asked at least once a second; undefined: nothing happened. */
  look(): Gap | undefined {
    const passedMs = this.#clock.nowMs() - this.#nowMs;
    if (passedMs < LOOK_MS) return undefined;
    const sinceBootMs = this.#clock.sinceBootMs();
    const missedMs = Math.max(0, sinceBootMs - this.#sinceBootMs - passedMs);
    this.#nowMs += passedMs;
    this.#sinceBootMs = sinceBootMs;
    if (Math.max(passedMs, missedMs) <= GAP_MS) return undefined;
    return { lengthMs: passedMs + missedMs, missedMs: missedMs > GAP_MS ? missedMs : 0 };
  }
}
