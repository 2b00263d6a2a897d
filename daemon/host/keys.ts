/** The identity of a node as files hold it: 128 hexadecimal digits, or a PEM file (section 1.1). */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { RatatoskError } from '../core/error.ts';
import { readSecretFile } from './secret-file.ts';

export type Identity = {
  /** 32 octets; secret. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
};

/** RFC 8410: PKCS#8 of an Ed25519 key, up to the seed. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

export function newIdentity(): Identity {
  return identityFromSeed(randomBytes(32));
}

export function identityFromSeed(seed: Uint8Array): Identity {
  const der = Buffer.concat([PKCS8_HEAD, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return { seed: Uint8Array.from(seed), publicKey: publicHalf(key) };
}

/** Seed, then public key. Halves that do not match are refused: Yggdrasil would run with two different identities. */
export function identityFromHex(text: string): Identity {
  if (!/^[0-9a-fA-F]{128}$/.test(text)) {
    throw new RatatoskError('KEY_INVALID', `PrivateKey: found ${text.length} characters, expected 128 hex digits`);
  }
  const octets = Buffer.from(text, 'hex');
  const identity = identityFromSeed(octets.subarray(0, 32));
  const isWhole = octets.subarray(32).equals(identity.publicKey);
  octets.fill(0);
  if (!isWhole) {
    const remedy = 'a digit was lost or changed; take the key from a backup, or make a new one with `ratatosk init`';
    throw new RatatoskError('KEY_INVALID', `PrivateKey: its second half is not the public key of the first: ${remedy}`);
  }
  return identity;
}

export function identityToHex(identity: Identity): string {
  return Buffer.concat([identity.seed, identity.publicKey]).toString('hex');
}

export function identityFromPem(path: string): { identity: Identity; warnings: readonly string[] } {
  const { octets, warnings } = readSecretFile(path, () => false);
  try {
    if (!octets.includes('-----BEGIN PRIVATE KEY-----')) throw new Error('no block "PRIVATE KEY" in it');
    const key = createPrivateKey({ key: octets, format: 'pem' });
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it holds a key of type ${key.asymmetricKeyType}`);
    const der = key.export({ format: 'der', type: 'pkcs8' });
    const identity = identityFromSeed(der.subarray(PKCS8_HEAD.length, PKCS8_HEAD.length + 32));
    der.fill(0);
    return { identity, warnings };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'expected an Ed25519 key as PKCS#8 in PEM';
    throw new RatatoskError('KEY_INVALID', `PrivateKeyPath ${path}: ${remedy}: ${reason}`, { cause });
  } finally {
    octets.fill(0);
  }
}

function publicHalf(key: KeyObject): Uint8Array {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return Uint8Array.from(spki.subarray(spki.length - 32));
}
