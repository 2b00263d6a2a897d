import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { ed25519FromX25519, x25519FromEd25519 } from '../../daemon/crypto/montgomery.ts';
import { fromHex, linkVectors, toHex } from '../support/link-vectors.ts';

const P = 2n ** 255n - 19n;
const some32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Around 0 and P, where carries and the ends of the range are; the first of them also as any sign. */
const EDGES = [
  0n,
  1n,
  2n,
  3n,
  9n,
  P - 3n,
  P - 2n,
  P - 1n,
  P,
  P + 1n,
  P + 18n,
  2n ** 255n,
  2n ** 255n + 1n,
  2n ** 256n - 1n,
];

function octetsOf(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0')).reverse();
}

function numberOf(octets: Uint8Array): bigint {
  return BigInt(`0x${toHex(octets.slice().reverse())}`);
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = base % P, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) result = (result * b) % P;
  return result;
}

/** Section 1 word by word, with Fermat's inverse and Euler's criterion. */
function backAsWritten(key: Uint8Array, sign: number): Uint8Array | undefined {
  const { Fp } = ed25519.Point;
  const u = numberOf(key);
  if (u >= P || u === P - 1n) return undefined;
  const y = Fp.mul(Fp.sub(u, 1n), power(u + 1n, P - 2n));
  const yy = Fp.mul(y, y);
  const d = ed25519.Point.CURVE().d;
  const xx = Fp.mul(Fp.sub(yy, 1n), power(Fp.add(Fp.mul(d, yy), 1n), P - 2n));
  if (power(xx, (P - 1n) / 2n) !== 1n) return undefined;
  return octetsOf(y | (BigInt(sign) << 255n));
}

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined, message?: string) =>
  assert.equal(a && toHex(a), b && toHex(b), message);

test('converts the keys of the vectors, there and back', () => {
  const { A, B } = linkVectors.identities;
  for (const { ed25519: identity, x25519_public, sign_bit } of [A, B, ...linkVectors.key_conversion]) {
    same(x25519FromEd25519(fromHex(identity)), fromHex(x25519_public));
    same(ed25519FromX25519(fromHex(x25519_public), sign_bit), fromHex(identity));
  }
});

test('refuses what the vectors say is no key', () => {
  for (const key of linkVectors.x25519_not_convertible) {
    same(ed25519FromX25519(fromHex(key), 0), undefined, key);
    same(ed25519FromX25519(fromHex(key), 1), undefined, key);
  }
});

test('every key comes back from its X25519 form', () => {
  fc.assert(
    fc.property(some32, (seed) => {
      const identity = ed25519.getPublicKey(seed);
      const form = x25519FromEd25519(identity);
      assert.ok(form !== undefined);
      same(form, ed25519.utils.toMontgomery(identity));
      same(form, x25519.getPublicKey(ed25519.utils.toMontgomerySecret(seed)));
      same(ed25519FromX25519(form, (identity[31] ?? 0) >> 7), identity);
    }),
  );
});

test('any octets convert back as the document is written, or not at all', () => {
  fc.assert(
    fc.property(some32, fc.constantFrom(0, 1), (key, sign) => {
      same(ed25519FromX25519(key, sign), backAsWritten(key, sign));
    }),
    { numRuns: 300 },
  );
  for (const edge of EDGES) same(ed25519FromX25519(octetsOf(edge), 1), backAsWritten(octetsOf(edge), 1), `${edge}`);
});

test('converts exactly the keys that are points of the curve', () => {
  const wanted = (key: Uint8Array): Uint8Array | undefined => {
    try {
      return ed25519.utils.toMontgomery(key);
    } catch {
      return undefined;
    }
  };
  fc.assert(
    fc.property(some32, (key) => same(x25519FromEd25519(key), wanted(key))),
    { numRuns: 300 },
  );
  for (let y = 2n; y < 30n; y++) same(x25519FromEd25519(octetsOf(y)), wanted(octetsOf(y)), `${y}`);
});

test('the neutral point has the form zero, which X25519 then refuses', () => {
  same(x25519FromEd25519(octetsOf(1n)), new Uint8Array(32));
});

test('octets of another length are no key', () => {
  for (const length of [0, 31, 33]) {
    assert.equal(x25519FromEd25519(new Uint8Array(length)), undefined);
    assert.equal(ed25519FromX25519(new Uint8Array(length), 0), undefined);
  }
});
