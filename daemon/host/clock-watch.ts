/**
 * Notices that somebody has set the wall clock: it and the time since the start of the system no longer agree. A value machine:
 * time is an argument.
 */

/** Slower corrections are how a clock is kept right. */
const STEP_MS = 5_000;

/** How the event begins. */
export const CLOCK_STEP = 'the clock was set';

export class ClockWatch {
  #offsetMs: number;

  /** `steadyMs` goes on during sleep, and nobody sets it. */
  constructor(unixMs: number, steadyMs: number) {
    this.#offsetMs = unixMs - steadyMs;
  }

  /** By how much the wall clock has been set forward (or back: negative) since the last look; undefined: it was not. */
  look(unixMs: number, steadyMs: number): number | undefined {
    const stepMs = unixMs - steadyMs - this.#offsetMs;
    // What is corrected bit by bit must not add up to a step.
    this.#offsetMs += stepMs;
    return Math.abs(stepMs) < STEP_MS ? undefined : stepMs;
  }
}
