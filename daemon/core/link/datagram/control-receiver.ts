/** The receiving half of the control stream (link document, section 9): puts it in order and cuts it into frames. */
import type { Range } from '../../../wire/link-frames.ts';
import { CTRL_FRAME_MAX, CTRL_RANGES_MAX } from '../../limits.ts';
import { Assembler, type TakeFrame } from '../assembler.ts';

/**
 * 'next': in order. 'odd': out of order or known already, so that a CACK should go out at once. 'changed': octets that
 * came before now differ. 'malformed': not a sequence of frames.
 */
export type Received = 'next' | 'odd' | 'changed' | 'malformed';

export class ControlReceiver {
  /** Everything before this offset has been handed over. */
  cumulative = 0;
  /** What has come beyond it: ascending, not touching. */
  readonly ranges: Range[] = [];
  readonly #window: number;
  readonly #take: TakeFrame;
  readonly #settle: () => void;
  readonly #assembler = new Assembler(CTRL_FRAME_MAX);
  /** Octet o of the stream lies at o modulo the window. */
  #ring: Uint8Array = new Uint8Array(0);

  /** @param window octets kept beyond the cumulative offset; a power of two */
  constructor(window: number, take: TakeFrame, settle: () => void) {
    this.#window = window;
    this.#take = take;
    this.#settle = settle;
  }

  received(offset: number, buffer: Uint8Array, start: number, end: number): Received {
    const to = Math.min(offset + end - start, this.cumulative + this.#window);
    const from = Math.max(offset, this.cumulative);
    if (from >= to) return 'odd';
    const part = buffer.subarray(start + from - offset, start + to - offset);
    if (from === this.cumulative && this.ranges.length === 0) {
      this.cumulative = to;
      return this.#deliver(part) ? 'next' : 'malformed';
    }
    if (!this.#agrees(from, part)) return 'changed';
    if (!this.#insert(from, to)) return 'odd';
    this.#store(from, part);
    const first = this.ranges[0];
    if (first === undefined || first.from > this.cumulative) return 'odd';
    this.ranges.shift();
    const at = this.cumulative;
    this.cumulative = first.to;
    return this.#deliverRing(at, first.to) ? 'odd' : 'malformed';
  }

  /** What came twice must be the same. */
  #agrees(from: number, part: Uint8Array): boolean {
    for (const range of this.ranges) {
      const low = Math.max(range.from, from);
      const high = Math.min(range.to, from + part.length);
      for (let i = low; i < high; i++) if (this.#ring[i % this.#window] !== part[i - from]) return false;
    }
    return true;
  }

  /** False: there would be more ranges than an honest sender makes; the octets will come again. */
  #insert(from: number, to: number): boolean {
    let index = 0;
    while (index < this.ranges.length && (this.ranges[index] as Range).to < from) index++;
    let last = index;
    const merged = { from, to };
    for (; last < this.ranges.length && (this.ranges[last] as Range).from <= to; last++) {
      const range = this.ranges[last] as Range;
      merged.from = Math.min(merged.from, range.from);
      merged.to = Math.max(merged.to, range.to);
    }
    if (last === index && from > this.cumulative && this.ranges.length >= CTRL_RANGES_MAX) return false;
    this.ranges.splice(index, last - index, merged);
    return true;
  }

  #store(from: number, part: Uint8Array): void {
    if (this.#ring.length === 0) this.#ring = new Uint8Array(this.#window);
    const at = from % this.#window;
    const untilWrap = Math.min(part.length, this.#window - at);
    this.#ring.set(part.subarray(0, untilWrap), at);
    this.#ring.set(part.subarray(untilWrap), 0);
  }

  #deliverRing(from: number, to: number): boolean {
    const at = from % this.#window;
    const untilWrap = Math.min(to - from, this.#window - at);
    if (!this.#deliver(this.#ring.subarray(at, at + untilWrap))) return false;
    return untilWrap === to - from || this.#deliver(this.#ring.subarray(0, to - from - untilWrap));
  }

  #deliver(part: Uint8Array): boolean {
    return this.#assembler.push(part, this.#take, this.#settle);
  }
}
