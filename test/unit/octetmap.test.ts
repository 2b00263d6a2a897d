import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareOctets, equalAt, equalOctets, hashOctets, OctetMap } from '../../daemon/core/octetmap.ts';
import { Chance } from '../support/core.ts';
import { anyOctets, fc } from './wire-property.ts';
import { hex } from './wire-vectors.ts';

const key = (number: number): Uint8Array => Uint8Array.of(number >> 8, number & 0xff, 7, 7);

test('behaves as a map of the octets as text', () => {
  const act = fc.record({ what: fc.constantFrom('set', 'delete', 'get', 'touch'), octets: anyOctets(8, 8) });
  // Keys of two values an octet meet again and again.
  const near = act.map(({ what, octets }) => ({ what, octets: octets.map((octet) => (octet & 1) * (octet & 2)) }));
  fc.assert(
    fc.property(fc.array(near, { maxLength: 200 }), fc.nat(), (acts, seed) => {
      const map = new OctetMap<number>(8, seed);
      const model = new Map<string, number>();
      for (const [i, { what, octets }] of acts.entries()) {
        if (what === 'set') {
          map.set(octets, i);
          model.set(hex(octets), i);
        } else if (what === 'delete') assert.equal(map.delete(octets), model.delete(hex(octets)));
        else if (what === 'touch') map.touch(octets);
        assert.equal(map.get(octets), model.get(hex(octets)));
        assert.equal(map.has(octets), model.has(hex(octets)));
        assert.equal(map.size, model.size);
      }
      assert.deepEqual(
        [...map.values()].sort((a, b) => a - b),
        [...model.values()].sort((a, b) => a - b),
      );
    }),
  );
});

test('keeps a copy of its keys', () => {
  const map = new OctetMap<string>(4, 1);
  const octets = key(1);
  map.set(octets, 'one');
  octets.fill(0);
  assert.equal(map.get(key(1)), 'one');
});

test('finds a key where it lies in a larger buffer', () => {
  const map = new OctetMap<string>(4, 1);
  const buffer = Uint8Array.of(9, 9, 9, ...key(5), 9);
  map.set(buffer, 'five', 3);
  assert.equal(map.get(key(5)), 'five');
  assert.equal(map.get(buffer, 3), 'five');
  assert.equal(map.get(buffer, 2), undefined);
  assert.ok(map.delete(buffer, 3));
  assert.equal(map.size, 0);
});

test('the oldest is the one that was set first', () => {
  const map = new OctetMap<number>(4, 1);
  for (let i = 0; i < 100; i++) map.set(key(i), i);
  map.delete(key(0));
  assert.equal(map.oldest(), 1);
});

test('a new value for a key that is there leaves its place in the order', () => {
  const map = new OctetMap<number>(4, 1);
  for (let i = 0; i < 3; i++) map.set(key(i), i);
  map.set(key(0), 50);
  assert.deepEqual([...map.values()], [50, 1, 2]);
});

test('a touched key is the youngest', () => {
  const map = new OctetMap<number>(4, 1);
  for (let i = 0; i < 3; i++) map.set(key(i), i);
  map.touch(key(0));
  assert.deepEqual([...map.values()], [1, 2, 0]);
});

test('touching a key that is not there adds nothing', () => {
  const map = new OctetMap<number>(4, 1);
  map.touch(key(0));
  assert.equal(map.size, 0);
});

test('an empty map has no oldest', () => {
  assert.equal(new OctetMap<number>(4, 1).oldest(), undefined);
});

test('different seeds hash the same key differently', () => {
  const octets = new Chance(1).octets(32);
  const hashes = new Set(Array.from({ length: 100 }, (_, seed) => hashOctets(octets, 0, 32, seed)));
  assert.equal(hashes.size, 100);
});

test('hashes are whole numbers that doubles hold exactly', () => {
  fc.assert(
    fc.property(anyOctets(32, 32), fc.integer(), (octets, seed) => {
      const hash = hashOctets(octets, 0, 32, seed);
      assert.ok(Number.isSafeInteger(hash) && hash >= 0);
    }),
  );
});

test('a thousand keys that differ in one bit do not collide', () => {
  const chance = new Chance(2);
  const base = chance.octets(128);
  const hashes = new Set<number>();
  for (let bit = 0; bit < 1_024; bit++) {
    const octets = base.slice();
    octets[bit >> 3] = (octets[bit >> 3] as number) ^ (1 << (bit & 7));
    hashes.add(hashOctets(octets, 0, 128, 77));
  }
  assert.equal(hashes.size, 1_024);
});

test('octets are compared as unsigned, the first octet first', () => {
  assert.ok(compareOctets(Uint8Array.of(0, 0xff), Uint8Array.of(1, 0)) < 0);
  assert.ok(compareOctets(Uint8Array.of(0x80), Uint8Array.of(0x7f)) > 0);
  assert.equal(compareOctets(Uint8Array.of(3, 4), Uint8Array.of(3, 4)), 0);
});

test('octets of different length are not equal', () => {
  assert.ok(!equalOctets(Uint8Array.of(1), Uint8Array.of(1, 0)));
});

test('a comparison past the end of a buffer is no match', () => {
  assert.ok(!equalAt(Uint8Array.of(1, 2), Uint8Array.of(0, 1), 1, 2));
});
