/**
 * Time on the air in the last so many ms, in a ring of equal buckets. The oldest bucket counts whole until all of it is out of
 * the window: what is told is never less than what was sent in any window that ends now.
 */
import { AIR_BUCKETS } from '../limits.ts';

export class AirWindow {
  readonly windowMs: number;
  readonly bucketMs: number;
  /** A border between two buckets. */
  readonly #originMs: number;
  readonly #buckets = new Float64Array(AIR_BUCKETS + 1);
  /** Of the newest bucket, counted from the origin. */
  #newest: number;
  #usedMs = 0;

  constructor(windowMs: number, originMs: number, nowMs: number) {
    this.windowMs = windowMs;
    this.bucketMs = windowMs / AIR_BUCKETS;
    this.#originMs = originMs;
    this.#newest = this.#indexOf(nowMs);
  }

  get usedMs(): number {
    return this.#usedMs;
  }

  /** How far the newest bucket has got. */
  intoMs(nowMs: number): number {
    return nowMs - this.#originMs - this.#newest * this.bucketMs;
  }

  /** Forgets what has left the window. */
  advance(nowMs: number): void {
    const index = this.#indexOf(nowMs);
    if (index <= this.#newest) return;
    const steps = Math.min(index - this.#newest, this.#buckets.length);
    for (let i = 1; i <= steps; i++) this.#buckets[this.#slot(index - steps + i)] = 0;
    this.#newest = index;
    this.#usedMs = 0;
    for (const ms of this.#buckets) this.#usedMs += ms;
  }

  /** What ended now, or `agoMs` before. */
  add(airMs: number, nowMs: number, agoMs = 0): void {
    this.advance(nowMs);
    const index = this.#indexOf(nowMs - agoMs);
    if (index <= this.#newest - this.#buckets.length) return;
    this.#buckets[this.#slot(index)] = (this.#buckets[this.#slot(index)] as number) + airMs;
    this.#usedMs += airMs;
  }

  /** Of the bucket so many before the newest. */
  at(age: number): number {
    return age >= this.#buckets.length ? 0 : (this.#buckets[this.#slot(this.#newest - age)] as number);
  }

  /** When the bucket so many before the newest has left the window. */
  leavesAtMs(age: number): number {
    return this.#originMs + (this.#newest - age + 1) * this.bucketMs + this.windowMs;
  }

  #indexOf(ms: number): number {
    return Math.floor((ms - this.#originMs) / this.bucketMs);
  }

  #slot(index: number): number {
    const { length } = this.#buckets;
    return ((index % length) + length) % length;
  }
}
