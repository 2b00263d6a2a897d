/** Reading and writing of octets in place. Section 0 of the Yggdrasil reference names the types. */

const TWO_32 = 0x1_0000_0000;

/**
 * Reads forward through a range of a buffer. A read past the end, or a malformed value, clears `ok`, yields zeros and
 * stays so: a decoder reads everything, then asks once.
 */
export class Reader {
  ok = true;
  pos: number;
  /** Halves of the last `uvarint…`, unsigned. */
  high = 0;
  low = 0;
  readonly buffer: Uint8Array;
  readonly end: number;

  constructor(buffer: Uint8Array, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.pos = start;
    this.end = Math.min(end, buffer.length);
  }

  /** Nothing went wrong and nothing is left. */
  get isDone(): boolean {
    return this.ok && this.pos === this.end;
  }

  get left(): number {
    return this.end - this.pos;
  }

  u8(): number {
    if (this.pos >= this.end) return this.fail();
    return this.buffer[this.pos++] as number;
  }

  u16(): number {
    const high = this.u8();
    return (high << 8) | this.u8();
  }

  u32(): number {
    const high = this.u16();
    return high * 0x1_0000 + this.u16();
  }

  u64(): bigint {
    const high = this.u32();
    return joinHalves(high, this.u32());
  }

  /** A view of the next `count` octets, not a copy. Empty when they are not there. */
  octets(count: number): Uint8Array {
    if (count > this.left) {
      this.fail();
      return this.buffer.subarray(0, 0);
    }
    this.pos += count;
    return this.buffer.subarray(this.pos - count, this.pos);
  }

  rest(): Uint8Array {
    return this.octets(Math.max(0, this.left));
  }

  /** At most 10 octets, the tenth at most 1; longer than needed is accepted. Leaves the value in `high` and `low`. */
  uvarintHalves(): void {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.pos >= this.end) break;
      const octet = this.buffer[this.pos++] as number;
      const bits = octet & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (7 * i - 32);
      if (octet < 0x80) {
        if (i === 9 && octet > 1) break;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    this.fail();
    this.low = 0;
    this.high = 0;
  }

  uvarint(): bigint {
    this.uvarintHalves();
    return joinHalves(this.high, this.low);
  }

  /** A uvarint that must not exceed `max` (< 2^53). */
  uvarintNumber(max: number): number {
    this.uvarintHalves();
    const value = this.high * TWO_32 + this.low;
    if (value > max) return this.fail();
    return value;
  }

  fail(): 0 {
    this.ok = false;
    this.pos = this.end;
    return 0;
  }
}

/** Writes forward into a buffer that the caller made large enough; past its end it throws, which is our own mistake. */
export class Writer {
  pos: number;
  readonly buffer: Uint8Array;

  constructor(buffer: Uint8Array, start = 0) {
    this.buffer = buffer;
    this.pos = start;
  }

  u8(value: number): this {
    if (this.pos >= this.buffer.length) throw new RangeError('the target buffer is too small');
    this.buffer[this.pos++] = value;
    return this;
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value & 0xff);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value & 0xffff);
  }

  u64(value: bigint): this {
    return this.u32(Number((value >> 32n) & 0xffff_ffffn)).u32(Number(value & 0xffff_ffffn));
  }

  octets(value: Uint8Array): this {
    this.buffer.set(value, this.pos);
    this.pos += value.length;
    return this;
  }

  uvarint(value: bigint | number): this {
    if (typeof value === 'number') return this.uvarintHalves(Math.floor(value / TWO_32), value >>> 0);
    return this.uvarintHalves(Number(value >> 32n), Number(value & 0xffff_ffffn));
  }

  /** Always the shortest encoding. */
  uvarintHalves(high: number, low: number): this {
    while (high !== 0 || low > 0x7f) {
      this.u8((low & 0x7f) | 0x80);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    return this.u8(low);
  }

  written(): Uint8Array {
    return this.buffer.subarray(0, this.pos);
  }
}

/** Octets that `uvarintHalves` would write. */
export function uvarintSize(high: number, low: number): number {
  let size = 1;
  while (high !== 0 || low > 0x7f) {
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
    size++;
  }
  return size;
}

export function joinHalves(high: number, low: number): bigint {
  return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
}
