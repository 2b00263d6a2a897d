/** What may cost a stranger nothing to fail at: mac1, mac2 and cookies (link document, section 4.1). */
import { type INIT_SIZE, indexOf, MAC, type RESP_SIZE, readCookie, writeCookie } from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { COOKIE_LIFE_MS } from '../../limits.ts';
import { openOne, sealOne } from '../../one-aead.ts';
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

/** Whether the MAC at `at` is that of the octets before it. */
export function hasMac(crypto: Pick<Crypto, 'hmacSha256'>, key: Uint8Array, packet: Uint8Array, at: number): boolean {
  const expected = crypto.hmacSha256(key, packet.subarray(0, at));
  let difference = 0;
  for (let i = 0; i < MAC; i++) difference |= (expected[i] as number) ^ (packet[at + i] as number);
  return difference === 0;
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

/** Where mac1 of an INIT or RESP stands, with or without mac2. Zero: the length fits neither. */
export function mac1At(packet: Uint8Array, plainSize: typeof INIT_SIZE | typeof RESP_SIZE): number {
  const fits = packet.length === plainSize || packet.length === plainSize + MAC;
  return fits ? plainSize - MAC : 0;
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

/** Makes cookies for addresses and knows them again, without remembering any address. */
export class CookieJar {
  readonly #context: Context;
  #secret: Uint8Array;
  #previous: Uint8Array;
  #renewAtMs: number;

  constructor(context: Context) {
    this.#context = context;
    this.#secret = context.randomOctets(32);
    this.#previous = this.#secret;
    this.#renewAtMs = context.nowMs + COOKIE_LIFE_MS;
  }

  /** Whether mac2 behind `packet[0..at)` was made with a cookie of ours for this address. */
  accepts(packet: Uint8Array, at: number, address: Uint8Array): boolean {
    if (packet.length !== at + MAC) return false;
    this.#renew();
    const { crypto } = this.#context;
    return [this.#secret, this.#previous].some((secret) =>
      hasMac(crypto, cookieOf(crypto, secret, address), packet, at),
    );
  }

  /** The COOKIE that answers `packet`, whose mac1 stands at `at`. */
  answer(packet: Uint8Array, at: number, address: Uint8Array, keys: MacKeys): Uint8Array {
    this.#renew();
    const { crypto } = this.#context;
    const cookie = cookieOf(crypto, this.#secret, address);
    return sealCookie(crypto, keys, cookie, packet, at, this.#context.randomOctets(MAC));
  }

  #renew(): void {
    const { nowMs } = this.#context;
    if (nowMs < this.#renewAtMs) return;
    const isLongAgo = nowMs >= this.#renewAtMs + COOKIE_LIFE_MS;
    const secret = this.#context.randomOctets(32);
    this.#previous = isLongAgo ? secret : this.#secret;
    this.#secret = secret;
    this.#renewAtMs = isLongAgo ? nowMs + COOKIE_LIFE_MS : this.#renewAtMs + COOKIE_LIFE_MS;
  }
}

export function cookieOf(crypto: Pick<Crypto, 'hmacSha256'>, secret: Uint8Array, address: Uint8Array): Uint8Array {
  return crypto.hmacSha256(secret, address).slice(0, MAC);
}

/** `packet[at..]` begins with mac1. */
export function sealCookie(
  crypto: Crypto,
  keys: MacKeys,
  cookie: Uint8Array,
  packet: Uint8Array,
  at: number,
  nonce: Uint8Array,
): Uint8Array {
  const key = crypto.hmacSha256(keys.cookie, nonce);
  const sealed = sealOne(crypto.aead, key, 0, packet.subarray(at, at + MAC), cookie);
  return writeCookie({ index: indexOf(packet), nonce, sealed });
}

function labelled(label: string, key: Uint8Array): Uint8Array {
  const octets = new Uint8Array(label.length + key.length);
  for (let i = 0; i < label.length; i++) octets[i] = label.charCodeAt(i);
  octets.set(key, label.length);
  return octets;
}
