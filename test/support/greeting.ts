/**
 * The handshake message of section 2.3, right or deliberately wrong, made without the daemon's code.
 */
import { createHash, sign } from 'node:crypto';
import { blake2b } from '@noble/hashes/blake2.js';
import type { Identity } from './identity.ts';

export type GreetingOptions = {
  password?: string;
  /** Fields in this order; each is type and value. */
  fields?: readonly (readonly [number, Uint8Array])[];
  /** Octets between the last field and the signature. */
  trailing?: Uint8Array;
  /** Instead of the true length. */
  length?: number;
};

/** A greeting as the reference makes it, unless the options say otherwise. */
export function greeting(identity: Identity, options: GreetingOptions = {}): Buffer {
  const fields = (options.fields ?? usualFields(identity)).map(([type, value]) =>
    Buffer.concat([u16(type), u16(value.length), value]),
  );
  const body = Buffer.concat([...fields, options.trailing ?? Buffer.alloc(0)]);
  const length = options.length ?? body.length + 64;
  const signature = signed(identity, passwordHash(identity.publicKey, options.password ?? ''));
  return Buffer.concat([Buffer.from('meta'), u16(length), body, signature]);
}

export function usualFields(identity: Identity): [number, Buffer][] {
  return [
    [0, u16(0)],
    [1, u16(5)],
    [2, identity.publicKey],
    [3, Buffer.from([0])],
  ];
}

export function signed(identity: Identity, data: Uint8Array): Buffer {
  return sign(null, data, identity.signingKey);
}

export function u16(value: number): Buffer {
  const octets = Buffer.alloc(2);
  octets.writeUInt16BE(value);
  return octets;
}

function passwordHash(publicKey: Uint8Array, password: string): Uint8Array {
  // node:crypto has no keyed BLAKE2b.
  if (password === '') return createHash('blake2b512').update(publicKey).digest();
  return blake2b(publicKey, { key: Buffer.from(password), dkLen: 64 });
}
