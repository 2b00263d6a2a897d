/** Makes cookies for addresses and knows them again, without remembering any address (link document, section 4.1). */
import { indexOf, MAC, writeCookie } from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { COOKIE_LIFE_MS } from '../../limits.ts';
import type { AeadJobs } from '../../port.ts';
import { MacBatch } from './mac-batch.ts';
import type { MacKeys } from './macs.ts';

/** Who has sent a handshake packet with a right mac1. */
export type Caller = {
  readonly packet: Uint8Array;
  /** Where mac1 stands. Behind it is mac2, or nothing. */
  readonly mac1At: number;
  /** Where it came from, as `carrierAddress` gives it. */
  readonly address: Uint8Array;
};

/** Who is to show a cookie first. */
export type Stranger = Caller & { readonly password: { readonly own: Pick<MacKeys, 'cookie'> } };

/** Of one row that is sealed: mac1 as associated data, the cookie, room for the tag. */
const SEALED = 2 * MAC;
const ROW = MAC + SEALED;

export class CookieJar {
  readonly #context: Context;
  /** Cookies, and the keys they are sealed with. */
  readonly #cookies: MacBatch;
  readonly #others: MacBatch;
  readonly #jobs: AeadJobs;
  readonly #arena: Uint8Array;
  #secret: Uint8Array;
  #previous: Uint8Array;
  #renewAtMs: number;

  /** @param rows the most callers at once */
  constructor(context: Context, rows: number) {
    this.#context = context;
    this.#cookies = new MacBatch(context.crypto, rows);
    this.#others = new MacBatch(context.crypto, rows);
    this.#arena = new Uint8Array(rows * ROW);
    this.#jobs = newJobs(this.#arena, rows);
    this.#secret = context.randomOctets(32);
    this.#previous = this.#secret;
    this.#renewAtMs = context.nowMs + COOKIE_LIFE_MS;
  }

  /** Those whose mac2 was made with a cookie of ours for their address. */
  shown<T extends Caller>(callers: readonly T[]): Set<T> {
    const shown = new Set<T>();
    let rest = callers.filter(({ packet, mac1At }) => packet.length === mac1At + 2 * MAC);
    if (rest.length === 0) return shown;
    this.#renew();
    for (const secret of [this.#secret, this.#previous]) {
      this.#makeCookies(secret, rest);
      this.#others.clear();
      rest.forEach(({ packet, mac1At }, i) => {
        this.#others.add(this.#cookies.mac(i), packet.subarray(0, mac1At + MAC));
      });
      this.#others.sign();
      rest = rest.filter((caller, i) => {
        const isShown = this.#others.isAt(i, caller.packet, caller.mac1At + MAC);
        if (isShown) shown.add(caller);
        return !isShown;
      });
    }
    return shown;
  }

  /** The COOKIEs that answer them, in their order. */
  answers(callers: readonly Stranger[]): Uint8Array[] {
    this.#renew();
    const nonces = this.#context.randomOctets(callers.length * MAC);
    this.#makeCookies(this.#secret, callers);
    return this.#seal(callers, nonces);
  }

  #makeCookies(secret: Uint8Array, callers: readonly Caller[]): void {
    this.#cookies.clear();
    for (const { address } of callers) this.#cookies.add(secret, address);
    this.#cookies.sign();
  }

  #seal(callers: readonly Stranger[], nonces: Uint8Array): Uint8Array[] {
    const nonceOf = (i: number): Uint8Array => nonces.subarray(i * MAC, (i + 1) * MAC);
    const arena = this.#arena;
    this.#others.clear();
    callers.forEach(({ password }, i) => {
      this.#others.add(password.own.cookie, nonceOf(i));
    });
    this.#others.sign();
    callers.forEach(({ packet, mac1At }, i) => {
      arena.set(packet.subarray(mac1At, mac1At + MAC), i * ROW);
      arena.set(this.#cookies.mac(i), i * ROW + MAC);
      this.#jobs.keys.set(this.#others.digest(i), i * 32);
    });
    this.#jobs.count = callers.length;
    this.#context.crypto.aead.seal(this.#jobs);
    return callers.map(({ packet }, i) => {
      const sealed = arena.subarray(i * ROW + MAC, (i + 1) * ROW);
      return writeCookie({ index: indexOf(packet), nonce: nonceOf(i), sealed });
    });
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

function newJobs(arena: Uint8Array, rows: number): AeadJobs {
  const at = Int32Array.from({ length: rows }, (_, i) => i * ROW + MAC);
  return {
    sources: new Array<Uint8Array>(rows).fill(arena),
    sourceOffsets: at,
    lengths: new Int32Array(rows).fill(MAC),
    targets: new Array<Uint8Array>(rows).fill(arena),
    targetOffsets: at,
    adLengths: new Int32Array(rows).fill(MAC),
    keys: new Uint8Array(rows * 32),
    nonces: new Uint32Array(2 * rows),
    ok: new Uint8Array(rows),
    count: 0,
  };
}
