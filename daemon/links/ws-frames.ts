/**
 * WebSocket frames (RFC 6455, section 5) as links use them: an octet stream in binary messages, read where it lies and
 * without waiting for the end of a message.
 */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Two octets, a length of eight, a mask. */
export const HEAD_MAX = 14;
/** One frame of the largest size and its length. */
export const MESSAGE_MAX = 131_080;
/** Nobody needs more for the largest message. */
const FRAGMENTS_MAX = 64;
const CONTROL_MAX = 125;

const LAST = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const SIZE_IN_2 = 126;
const SIZE_IN_8 = 127;

const CLOSE_PROTOCOL = 1002;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_TOO_BIG = 1009;

/** The other side breaks the rules: with which code to close, and the reason for operators. */
export type Fault = { readonly code: number; readonly reason: string };

export type FrameUser = {
  /** The next octets of the stream, there to be overwritten until it returns. False stops the reading. */
  octets(octets: Uint8Array): boolean;
  /** `OPCODE.close`, `ping` or `pong`; the payload is a copy. False stops the reading. */
  control(opcode: number, payload: Uint8Array): boolean;
};

/**
 * `target[targetAt..] = source[sourceAt..sourceAt + length] xor key`, again and again; the lowest octet of the key is for the
 * first octet. Both may be the same place.
 */
export type Mask = (
  source: Uint8Array,
  sourceAt: number,
  length: number,
  target: Uint8Array,
  targetAt: number,
  key: number,
) => void;

/** The head of a frame that is a message of its own; without `key` it has no mask. Answers its size. */
export function writeHead(target: Uint8Array, at: number, opcode: number, length: number, key?: number): number {
  const mark = key === undefined ? 0 : MASKED;
  let end = at;
  target[end++] = LAST | opcode;
  if (length < SIZE_IN_2) target[end++] = mark | length;
  else if (length < 0x1_0000) {
    target[end++] = mark | SIZE_IN_2;
    target[end++] = length >> 8;
    target[end++] = length;
  } else {
    target[end++] = mark | SIZE_IN_8;
    for (let i = 0; i < 4; i++) target[end++] = 0;
    for (let bits = 24; bits >= 0; bits -= 8) target[end++] = length >> bits;
  }
  if (key !== undefined) for (let bits = 0; bits < 32; bits += 8) target[end++] = key >> bits;
  return end - at;
}

/** A frame without a mask that ends the connection. */
export function closeFrame(code: number): Uint8Array {
  const frame = new Uint8Array(4);
  writeHead(frame, 0, OPCODE.close, 2);
  frame[2] = code >> 8;
  frame[3] = code;
  return frame;
}

export class FrameReader {
  readonly #isMasked: boolean;
  readonly #mask: Mask;
  readonly #head = new Uint8Array(HEAD_MAX);
  readonly #view = new DataView(this.#head.buffer);
  /** Octets of a head that has begun. */
  #have = 0;
  /** Of the frame whose head was read last. */
  #opcode = 0;
  #key = 0;
  /** Octets of it that are still to come. */
  #left = 0;
  readonly #control: number[] = [];
  /** Fragments and octets of the message that has begun; none between messages. */
  #fragments = 0;
  #size = 0;

  /** `isMasked`: frames must have a mask, which is so where clients send them; otherwise they must have none. */
  constructor(isMasked: boolean, mask: Mask) {
    this.#isMasked = isMasked;
    this.#mask = mask;
  }

  /** Masks are taken off in place. After a fault, or when the user has stopped it, it must not be used any more. */
  push(chunk: Uint8Array, user: FrameUser): Fault | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        this.#head[this.#have++] = chunk[at++] as number;
        if (this.#have < this.#headSize()) continue;
        this.#have = 0;
        const fault = this.#begin();
        if (fault !== undefined) return fault;
        if (this.#left > 0) continue;
      }
      const count = Math.min(this.#left, chunk.length - at);
      if (this.#isMasked && count > 0) this.#unmask(chunk, at, count);
      this.#left -= count;
      if (!this.#take(chunk.subarray(at, at + count), user)) return undefined;
      at += count;
    }
    return undefined;
  }

  #headSize(): number {
    if (this.#have < 2) return 2;
    const second = this.#head[1] as number;
    const short = second & ~MASKED;
    return 2 + (short === SIZE_IN_8 ? 8 : short === SIZE_IN_2 ? 2 : 0) + (second & MASKED ? 4 : 0);
  }

  #begin(): Fault | undefined {
    const head = this.#view;
    const first = head.getUint8(0);
    const second = head.getUint8(1);
    if ((first & RESERVED) !== 0) return broken('a reserved bit is set');
    const isMasked = (second & MASKED) !== 0;
    if (isMasked !== this.#isMasked) return broken(isMasked ? 'a mask where none belongs' : 'a mask is missing');
    const short = second & ~MASKED;
    const high = short === SIZE_IN_8 ? head.getUint32(2) : 0;
    const length = short === SIZE_IN_8 ? head.getUint32(6) : short === SIZE_IN_2 ? head.getUint16(2) : short;
    const keyAt = 2 + (short === SIZE_IN_8 ? 8 : short === SIZE_IN_2 ? 2 : 0);
    this.#key = isMasked ? head.getUint32(keyAt, true) : 0;
    this.#opcode = first & 0x0f;
    this.#left = length;
    const isLast = (first & LAST) !== 0;
    return isControl(this.#opcode)
      ? controlFault(this.#opcode, isLast, short)
      : this.#messageFault(isLast, high, length);
  }

  #messageFault(isLast: boolean, high: number, length: number): Fault | undefined {
    if (this.#opcode === OPCODE.text) return { code: CLOSE_UNSUPPORTED, reason: 'the other side sent text' };
    if (this.#opcode > OPCODE.binary) return broken(`opcode ${this.#opcode} means nothing`);
    const isFirst = this.#opcode === OPCODE.binary;
    if (isFirst !== (this.#fragments === 0))
      return broken(isFirst ? 'a message within another' : 'nothing to continue');
    this.#fragments++;
    this.#size += length;
    if (high > 0 || this.#size > MESSAGE_MAX) return tooBig(`a message of more than ${MESSAGE_MAX} octets`);
    if (this.#fragments > FRAGMENTS_MAX) return tooBig(`a message in more than ${FRAGMENTS_MAX} fragments`);
    if (isLast) {
      this.#fragments = 0;
      this.#size = 0;
    }
    return undefined;
  }

  /** All of a chunk that belongs to the frame. */
  #take(octets: Uint8Array, user: FrameUser): boolean {
    if (!isControl(this.#opcode)) return octets.length === 0 || user.octets(octets);
    this.#control.push(...octets);
    return this.#left > 0 || user.control(this.#opcode, Uint8Array.from(this.#control.splice(0)));
  }

  #unmask(chunk: Uint8Array, at: number, count: number): void {
    this.#mask(chunk, at, count, chunk, at, this.#key);
    const bits = 8 * (count % 4);
    if (bits > 0) this.#key = ((this.#key >>> bits) | (this.#key << (32 - bits))) >>> 0;
  }
}

function isControl(opcode: number): boolean {
  return opcode >= OPCODE.close;
}

function controlFault(opcode: number, isLast: boolean, short: number): Fault | undefined {
  if (opcode > OPCODE.pong) return broken(`opcode ${opcode} means nothing`);
  if (!isLast) return broken('a control frame in fragments');
  return short > CONTROL_MAX ? broken('a control frame is too large') : undefined;
}

function broken(what: string): Fault {
  return { code: CLOSE_PROTOCOL, reason: `this is no WebSocket: ${what}` };
}

function tooBig(reason: string): Fault {
  return { code: CLOSE_TOO_BIG, reason };
}
