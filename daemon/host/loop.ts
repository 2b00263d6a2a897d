/** How busy an event loop is and how late it comes to what is due: one look a second, the last minute is kept. */
import { performance } from 'node:perf_hooks';

/** Of the last minute. */
export type LoopInfo = {
  /** Share of the time in which it was not waiting, 0 to 1. */
  readonly busy: number;
  /** How late a timer fired, in milliseconds. */
  readonly lagMeanMs: number;
  readonly lagMaxMs: number;
};

export const LOOK_MS = 1_000;
const LOOKS = 60;

/** Milliseconds since the last look. */
export type Look = { readonly passed: number; readonly busy: number };

export class LoopLag {
  readonly #looks: Look[] = [];

  add(look: Look): void {
    this.#looks.push(look);
    if (this.#looks.length > LOOKS) this.#looks.shift();
  }

  /** @param looks of the last so many seconds */
  info(looks = LOOKS): LoopInfo {
    const kept = this.#looks.slice(-looks);
    const lags = kept.map(({ passed }) => Math.max(0, passed - LOOK_MS));
    const passed = sum(kept.map((look) => look.passed));
    const busy = sum(kept.map((look) => look.busy));
    return {
      busy: passed === 0 ? 0 : Math.min(1, busy / passed),
      lagMeanMs: lags.length === 0 ? 0 : sum(lags) / lags.length,
      lagMaxMs: Math.max(0, ...lags),
    };
  }
}

/** Looks at the loop of this thread for as long as something else keeps it alive. */
export function watchLoop(): LoopLag {
  const lag = new LoopLag();
  let atMs = performance.now();
  let before = performance.eventLoopUtilization();
  setInterval(() => {
    const nowMs = performance.now();
    const after = performance.eventLoopUtilization();
    lag.add({ passed: nowMs - atMs, busy: after.active - before.active });
    atMs = nowMs;
    before = after;
  }, LOOK_MS).unref();
  return lag;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
