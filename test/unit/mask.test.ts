import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portableMask } from '../../daemon/links/mask.ts';
import type { Mask } from '../../daemon/links/ws-frames.ts';
import { findAddon } from '../../native-bindings/addon.ts';
import { fc } from './wire-property.ts';

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const skip = addon === undefined ? `needs the addon: ${problem}` : false;
const masks: [string, Mask, string | false][] = [
  ['portable', portableMask, false],
  ['native', addon?.maskOctets ?? portableMask, skip],
];

for (const [name, mask, skipped] of masks) {
  test(`${name}: the example of RFC 6455, section 5.7`, { skip: skipped }, () => {
    const target = new Uint8Array(5);
    mask(Buffer.from('Hello'), 0, 5, target, 0, 0x3d21_fa37);
    assert.deepEqual(target, Uint8Array.of(0x7f, 0x9f, 0x4d, 0x51, 0x58));
  });

  test(`${name}: octets around the range stay as they are, and twice is not at all`, { skip: skipped }, () => {
    const anyKey = fc.nat(0xffff_ffff);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), fc.nat(9), anyKey, (octets, from, to, key) => {
        const length = Math.max(0, octets.length - from);
        const target = new Uint8Array(to + length + 3).fill(0xaa);
        mask(octets, Math.min(from, octets.length), length, target, to, key);
        const expected = octets.slice(from).map((octet, i) => octet ^ (key >>> (8 * (i % 4))));
        assert.deepEqual([...target.subarray(to, to + length)], [...expected]);
        assert.ok([...target.subarray(0, to), ...target.subarray(to + length)].every((octet) => octet === 0xaa));
        mask(target, to, length, target, to, key);
        assert.deepEqual([...target.subarray(to, to + length)], [...octets.slice(from)]);
      }),
    );
  });
}

test('native: what lies outside of a buffer is refused, and nothing is written', { skip }, () => {
  const target = new Uint8Array(8);
  for (const [sourceAt, length, targetAt] of [
    [0, 9, 0],
    [1, 8, 0],
    [0, 8, 1],
    [9, 0, 0],
    [-1, 1, 0],
  ] as const) {
    assert.throws(
      () => addon?.maskOctets(new Uint8Array(8).fill(1), sourceAt, length, target, targetAt, 1),
      RangeError,
    );
  }
  assert.deepEqual(target, new Uint8Array(8));
});
