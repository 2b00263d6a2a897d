import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  filterAdd,
  filterContains,
  filterEquals,
  filterHas,
  filterMerge,
  filterPositions,
  murmur3,
} from '../../daemon/core/routing/bloom.ts';
import { emptyFilter } from '../../daemon/wire/filter.ts';
import { vectorsOf } from '../support/core.ts';
import { anyOctets, fc } from './wire-property.ts';
import { octets } from './wire-vectors.ts';

type Bloom = {
  murmur_check: { input: string; h1_h2: string[] }[];
  items: {
    item: string;
    murmur3_x64_128: string[];
    murmur3_x64_128_of_item_and_01: string[];
    bits_in_hash_order: number[];
  }[];
};
const vectors = vectorsOf<Bloom>('bloom');

const asHex = (hashes: readonly bigint[]): string[] => hashes.map((hash) => hash.toString(16).padStart(16, '0'));
const anyItem = anyOctets(32, 32);

function filterOf(...items: Uint8Array[]): Uint32Array {
  const filter = emptyFilter();
  for (const item of items) filterAdd(filter, filterPositions(item));
  return filter;
}

test('murmur gives the values of the vectors', () => {
  for (const { input, h1_h2 } of vectors.murmur_check) assert.deepEqual(asHex(murmur3(octets(input))), h1_h2, input);
});

test('murmur reads octets that lie inside a larger buffer', () => {
  const check = vectors.murmur_check.at(-1);
  const input = octets(check?.input ?? '');
  const buffer = new Uint8Array(input.length + 5);
  buffer.set(input, 3);
  assert.deepEqual(asHex(murmur3(buffer.subarray(3, 3 + input.length))), check?.h1_h2);
});

test('items hash as in the vectors, alone and with the octet 01', () => {
  for (const item of vectors.items) {
    assert.deepEqual(asHex(murmur3(octets(item.item))), item.murmur3_x64_128);
    assert.deepEqual(asHex(murmur3(octets(`${item.item}01`))), item.murmur3_x64_128_of_item_and_01);
  }
});

test('items have the positions of the vectors, in order', () => {
  for (const { item, bits_in_hash_order } of vectors.items) {
    assert.deepEqual([...filterPositions(octets(item))], bits_in_hash_order);
  }
});

test('a filter has what was added', () => {
  fc.assert(
    fc.property(fc.array(anyItem, { minLength: 1, maxLength: 30 }), (items) => {
      const filter = filterOf(...items);
      for (const item of items) assert.ok(filterHas(filter, filterPositions(item)));
    }),
  );
});

test('an empty filter has nothing', () => {
  fc.assert(fc.property(anyItem, (item) => assert.ok(!filterHas(emptyFilter(), filterPositions(item)))));
});

test('a missing bit is enough for no', () => {
  const positions = filterPositions(new Uint8Array(32));
  for (const missing of positions) {
    const filter = filterOf(new Uint8Array(32));
    filter[missing >> 5] = ((filter[missing >> 5] as number) & ~(1 << (missing & 31))) >>> 0;
    assert.ok(!filterHas(filter, positions));
  }
});

test('a union holds both of its parts and is the same either way', () => {
  fc.assert(
    fc.property(anyItem, anyItem, (a, b) => {
      const union = filterOf(a);
      filterMerge(union, filterOf(b));
      const other = filterOf(b);
      filterMerge(other, filterOf(a));
      assert.ok(filterContains(union, filterOf(a)) && filterContains(union, filterOf(b)));
      assert.ok(filterEquals(union, other));
      assert.ok(filterEquals(union, filterOf(a, b)));
    }),
  );
});

test('a part does not contain the whole', () => {
  const whole = filterOf(new Uint8Array(32), new Uint8Array(32).fill(1));
  assert.ok(!filterContains(filterOf(new Uint8Array(32)), whole));
});

test('bit 31 of a half is a bit as any other', () => {
  const filter = emptyFilter();
  filterAdd(filter, Uint16Array.of(31));
  assert.equal(filter[0], 0x8000_0000);
  assert.ok(filterHas(filter, Uint16Array.of(31)));
  assert.ok(filterContains(filter, filter) && !filterContains(emptyFilter(), filter));
});
