/** The time of the radio laboratory: virtual (`test/sim/schedule.ts` is one) or real. */
export interface Clock {
  /** Monotonic ms. */
  readonly nowMs: number;
  /** Nothing happens in the past: an earlier time means now. */
  at(timeMs: number, act: () => void): void;
  after(delayMs: number, act: () => void): void;
}

/** The machine's own time. Timers do not keep the process alive. */
export class RealClock implements Clock {
  readonly #timers = new Set<NodeJS.Timeout>();

  get nowMs(): number {
    return performance.now();
  }

  at(timeMs: number, act: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        // Timers go off up to a millisecond early.
        if (this.nowMs < timeMs) this.at(timeMs, act);
        else act();
      },
      Math.ceil(timeMs - this.nowMs),
    );
    timer.unref();
    this.#timers.add(timer);
  }

  after(delayMs: number, act: () => void): void {
    this.at(this.nowMs + delayMs, act);
  }

  /** What was to happen does not. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
