/**
 * Frames in a byte pipe (link document, section 2): COBS(frame ‖ CRC-16 big-endian), then one zero. No octet of an encoded
 * frame is zero, so whatever happened before, the next zero begins anew.
 *
 * COBS: a code octet n, then n − 1 octets as they are, then a zero that is not written, unless n is 255 or the frame ends.
 */
import { crc16 } from './crc16.ts';

const CRC = 2;
const CODE_MAX = 255;

/** What a frame of `length` octets becomes at most, with the zero behind it. */
export function pipeSize(length: number): number {
  const body = length + CRC;
  return body + Math.floor(body / (CODE_MAX - 1)) + 1 + 1;
}

/**
 * Writes one frame and its zero to `target`, which has room for `pipeSize(length)` octets at `targetAt`; returns how many it
 * took. After an idle time the caller puts a zero of its own before it: noise then costs nothing.
 */
export function writePipeFrame(
  target: Uint8Array,
  targetAt: number,
  source: Uint8Array,
  sourceAt: number,
  length: number,
): number {
  const crc = crc16(source, sourceAt, sourceAt + length);
  let codeAt = targetAt;
  let at = targetAt + 1;
  for (let i = 0; i < length + CRC; i++) {
    if (at - codeAt === CODE_MAX) {
      target[codeAt] = CODE_MAX;
      codeAt = at++;
    }
    const octet = i < length ? (source[sourceAt + i] as number) : i === length ? crc >> 8 : crc & 0xff;
    if (octet !== 0) target[at++] = octet;
    else {
      target[codeAt] = at - codeAt;
      codeAt = at++;
    }
  }
  target[codeAt] = at - codeAt;
  target[at++] = 0;
  return at - targetAt;
}

/** Takes the octets of a pipe as they come and finds the frames in them. Holds one frame. */
export class PipeReader {
  /** Frames that were not whole, too long, or failed their CRC. */
  damaged = 0;
  /** Valid during `frame`. */
  readonly buffer: Uint8Array;
  readonly #mtu: number;
  #length = 0;
  /** Of the block that is being read: its code, and how many of its octets are to come. */
  #code = 0;
  #left = 0;
  #isLost = false;

  constructor(mtu: number) {
    this.#mtu = mtu;
    this.buffer = new Uint8Array(mtu + CRC);
  }

  /** `frame` is told the length of each frame, which lies at the beginning of `buffer` until it returns. */
  push(octets: Uint8Array, frame: (length: number) => void): void {
    for (let i = 0; i < octets.length; i++) {
      const octet = octets[i] as number;
      if (octet === 0) this.#end(frame);
      else if (this.#isLost) continue;
      else if (this.#left > 0) {
        this.#left--;
        this.#put(octet);
      } else {
        if (this.#code !== 0 && this.#code !== CODE_MAX) this.#put(0);
        this.#code = octet;
        this.#left = octet - 1;
      }
    }
  }

  #put(octet: number): void {
    if (this.#length === this.buffer.length) this.#isLost = true;
    else this.buffer[this.#length++] = octet;
  }

  #end(frame: (length: number) => void): void {
    const { buffer } = this;
    const length = this.#length - CRC;
    const isEmpty = this.#code === 0;
    const isWhole = !this.#isLost && this.#left === 0 && length > 0 && length <= this.#mtu;
    this.#length = 0;
    this.#code = 0;
    this.#left = 0;
    this.#isLost = false;
    if (isEmpty) return;
    const crc = isWhole ? crc16(buffer, 0, length) : -1;
    if (crc === (((buffer[length] as number) << 8) | (buffer[length + 1] as number))) frame(length);
    else this.damaged++;
  }
}
