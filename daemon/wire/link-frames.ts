/** Frames inside the encryption of a datagram link: the plaintext of a packet is a sequence of them (link document, section 6). */
import type { Writer } from './cursor.ts';

export const LINK_FRAME = {
  pad: 0x00,
  ping: 0x01,
  pong: 0x02,
  ctrl: 0x03,
  cack: 0x04,
  msg: 0x05,
  msgl: 0x06,
  frag: 0x07,
  fnack: 0x08,
  pchal: 0x09,
  presp: 0x0a,
  probe: 0x0b,
  probed: 0x0c,
  close: 0x0d,
  rack: 0x0f,
  silent: 0x10,
  unknown: 0x11,
} as const;

/** Types that a later version may give a meaning: a length tells how to skip them. */
const FUTURE = { from: 0x10, to: 0x3f };

/** Octets of SILENT, and those of its body that mean something today. */
export const SILENT_SIZE = 4;
/** Octets of UNKNOWN before its numbers, of which there are at most 64. */
export const UNKNOWN_HEAD = 2;
const SILENT_BODY = 2;

export const CACK_RANGES_MAX = 8;
export const RACK_OCTETS_MAX = 32;
export const CLOSE_TEXT_MAX = 64;
/** What PCHAL carries and PRESP returns. */
export const CHALLENGE = 8;
export const FRAGMENTS_MAX = 256;
/** Octets of a FRAG before its share of the message. */
export const FRAG_HEAD = 5;
/** Octets of PING, PONG; PROBE, PROBED. */
export const PING_SIZE = 5;
export const PROBE_SIZE = 7;
/** Octets of the largest CACK and FNACK. */
export const CACK_SIZE_MAX = 1 + 8 + 1 + CACK_RANGES_MAX * 16;
export const FNACK_SIZE_MAX = 4 + FRAGMENTS_MAX / 8;

/** Octets of the control stream that were received: from `from` up to, not including, `to`. */
export type Range = { from: number; to: number };

/**
 * Walks through the frames of one packet after another without making objects: the fields hold the frame that `next`
 * found, and mean something only where its type has them.
 */
export class LinkFrames {
  /** Reserved types above PING that can be skipped are skipped: what is seen here is known. */
  type = 0;
  /** PING, PONG, PROBE, PROBED: 32 bits. FRAG, FNACK: 16 bits, of the message. */
  id = 0;
  /** PROBE, PROBED. */
  size = 0;
  /** CTRL: of its first octet. CACK: of the first octet that is missing. Below 2^53. */
  offset = 0;
  /** FRAG: its index. */
  index = 0;
  /** FRAG, FNACK: the index of the last fragment. */
  last = 0;
  /** CLOSE. */
  reason = 0;
  /** SILENT. */
  seconds = 0;
  /** RACK: low 16 bits of the highest counter. */
  highest = 0;
  /** CACK: what lies behind `offset`, upwards. `rangeCount` of them are valid. */
  readonly ranges: readonly Range[] = Array.from({ length: CACK_RANGES_MAX }, () => ({ from: 0, to: 0 }));
  rangeCount = 0;
  /** Where the octets of the body lie: CTRL, MSG, MSGL, FRAG, PCHAL, PRESP, the text of CLOSE, the bits of FNACK and RACK. */
  start = 0;
  end = 0;
  /** Why `next` ended before the packet did. */
  fault: 'malformed' | 'unknown' | undefined;
  buffer: Uint8Array = new Uint8Array(0);
  #at = 0;
  #packetEnd = 0;

  open(buffer: Uint8Array, start: number, end: number): void {
    this.buffer = buffer;
    this.#at = start;
    this.#packetEnd = Math.min(end, buffer.length);
    this.fault = undefined;
  }

  /** False: nothing is left, or what is left cannot be read (`fault`). What came before stands. */
  next(): boolean {
    while (this.#at < this.#packetEnd) {
      this.type = this.buffer[this.#at++] as number;
      if (this.type >= FUTURE.from && this.type <= FUTURE.to) {
        if (!this.#body(this.#uvarint())) return this.#fail('malformed');
        if (this.type === LINK_FRAME.unknown) return true;
        if (this.type !== LINK_FRAME.silent || this.end - this.start < SILENT_BODY) continue;
        this.seconds = ((this.buffer[this.start] as number) << 8) | (this.buffer[this.start + 1] as number);
        return true;
      }
      if (this.type === LINK_FRAME.pad) this.#at = this.#packetEnd;
      else if (!isKnown(this.type)) return this.#fail('unknown');
      else if (this.#read()) return true;
      else return this.#fail('malformed');
    }
    return false;
  }

  #read(): boolean {
    switch (this.type) {
      case LINK_FRAME.msg:
        return this.#rest(1);
      case LINK_FRAME.msgl:
        return this.#body(this.#uvarint()) && this.end > this.start;
      case LINK_FRAME.frag:
        if (!this.#has(4)) return false;
        this.id = this.#u16();
        this.index = this.#u8();
        this.last = this.#u8();
        return this.index <= this.last && this.#rest(1);
      case LINK_FRAME.ping:
      case LINK_FRAME.pong:
        if (!this.#has(4)) return false;
        this.id = this.#u32();
        return true;
      case LINK_FRAME.ctrl:
        this.offset = this.#uvarint();
        return this.offset >= 0 && this.#body(this.#uvarint());
      case LINK_FRAME.cack:
        return this.#cack();
      case LINK_FRAME.fnack:
        if (!this.#has(3)) return false;
        this.id = this.#u16();
        this.last = this.#u8();
        return this.#body((this.last + 8) >> 3);
      case LINK_FRAME.pchal:
      case LINK_FRAME.presp:
        return this.#body(CHALLENGE);
      case LINK_FRAME.probe:
      case LINK_FRAME.probed:
        if (!this.#has(6)) return false;
        this.id = this.#u32();
        this.size = this.#u16();
        return true;
      case LINK_FRAME.close:
        if (!this.#has(1)) return false;
        this.reason = this.#u8();
        return this.#rest(0) && this.end - this.start <= CLOSE_TEXT_MAX;
      default: {
        if (!this.#has(3)) return false;
        this.highest = this.#u16();
        const count = this.#u8();
        return count <= RACK_OCTETS_MAX && this.#body(count);
      }
    }
  }

  #cack(): boolean {
    this.offset = this.#uvarint();
    if (this.offset < 0 || !this.#has(1)) return false;
    const count = this.#u8();
    if (count > CACK_RANGES_MAX) return false;
    let at = this.offset;
    for (let i = 0; i < count; i++) {
      const gap = this.#uvarint();
      const length = this.#uvarint();
      if (gap < 0 || length < 0) return false;
      const range = this.ranges[i] as Range;
      range.from = at + gap;
      range.to = range.from + length;
      at = range.to;
    }
    this.rangeCount = count;
    return at <= Number.MAX_SAFE_INTEGER;
  }

  /** The next `length` octets are the body. */
  #body(length: number): boolean {
    if (length < 0 || !this.#has(length)) return false;
    this.start = this.#at;
    this.#at += length;
    this.end = this.#at;
    return true;
  }

  #rest(least: number): boolean {
    return this.#has(least) && this.#body(this.#packetEnd - this.#at);
  }

  #has(count: number): boolean {
    return this.#packetEnd - this.#at >= count;
  }

  #u8(): number {
    return this.buffer[this.#at++] as number;
  }

  #u16(): number {
    return (this.#u8() << 8) | this.#u8();
  }

  #u32(): number {
    return this.#u16() * 0x1_0000 + this.#u16();
  }

  /** -1 if it is cut off or above 2^53 - 1. */
  #uvarint(): number {
    let value = 0;
    // Not raised to a power: that makes a floating-point number of every length, and of every place behind it.
    for (let i = 0, scale = 1; i < 10 && this.#at < this.#packetEnd; i++, scale *= 0x80) {
      const octet = this.#u8();
      value += (octet & 0x7f) * scale;
      if (octet < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : -1;
    }
    return -1;
  }

  #fail(fault: 'malformed' | 'unknown'): false {
    this.fault = fault;
    this.#at = this.#packetEnd;
    return false;
  }
}

/** Whether the other side is expected to send something after a frame of this type. */
export function asksForAnswer(type: number): boolean {
  switch (type) {
    case LINK_FRAME.ping:
    case LINK_FRAME.ctrl:
    case LINK_FRAME.msg:
    case LINK_FRAME.msgl:
    case LINK_FRAME.frag:
    case LINK_FRAME.pchal:
    case LINK_FRAME.probe:
      return true;
    default:
      return false;
  }
}

function isKnown(type: number): boolean {
  return type <= LINK_FRAME.close || type === LINK_FRAME.rack;
}

/** PING or PONG. */
export function writePing(writer: Writer, type: number, id: number): void {
  writer.u8(type).u32(id);
}

/** PROBE or PROBED. */
export function writeProbe(writer: Writer, type: number, id: number, size: number): void {
  writer.u8(type).u32(id).u16(size);
}

export function writeCtrl(writer: Writer, offset: number, octets: Uint8Array): void {
  writer.u8(LINK_FRAME.ctrl).uvarint(offset).uvarint(octets.length).octets(octets);
}

/** At most `CACK_RANGES_MAX` ranges, ascending, none touching another or `cumulative`. */
export function writeCack(writer: Writer, cumulative: number, ranges: readonly Range[]): void {
  const count = Math.min(ranges.length, CACK_RANGES_MAX);
  writer.u8(LINK_FRAME.cack).uvarint(cumulative).u8(count);
  let at = cumulative;
  for (let i = 0; i < count; i++) {
    const { from, to } = ranges[i] as Range;
    writer.uvarint(from - at).uvarint(to - from);
    at = to;
  }
}

/** The share of the message follows, to the end of the packet. */
export function writeFragHead(writer: Writer, id: number, index: number, last: number): void {
  writer.u8(LINK_FRAME.frag).u16(id).u8(index).u8(last);
}

export function writeFnack(writer: Writer, id: number, last: number, isMissing: (index: number) => boolean): void {
  writer.u8(LINK_FRAME.fnack).u16(id).u8(last);
  for (let first = 0; first <= last; first += 8) {
    let bits = 0;
    for (let i = first; i <= Math.min(first + 7, last); i++) if (isMissing(i)) bits |= 1 << (i - first);
    writer.u8(bits);
  }
}

/** PCHAL or PRESP. */
export function writeChallenge(writer: Writer, type: number, octets: Uint8Array): void {
  writer.u8(type).octets(octets);
}

/** The text is cut to what fits. */
export function writeClose(writer: Writer, reason: number, text: Uint8Array): void {
  writer.u8(LINK_FRAME.close).u8(reason).octets(text.subarray(0, CLOSE_TEXT_MAX));
}

/** Bit i of octet j of `bits`: record `highest` - 1 - (8j + i) was received. */
export function writeRack(writer: Writer, highest: number, bits: Uint8Array): void {
  writer
    .u8(LINK_FRAME.rack)
    .u16(highest & 0xffff)
    .u8(bits.length)
    .octets(bits);
}

/** Short routing headers came with these numbers, and no flow has them. */
export function writeUnknown(writer: Writer, numbers: Uint8Array): void {
  if (numbers.length > 0) writer.u8(LINK_FRAME.unknown).uvarint(numbers.length).octets(numbers);
}

/** For so many seconds nothing will be sent, since the law or the user does not allow it. */
export function writeSilent(writer: Writer, seconds: number): void {
  writer.u8(LINK_FRAME.silent).u8(SILENT_BODY).u16(seconds);
}
