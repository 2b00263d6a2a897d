/** The known answers of the link document (`test/vectors/ratatosk-link.json`). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyPair, type PublicKey, publicKey } from '../../daemon/core/port.ts';
import { repoRoot } from './places.ts';

type Side = 'A' | 'B';
type Keys = { seed: string; ed25519: string; x25519_private: string; x25519_public: string; sign_bit: number };
type Handshake = {
  name: string;
  psk: string;
  payload1: string;
  payload2: string;
  handshake_hash: string;
  key_i2r: string;
  key_r2i: string;
};
export type LinkVectors = {
  identities: Record<Side, Keys>;
  ephemeral_private: Record<Side, string>;
  psk_from_password: { password: string; psk: string };
  link: (Handshake & {
    index_A: number;
    index_B: number;
    prologue: string;
    INIT: string;
    RESP: string;
    cookie: Record<'secret' | 'address_bytes' | 'cookie' | 'nonce' | 'COOKIE' | 'INIT_with_mac2', string>;
    DATA: { from: Side; counter: number; plaintext: string; packet: string }[];
    BEACON_A: string;
  })[];
  e2e: (Handshake & {
    sid_A: number;
    sid_B: number;
    KK1: string;
    KK2: string;
    DATA: { counter: number; plaintext: string; packet: string };
  })[];
  key_conversion: Keys[];
  x25519_not_convertible: string[];
  replay_window: { size: number; ops: [number, boolean][] };
  counter_reconstruction: { expected: number; truncated: number; bits: 16 | 32; full: number }[];
  frames: { frame: string; fields: Record<string, unknown>; bytes: string }[];
  serial: { datagram: string; crc: string; wire: string }[];
};

export const linkVectors: LinkVectors = JSON.parse(
  readFileSync(join(repoRoot, 'test/vectors/ratatosk-link.json'), 'utf8'),
);

export const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
export const toHex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

/** The Ed25519 identity of a side. */
export function identityKey(side: Side): PublicKey {
  return publicKey(fromHex(linkVectors.identities[side].ed25519));
}

export function staticPair(side: Side): KeyPair {
  const { x25519_private, x25519_public } = linkVectors.identities[side];
  return { privateKey: fromHex(x25519_private), publicKey: fromHex(x25519_public) };
}

/** `pairOf` makes the public half: see `Crypto.x25519Pair`. */
export function ephemeralPair(side: Side, pairOf: (octets: Uint8Array) => KeyPair): KeyPair {
  return pairOf(fromHex(linkVectors.ephemeral_private[side]));
}
