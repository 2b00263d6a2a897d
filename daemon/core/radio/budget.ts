/**
 * One limit of the law, and how its budget is spread. All of it is, at any time, used in the window, free now, or kept back:
 *
 *     kept back ──at a steady pace──▶ free ──sent──▶ used ──leaves the window──▶ free
 *
 * Free is at most a burst, some minutes' worth; what is beyond is kept back. So a burst is never far, and the hour is never
 * over before its end. What is used never exceeds the limit, since neither of the others is ever negative together.
 */
import { AIR_BUCKETS, AIR_BURST_FRAMES, AIR_BURST_SHARE, AIR_SPREAD_FROM_MS, AIR_TERMS } from '../limits.ts';
import { AirWindow } from './air-window.ts';
import type { AirLimit } from './facts.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class Budget {
  readonly limit: AirLimit;
  /** Free at most. */
  readonly burstMs: number;
  readonly #window: AirWindow;
  /** From kept back to free, ms per ms. */
  readonly #pace: number;
  #freeMs: number;
  /** Given to the modem, and perhaps not sent yet. */
  #pendingMs = 0;
  #advancedMs: number;

  /** @param frameMs of the largest frame: a burst has room for it */
  constructor(limit: AirLimit, frameMs: number, originMs: number, nowMs: number) {
    const { airMs } = limit;
    const isSpread = limit.windowMs >= AIR_SPREAD_FROM_MS;
    const leastMs = AIR_BURST_FRAMES * frameMs + AIR_TERMS.bulk.floor * airMs;
    this.limit = limit;
    this.burstMs = isSpread ? Math.min(Math.max(airMs * AIR_BURST_SHARE, leastMs), airMs) : airMs;
    this.#pace = (limit.airMs - this.burstMs) / limit.windowMs;
    this.#window = new AirWindow(limit.windowMs, originMs, nowMs);
    this.#freeMs = this.burstMs;
    this.#advancedMs = nowMs;
  }

  /** Of the window that ends now, what waits in the modem counted in. */
  get usedMs(): number {
    return this.#window.usedMs + this.#pendingMs;
  }

  /** What may be sent now. Negative after an overdraft. */
  get freeMs(): number {
    return this.#freeMs;
  }

  /** What the law leaves: free, and kept back. */
  get leftMs(): number {
    return this.limit.airMs - this.usedMs;
  }

  get keptBackMs(): number {
    return Math.max(this.leftMs - this.#freeMs, 0);
  }

  advance(nowMs: number): void {
    const before = this.#window.usedMs;
    this.#window.advance(nowMs);
    this.#freeMs += before - this.#window.usedMs;
    this.#freeMs += Math.min(this.keptBackMs, this.#pace * (nowMs - this.#advancedMs));
    // Above the law by a restored history, or beyond a burst: the rest is kept back.
    this.#freeMs = Math.min(this.#freeMs, this.burstMs, this.leftMs);
    this.#advancedMs = nowMs;
  }

  /** Given to the modem. */
  take(airMs: number): void {
    this.#pendingMs += airMs;
    this.#freeMs -= airMs;
  }

  /** All that was given has been sent by now. */
  settle(nowMs: number): void {
    if (this.#pendingMs === 0) return;
    const pending = this.#pendingMs;
    this.#pendingMs = 0;
    this.advance(nowMs);
    this.#window.add(pending, nowMs);
  }

  /** From an earlier life: on the air `agoMs` before now at the latest. */
  recall(airMs: number, nowMs: number, agoMs: number): void {
    if (agoMs >= this.limit.windowMs + this.#window.bucketMs) return;
    this.#window.add(airMs, nowMs, agoMs);
    this.#freeMs = Math.min(this.#freeMs, this.leftMs);
  }

  /**
   * When `airMs` above a floor will be there, counting so much of what is kept back, if nothing is sent until then; infinity:
   * never.
   */
  freeAtMs(airMs: number, floorMs: number, overdraft: number, nowMs: number): number {
    if (airMs + floorMs > this.limit.airMs || (overdraft === 0 && airMs + floorMs > this.burstMs)) return NEVER;
    let keptBack = this.keptBackMs;
    let missing = airMs + floorMs - this.#freeMs - overdraft * keptBack;
    if (missing <= 0) return nowMs;
    // What is kept back and counts already is worth no more when it is free.
    const pace = this.#pace * (1 - overdraft);
    let fromMs = nowMs;
    for (let age = AIR_BUCKETS; age >= 0; age--) {
      const leavesMs = this.#window.leavesAtMs(age);
      const paced = (1 - overdraft) * Math.min(keptBack, this.#pace * (leavesMs - fromMs));
      if (paced >= missing && pace > 0) return fromMs + missing / pace;
      keptBack -= Math.min(keptBack, this.#pace * (leavesMs - fromMs));
      missing -= paced + this.#window.at(age);
      if (missing <= 0) return leavesMs;
      fromMs = leavesMs;
    }
    // Only what waits in the modem is left to wait for.
    return nowMs + this.limit.windowMs;
  }
}
