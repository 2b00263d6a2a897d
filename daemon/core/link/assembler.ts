/**
 * Cuts a stream into frames. Whole frames are handed over where they lie; only a frame that spans two chunks is copied.
 * Two buffers take turns, because the frame completed in one is still in use when the next one begins.
 */
import { FRAME_MAX, FRAME_PREFIX_MAX, type FrameHead, readFrameHead } from '../../wire/frame.ts';

/** `end` is one past the frame, `bodyAt` its type octet. False stops the cutting. */
export type TakeFrame = (buffer: Uint8Array, bodyAt: number, end: number) => boolean;

export class Assembler {
  /** Octets of an unfinished frame. */
  pending = 0;
  #partial: Uint8Array = new Uint8Array(0);
  #other: Uint8Array = new Uint8Array(0);
  readonly #head: FrameHead = { prefix: 0, length: 0 };
  readonly #frameMax: number;

  /** @param frameMax longer frames are malformed */
  constructor(frameMax = FRAME_MAX) {
    this.#frameMax = frameMax;
  }

  /**
   * @param settle called before a buffer that was handed over is filled again
   * @returns false for a malformed length
   */
  push(chunk: Uint8Array, take: TakeFrame, settle: () => void): boolean {
    let at = 0;
    while (this.pending > 0 && at < chunk.length) {
      const missing = this.#missing();
      if (missing < 0) return false;
      const count = Math.min(missing, chunk.length - at);
      this.#reserve(this.pending + count);
      this.#partial.set(chunk.subarray(at, at + count), this.pending);
      this.pending += count;
      at += count;
      const left = this.#missing();
      if (left < 0) return false;
      if (left > 0) continue;
      const { prefix } = this.#head;
      const end = this.pending;
      this.pending = 0;
      const done = this.#partial;
      this.#partial = this.#other;
      this.#other = done;
      if (!take(done, prefix, end)) return true;
    }
    while (at < chunk.length) {
      const state = readFrameHead(chunk, at, chunk.length, this.#head);
      if (state === 'malformed' || (state === 'complete' && this.#head.length > this.#frameMax)) return false;
      const { prefix, length } = this.#head;
      if (state === 'short' || at + prefix + length > chunk.length) break;
      at += prefix + length;
      if (!take(chunk, at - length, at)) return true;
    }
    if (at < chunk.length) this.#keep(chunk, at, settle);
    return true;
  }

  /** Octets until the pending frame is whole, or until its length is known; -1 if malformed. */
  #missing(): number {
    const state = readFrameHead(this.#partial, 0, this.pending, this.#head);
    if (state === 'malformed') return -1;
    if (state === 'short') return 1;
    if (this.#head.length > this.#frameMax) return -1;
    return this.#head.prefix + this.#head.length - this.pending;
  }

  #keep(chunk: Uint8Array, at: number, settle: () => void): void {
    const rest = chunk.length - at;
    settle();
    const isKnown = readFrameHead(chunk, at, chunk.length, this.#head) === 'complete';
    this.#reserve(isKnown ? this.#head.prefix + this.#head.length : Math.max(rest, FRAME_PREFIX_MAX));
    this.#partial.set(chunk.subarray(at), 0);
    this.pending = rest;
  }

  #reserve(size: number): void {
    if (this.#partial.length >= size) return;
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(Math.max(size, 2_048))));
    grown.set(this.#partial.subarray(0, this.pending));
    this.#partial = grown;
  }
}
