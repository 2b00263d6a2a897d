import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '../../daemon/wire/cursor.ts';
import { emptyFilter, FILTER_BITS, FILTER_WORDS, readFilter, writeFilter } from '../../daemon/wire/filter.ts';
import { fc, join, keepsItsPromises } from './wire-property.ts';
import { hex, need, octets, vectors } from './wire-vectors.ts';

const FILTER_OCTETS = 1024;

function filterOf(bits: readonly number[]): Uint32Array {
  const halves = emptyFilter();
  for (const bit of bits) halves[bit >> 5] = (halves[bit >> 5] as number) | (1 << (bit & 31));
  return halves;
}

function bodyOf(halves: Uint32Array): Uint8Array {
  const writer = new Writer(new Uint8Array(32 + FILTER_OCTETS));
  writeFilter(writer, halves);
  return writer.written();
}

const everyBit = Array.from({ length: FILTER_BITS }, (_, bit) => bit);

/** Sparse, dense, and with whole words of zeros and ones. */
const anyFilter = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0xffff_ffff), fc.nat({ max: 0xffff_ffff })), {
    minLength: 2 * FILTER_WORDS,
    maxLength: 2 * FILTER_WORDS,
  })
  .map((halves) => Uint32Array.from(halves));

test('reads and writes every filter body of the vectors', () => {
  const captured = vectors.routing_messages.items.filter((item) => item.fields.type === 'BloomFilter');
  const all = [
    ...vectors.bloom.filters.map(({ name, bits, body }) => ({ name, bits: bits ?? everyBit, body })),
    ...captured.map((item) => ({ name: item.note, bits: need(item.fields.filter).bits, body: item.body })),
  ];
  for (const { name, bits, body } of all) {
    assert.deepEqual(readFilter(octets(body)), filterOf(bits), name);
    assert.equal(hex(bodyOf(filterOf(bits))), body, name);
  }
});

test('rejects the bodies that the vectors call malformed', () => {
  for (const { why, body } of vectors.bloom.rejected_bodies) assert.equal(readFilter(octets(body)), undefined, why);
});

test('gives back the filter it wrote', () => {
  fc.assert(fc.property(anyFilter, (halves) => assert.deepEqual(readFilter(bodyOf(halves)), halves)));
});

test('accepts words of zeros and ones that are sent in full', () => {
  const words = join(new Uint8Array(512), new Uint8Array(512).fill(0xff));
  const read = need(readFilter(join(new Uint8Array(32), words)));
  assert.deepEqual(read.subarray(0, 128), new Uint32Array(128));
  assert.deepEqual(read.subarray(128), new Uint32Array(128).fill(0xffff_ffff));
});

test('rejects every truncation and any octet left over', () => {
  const body = bodyOf(filterOf([0, 63, 64, 8191]));
  for (let length = 0; length < body.length; length++) assert.equal(readFilter(body.subarray(0, length)), undefined);
  assert.equal(readFilter(join(body, Uint8Array.of(0))), undefined);
});

test('takes 32 octets when empty and 1056 when nothing can be left out', () => {
  assert.equal(bodyOf(emptyFilter()).length, 32);
  assert.equal(bodyOf(emptyFilter().fill(5)).length, 1056);
  assert.equal(bodyOf(filterOf(everyBit)).length, 32);
});

test('decodes arbitrary octets without throwing, into a filter of fixed size', () => {
  keepsItsPromises(readFilter, anyFilter.map(bodyOf), FILTER_OCTETS);
});
