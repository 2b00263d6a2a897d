/** The MACs of handshake packets, one at a time: for what we send, and the cookies we are given (link document, section 4.1). */
import { MAC, readCookie } from '../../../wire/link-packets.ts';
import { openOne } from '../../one-aead.ts';
import type { Crypto, PublicKey } from '../../port.ts';

/** The keys of one password towards one identity, made once. */
export type MacKeys = {
  /** Of packets that this identity receives. */
  readonly mac1: Uint8Array;
  /** Of cookies that this identity sends. */
  readonly cookie: Uint8Array;
};

export function macKeys(crypto: Pick<Crypto, 'hmacSha256'>, psk: Uint8Array, key: PublicKey): MacKeys {
  return {
    mac1: crypto.hmacSha256(psk, labelled('ratatosk mac1 v1', key)),
    cookie: crypto.hmacSha256(psk, labelled('ratatosk cookie v1', key)),
  };
}

/** The MAC over `packet[0..end)`. */
export function macOf(
  crypto: Pick<Crypto, 'hmacSha256'>,
  key: Uint8Array,
  packet: Uint8Array,
  end: number,
): Uint8Array {
  return crypto.hmacSha256(key, packet.subarray(0, end)).subarray(0, MAC);
}

/** INIT or RESP with mac1 behind its Noise message, and mac2 if a cookie is held. */
export function withMacs(
  crypto: Pick<Crypto, 'hmacSha256'>,
  keys: MacKeys,
  parts: readonly [head: Uint8Array, message: Uint8Array],
): Uint8Array {
  const [head, message] = parts;
  const end = head.length + message.length;
  const packet = new Uint8Array(end + MAC);
  packet.set(head);
  packet.set(message, head.length);
  packet.set(macOf(crypto, keys.mac1, packet, end), end);
  return packet;
}

export function withMac2(crypto: Pick<Crypto, 'hmacSha256'>, cookie: Uint8Array, packet: Uint8Array): Uint8Array {
  const longer = new Uint8Array(packet.length + MAC);
  longer.set(packet);
  longer.set(macOf(crypto, cookie, packet, packet.length), packet.length);
  return longer;
}

/** Opens a COOKIE that answers a packet with this mac1. */
export function openCookie(
  crypto: Crypto,
  keys: MacKeys,
  packet: Uint8Array,
  mac1: Uint8Array,
): Uint8Array | undefined {
  const cookie = readCookie(packet);
  if (cookie === undefined) return undefined;
  const key = crypto.hmacSha256(keys.cookie, cookie.nonce);
  return openOne(crypto.aead, key, 0, mac1, cookie.sealed);
}

/** A cookie as its receiver keeps it. */
export type HeldCookie = { readonly octets: Uint8Array; readonly untilMs: number };

function labelled(label: string, key: Uint8Array): Uint8Array {
  const octets = new Uint8Array(label.length + key.length);
  for (let i = 0; i < label.length; i++) octets[i] = label.charCodeAt(i);
  octets.set(key, label.length);
  return octets;
}
