/** Frames of a stream link: uvarint length, type, body (section 4.1). */
import { uvarintSize, Writer } from './cursor.ts';

export const FRAME = {
  dummy: 0,
  keepAlive: 1,
  sigReq: 2,
  sigRes: 3,
  announce: 4,
  bloomFilter: 5,
  pathLookup: 6,
  pathNotify: 7,
  pathBroken: 8,
  traffic: 9,
} as const;

/** Type octet and body. */
export const FRAME_MAX = 131_070;

/** Octets that a length prefix up to `FRAME_MAX` takes. */
export const FRAME_PREFIX_MAX = 3;

/** Largest body of a frame that is not Traffic: two deep paths of 64-bit ports and what stands beside them. */
export const CONTROL_BODY_MAX = 5_400;

/** Where the next frame lies: `prefix` octets of length, then `length` octets. */
export type FrameHead = { prefix: number; length: number };

export type FrameHeadResult = 'complete' | 'short' | 'malformed';

/**
 * Looks at the length prefix at `start`. 'short': more octets are needed for the prefix itself; 'malformed': zero, more
 * than `FRAME_MAX`, or no uvarint. A prefix may be longer than necessary.
 */
export function readFrameHead(buffer: Uint8Array, start: number, end: number, head: FrameHead): FrameHeadResult {
  let value = 0;
  // Not raised to a power: that makes a floating-point number of every length, and of every place behind it.
  for (let i = 0, scale = 1; i < 10; i++, scale *= 0x80) {
    if (start + i >= end) return 'short';
    const octet = buffer[start + i] as number;
    value += (octet & 0x7f) * scale;
    if (value > FRAME_MAX) return 'malformed';
    if (octet < 0x80) {
      if (value === 0) return 'malformed';
      head.prefix = i + 1;
      head.length = value;
      return 'complete';
    }
  }
  return 'malformed';
}

const scratch = new Uint8Array(FRAME_PREFIX_MAX + 1 + CONTROL_BODY_MAX);

/** A whole control frame, in a buffer of its own. */
export function encodeFrame(type: number, writeBody: (writer: Writer) => void): Uint8Array {
  const body = new Writer(scratch, FRAME_PREFIX_MAX + 1);
  writeBody(body);
  const length = body.pos - FRAME_PREFIX_MAX;
  const start = FRAME_PREFIX_MAX - uvarintSize(0, length);
  new Writer(scratch, start).uvarint(length).u8(type);
  return scratch.slice(start, body.pos);
}
