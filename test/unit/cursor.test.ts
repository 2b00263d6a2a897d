import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinHalves, Reader, uvarintSize, Writer } from '../../daemon/wire/cursor.ts';
import { anyOctets, anyU32, anyU64, encodeUvarint, fc, join, U64_EDGES } from './wire-property.ts';
import { hex, octets, vectors } from './wire-vectors.ts';

function written(value: bigint | number): string {
  return hex(new Writer(new Uint8Array(10)).uvarint(value).written());
}

test('writes every uvarint of the vectors', () => {
  for (const { value, encoding } of vectors.uvarint.items) {
    assert.equal(written(BigInt(value)), encoding);
    if (Number(value) <= Number.MAX_SAFE_INTEGER) assert.equal(written(Number(value)), encoding);
  }
});

test('reads every uvarint of the vectors, also those longer than needed', () => {
  for (const { value, encoding } of [...vectors.uvarint.items, ...vectors.uvarint.non_minimal_accepted]) {
    const reader = new Reader(octets(encoding));
    assert.equal(reader.uvarint(), BigInt(value), encoding);
    assert.ok(reader.isDone, encoding);
  }
});

test('rejects a uvarint that is cut off, has an eleventh octet, or exceeds 64 bits', () => {
  for (const encoding of vectors.uvarint.rejected) {
    const reader = new Reader(octets(encoding));
    assert.equal(reader.uvarint(), 0n, encoding);
    assert.equal(reader.ok, false, encoding);
  }
});

test('carries 64-bit numbers exactly, in both encodings', () => {
  for (const value of U64_EDGES) {
    const buffer = new Uint8Array(18);
    const writer = new Writer(buffer).u64(value).uvarint(value);
    assert.equal(hex(writer.written().subarray(8)), hex(encodeUvarint(value)));
    const reader = new Reader(writer.written());
    assert.equal(reader.u64(), value);
    assert.equal(reader.uvarint(), value);
    assert.ok(reader.isDone);
  }
});

test('gives back what it wrote as uvarint, with and without padding', () => {
  fc.assert(
    fc.property(anyU64, fc.nat({ max: 9 }), (value, padding) => {
      const minimal = encodeUvarint(value);
      assert.equal(written(value), hex(minimal));
      const padded = encodeUvarint(value, Math.min(padding, 10 - minimal.length));
      const reader = new Reader(padded);
      assert.equal(reader.uvarint(), value);
      assert.ok(reader.isDone);
      assert.equal(uvarintSize(reader.high, reader.low), minimal.length);
    }),
  );
});

test('gives back fixed-width numbers and octets in the order written', () => {
  fc.assert(
    fc.property(anyU32, anyU64, anyOctets(0, 20), (value, long, bytes) => {
      const writer = new Writer(new Uint8Array(64));
      writer
        .u8(value & 0xff)
        .u16(value & 0xffff)
        .u32(value)
        .u64(long)
        .octets(bytes);
      const reader = new Reader(writer.written());
      assert.equal(reader.u8(), value & 0xff);
      assert.equal(reader.u16(), value & 0xffff);
      assert.equal(reader.u32(), value);
      assert.equal(reader.u64(), long);
      assert.deepEqual(reader.rest(), bytes);
      assert.ok(reader.isDone);
    }),
  );
});

test('joins halves above 2^63 without a sign', () => {
  assert.equal(joinHalves(0xffff_ffff, 0xffff_ffff), 2n ** 64n - 1n);
  assert.equal(joinHalves(0x8000_0000, 0), 2n ** 63n);
  assert.equal(joinHalves(0, 0xffff_ffff), 2n ** 32n - 1n);
});

test('stays failed after a read past the end, and yields zeros', () => {
  const reader = new Reader(Uint8Array.of(1, 2, 3));
  assert.equal(reader.u32(), 0x0102_0300);
  assert.equal(reader.ok, false);
  assert.equal(reader.u8(), 0);
  assert.equal(reader.u64(), 0n);
  assert.equal(reader.uvarint(), 0n);
  assert.equal(reader.octets(1).length, 0);
  assert.equal(reader.rest().length, 0);
  assert.equal(reader.isDone, false);
});

test('does not read beyond its end into the rest of the buffer', () => {
  const reader = new Reader(Uint8Array.of(9, 1, 2, 9, 9), 1, 3);
  assert.deepEqual(reader.octets(2), Uint8Array.of(1, 2));
  assert.ok(reader.isDone);
  assert.equal(reader.u8(), 0);
  assert.equal(reader.ok, false);
  const long = new Reader(Uint8Array.of(0x80, 0x80, 0x01), 0, 2);
  long.uvarintHalves();
  assert.equal(long.ok, false);
});

test('takes an end behind the buffer for the end of the buffer', () => {
  const reader = new Reader(Uint8Array.of(1), 0, 100);
  assert.equal(reader.left, 1);
});

test('a bounded uvarint fails just above its bound', () => {
  assert.equal(new Reader(encodeUvarint(1000n)).uvarintNumber(1000), 1000);
  for (const value of [1001n, 2n ** 32n, 2n ** 32n + 5n, 2n ** 63n, 2n ** 64n - 1n]) {
    const reader = new Reader(encodeUvarint(value));
    assert.equal(reader.uvarintNumber(1000), 0);
    assert.equal(reader.ok, false);
  }
});

test('hands out views of the input, not copies', () => {
  const buffer = Uint8Array.of(1, 2, 3, 4);
  assert.equal(new Reader(buffer).octets(4).buffer, buffer.buffer);
});

test('refuses to write past the end of its buffer', () => {
  assert.throws(() => new Writer(new Uint8Array(1)).u16(1), RangeError);
  assert.throws(() => new Writer(new Uint8Array(1)).octets(new Uint8Array(2)), RangeError);
  assert.throws(() => new Writer(new Uint8Array(9)).uvarint(2n ** 64n - 1n), RangeError);
});

test('no sequence of reads on arbitrary octets throws or leaves the range', () => {
  const reads: readonly ((reader: Reader, count: number) => unknown)[] = [
    (reader) => reader.u8(),
    (reader) => reader.u16(),
    (reader) => reader.u32(),
    (reader) => reader.u64(),
    (reader) => reader.uvarint(),
    (reader, count) => reader.uvarintNumber(count),
    (reader, count) => reader.octets(count),
  ];
  const steps = fc.array(fc.tuple(fc.nat({ max: reads.length - 1 }), anyU32), { maxLength: 20 });
  fc.assert(
    fc.property(anyOctets(0, 40), fc.nat({ max: 10 }), steps, (bytes, margin, sequence) => {
      const start = Math.min(margin, bytes.length);
      const reader = new Reader(join(bytes, bytes), start, bytes.length);
      for (const [kind, count] of sequence) {
        reads[kind]?.(reader, count);
        assert.ok(reader.pos >= start && reader.pos <= bytes.length);
      }
    }),
  );
});
