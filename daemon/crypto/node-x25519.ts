import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { base64url, plain, publicHalf } from './key-octets.ts';
import type { X25519 } from './portable-x25519.ts';

const KEY_SIZE = 32;
/** Node wants a public half beside every private JWK, and derives the real one itself. */
const UNUSED_PUBLIC = Buffer.alloc(KEY_SIZE).toString('base64url');

/** X25519 by the OpenSSL inside Node. */
export const nodeX25519: X25519 = {
  name: 'node:crypto',
  x25519Pair(random) {
    const privateKey = random.slice(0, KEY_SIZE);
    return { publicKey: publicHalf(keyObject(privateKey)), privateKey };
  },

  /** Node throws when the result is zero, and a hostile key must not end the process. */
  x25519(privateKey, publicKey) {
    const x = base64url(publicKey);
    const theirs = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
    const ours = keyObject(privateKey);
    try {
      return plain(diffieHellman({ privateKey: ours, publicKey: theirs }));
    } catch {
      return undefined;
    }
  },
};

/**
 * As JWK, though its text leaves a copy for the garbage collector: OpenSSL takes 24 µs for it and 340 µs for DER, and
 * a stranger can make us do this.
 */
function keyObject(privateKey: Uint8Array): KeyObject {
  return createPrivateKey({
    key: { kty: 'OKP', crv: 'X25519', x: UNUSED_PUBLIC, d: base64url(privateKey) },
    format: 'jwk',
  });
}
