/**
 * Messages that came in fragments, in the order in which they were sent: sessions of plain nodes drop what has been overtaken, and TCP
 * takes it for a loss. One that is missing is waited for as long as it is likely to come. Times are real ones.
 */
import type { Pooled } from '../../../pool.ts';

/** Waiting for one that is missing; then the missing ones are passed over. */
const HELD_MAX = 8;

export type Whole = { readonly id: number; readonly message: Pooled; readonly size: number };

export class InOrder {
  readonly #holdMs: number;
  readonly #held: (Whole & { readonly untilMs: number })[] = [];
  #next = 0;

  /** @param holdMs how long a message is waited for */
  constructor(holdMs: number) {
    this.#holdMs = holdMs;
  }

  /** Ids count up from 0, 16 bits. One that has been passed over is handed out all the same. */
  add(whole: Whole, timeMs: number): void {
    let at = this.#held.length;
    while (at > 0 && isBefore(whole.id, (this.#held[at - 1] as Whole).id)) at--;
    this.#held.splice(at, 0, { ...whole, untilMs: timeMs + this.#holdMs });
  }

  /** The next one whose turn it is; undefined: none, or one must be waited for. */
  take(timeMs: number): Whole | undefined {
    const [first] = this.#held;
    if (first === undefined) return undefined;
    const isDue = !isBefore(this.#next, first.id);
    if (!isDue && this.#held.length <= HELD_MAX && timeMs < this.#deadlineMs) return undefined;
    this.#held.shift();
    if (!isBefore(first.id, this.#next)) this.#next = (first.id + 1) & 0xffff;
    return first;
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  clear(): Whole[] {
    return this.#held.splice(0);
  }

  /** Any of them may have waited longest. */
  get #deadlineMs(): number {
    return this.#held.reduce((least, { untilMs }) => Math.min(least, untilMs), Number.POSITIVE_INFINITY);
  }
}

function isBefore(a: number, b: number): boolean {
  return a !== b && ((b - a) & 0xffff) < 0x8000;
}
