import { scalarMult, scalarMultBase } from '@stablelib/x25519';
import type { Crypto } from '../core/port.ts';

export type X25519 = Pick<Crypto, 'x25519' | 'x25519Pair'> & { readonly name: string };

const KEY_SIZE = 32;

/** X25519 in TypeScript: for a Node whose own fails, and its twin in tests. Takes half a millisecond. */
export const portableX25519: X25519 = {
  name: 'portable',
  x25519Pair(random) {
    const privateKey = random.slice(0, KEY_SIZE);
    return { publicKey: scalarMultBase(privateKey), privateKey };
  },
  x25519(privateKey, publicKey) {
    const result = scalarMult(privateKey, publicKey);
    return result.every((octet) => octet === 0) ? undefined : result;
  },
};
