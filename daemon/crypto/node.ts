import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as signWith,
  verify as verifyWith,
} from 'node:crypto';
import { hash as blake2b } from '@stablelib/blake2b';
import type { Crypto, MacSigner, Signer } from '../core/port.ts';
import { hsalsa20OfZero } from './hsalsa20.ts';
import { base64url, plain, publicHalf } from './key-octets.ts';
import { ed25519FromX25519, x25519FromEd25519 } from './montgomery.ts';
import { nodeX25519 } from './node-x25519.ts';
import type { X25519 } from './portable-x25519.ts';

const KEY_SIZE = 32;
const MAC_SIZE = 32;
const SIGNATURE_SIZE = 64;
const HASH_SIZE = 64;
/** Verification keys kept as key objects: a node checks signatures of its peers and their ancestors again and again. */
const VERIFY_KEYS_MAX = 256;
/** What PKCS #8 puts before the 32 octets of an Ed25519 seed (RFC 8410). */
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Without what is done in batches. */
export type NodeCrypto = Omit<Crypto, 'box' | 'aead' | 'macs'>;

/** Everything that is not done in batches, by the OpenSSL inside Node where it can. */
export function nodeCrypto({ x25519, x25519Pair }: X25519 = nodeX25519): NodeCrypto {
  const verifyKeys = new Map<string, KeyObject>();

  /** Least recently used first. */
  function verifyKey(octets: Uint8Array): KeyObject {
    const name = base64url(octets);
    const known = verifyKeys.get(name);
    if (known !== undefined) verifyKeys.delete(name);
    const key = known ?? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: name }, format: 'jwk' });
    verifyKeys.set(name, key);
    if (verifyKeys.size > VERIFY_KEYS_MAX) {
      for (const oldest of verifyKeys.keys()) {
        verifyKeys.delete(oldest);
        break;
      }
    }
    return key;
  }

  return {
    blake2b512: (key, data) => blake2b(data, HASH_SIZE, key.length === 0 ? undefined : { key }),
    sha256: (data) => plain(createHash('sha256').update(data).digest()),
    ed25519Verify(key, signature, data) {
      if (key.length !== KEY_SIZE || signature.length !== SIGNATURE_SIZE) return false;
      return verifyWith(null, data, verifyKey(key), signature);
    },
    ed25519Signer,
    x25519Pair,
    x25519FromEd25519,
    ed25519FromX25519,
    hmacSha256: (key, data) => plain(createHmac('sha256', key).update(data).digest()),
    x25519,
    boxShared(publicKey, privateKey) {
      const result = x25519(privateKey, publicKey);
      if (result === undefined) return undefined;
      const shared = hsalsa20OfZero(result);
      result.fill(0);
      return shared;
    },
  };
}

/** One by one. */
export const nodeMacs: MacSigner = {
  name: 'node:crypto',
  isBatched: false,
  sign({ texts, stride, lengths, keys, macs, count }) {
    for (let i = 0; i < count; i++) {
      const text = texts.subarray(i * stride, i * stride + (lengths[i] as number));
      const key = keys.subarray(i * KEY_SIZE, (i + 1) * KEY_SIZE);
      macs.set(createHmac('sha256', key).update(text).digest(), i * MAC_SIZE);
    }
  },
};

function ed25519Signer(seed: Uint8Array): Signer {
  if (seed.length !== KEY_SIZE) throw new RangeError('an Ed25519 seed has 32 octets');
  const encoded = Buffer.concat([ED25519_PKCS8_PREFIX, seed]);
  const key = createPrivateKey({ key: encoded, format: 'der', type: 'pkcs8' });
  encoded.fill(0);
  return {
    publicKey: publicHalf(key),
    x25519Private: new Uint8Array(createHash('sha512').update(seed).digest().subarray(0, KEY_SIZE)),
    sign: (data) => plain(signWith(null, data, key)),
  };
}
