import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { x25519 as noble } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { chooseCrypto } from '../../daemon/crypto/choose.ts';
import { nodeX25519 } from '../../daemon/crypto/node-x25519.ts';
import { portableX25519, type X25519 } from '../../daemon/crypto/portable-x25519.ts';
import { x25519Problem } from '../../daemon/crypto/selftest.ts';
import { fromHex, toHex } from '../support/link-vectors.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** RFC 7748, section 5.2: scalar, u, result. */
const PRODUCTS = [
  [
    'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  ],
  [
    '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  ],
] as const;

const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000080',
];

for (const curve of [nodeX25519, portableX25519]) {
  describe(`X25519: ${curve.name}`, () => {
    test('multiplies as RFC 7748 does', () => {
      for (const [scalar, u, result] of PRODUCTS)
        assert.equal(toHex(curve.x25519(fromHex(scalar), fromHex(u)) ?? new Uint8Array()), result);
    });

    test('agrees with the second implementation on any two keys', () => {
      fc.assert(
        fc.property(key, key, (mine, theirs) => {
          assert.deepEqual(curve.x25519Pair(mine), { publicKey: noble.getPublicKey(mine), privateKey: mine });
          assert.deepEqual(curve.x25519(mine, theirs), noble.getSharedSecret(mine, theirs));
        }),
        { numRuns: 20 },
      );
    });

    test('answers undefined for points of low order', () => {
      for (const point of LOW_ORDER)
        assert.equal(curve.x25519(new Uint8Array(32).fill(7), fromHex(point)), undefined, point);
    });

    test('keeps a pair apart from the random octets it came from', () => {
      const random = new Uint8Array(32).fill(9);
      const { privateKey } = curve.x25519Pair(random);
      random.fill(0);
      assert.equal(toHex(privateKey), '09'.repeat(32));
    });

    test('its self-test notices what does not work', () => {
      const broken = (part: Partial<X25519>): string => x25519Problem({ ...curve, ...part }) ?? '';
      assert.equal(broken({}), '');
      assert.match(broken({ x25519: () => new Uint8Array(32) }), /multiplies wrongly/);
      assert.match(broken({ x25519Pair: (octets) => ({ publicKey: octets, privateKey: octets }) }), /public key/);
      assert.match(broken({ x25519: (mine, theirs) => curve.x25519(mine, theirs) ?? theirs }), /zero result/);
      assert.match(broken({ x25519: () => assert.fail('no such thing') }), /no such thing/);
    });
  });
}

test('takes the fast one that works, otherwise the portable one with the reason', () => {
  const chosen = chooseCrypto();
  assert.equal(chosen.crypto.x25519, nodeX25519.x25519);
  assert.ok(chosen.slower.every((reason) => !reason.startsWith('node:crypto')));
  const fallen = chooseCrypto(undefined, { ...nodeX25519, x25519: () => undefined });
  assert.equal(fallen.crypto.x25519, portableX25519.x25519);
  assert.equal(fallen.crypto.x25519Pair, portableX25519.x25519Pair);
  assert.match(fallen.slower.join(), /^node:crypto multiplies wrongly/);
});
