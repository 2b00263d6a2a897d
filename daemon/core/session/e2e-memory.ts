/** What is remembered of peers beyond their end-to-end sessions: who speaks them, what was accepted, who asked how often. */
import type { Context } from '../context.ts';
import {
  E2E_FIRSTS,
  E2E_FIRSTS_PER_KEY,
  E2E_KNOWN_LIFE_MS,
  E2E_LOWER_TIMESTAMP_MS,
  E2E_MEMORY,
  E2E_SILENCE_MS,
  E2E_TELL_MS,
  E2E_TRIAL,
} from '../limits.ts';
import { OctetMap } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import type { PublicKey } from '../port.ts';

/** A map that forgets what was least recently set or touched. */
class Recent<T extends { readonly name: Uint8Array }> {
  readonly #entries: OctetMap<T>;

  constructor(length: number, hashSeed: number) {
    this.#entries = new OctetMap(length, hashSeed);
  }

  get(octets: Uint8Array, at = 0): T | undefined {
    return this.#entries.get(octets, at);
  }

  set(entry: T): T {
    const oldest = this.#entries.size >= E2E_MEMORY ? this.#entries.oldest() : undefined;
    if (oldest !== undefined && !this.#entries.has(entry.name)) this.#entries.delete(oldest.name);
    this.#entries.delete(entry.name);
    this.#entries.set(entry.name, entry);
    return entry;
  }

  delete(octets: Uint8Array): void {
    this.#entries.delete(octets);
  }
}

/** Keys that have spoken e2e in the last 30 days. Times are Unix times: they outlive the process. */
export class KnownKeys {
  readonly #context: Context;
  readonly #keys: Recent<{ readonly name: PublicKey; readonly unixMs: number; readonly toldMs: number }>;
  readonly #tried: Recent<{ readonly name: PublicKey; readonly untilMs: number }>;

  constructor(context: Context) {
    this.#context = context;
    this.#keys = new Recent(32, context.hashSeed);
    this.#tried = new Recent(32, context.hashSeed);
    for (const { key, unixMs } of context.options.e2eKnown) this.#keys.set({ name: key, unixMs, toldMs: unixMs });
  }

  has(key: Uint8Array): boolean {
    const entry = this.#keys.get(key);
    // A clock that was wrong then or is now must not make us forget.
    return entry !== undefined && Math.abs(this.#context.unixMs() - entry.unixMs) < E2E_KNOWN_LIFE_MS;
  }

  add(key: PublicKey): void {
    const unixMs = this.#context.unixMs();
    const toldMs = this.#keys.get(key)?.toldMs ?? Number.NEGATIVE_INFINITY;
    const isNews = Math.abs(unixMs - toldMs) >= E2E_TELL_MS;
    this.#keys.set({ name: key, unixMs, toldMs: isNews ? unixMs : toldMs });
    if (isNews) this.#context.events.push({ kind: 'e2eKnown', key, unixMs });
  }

  /** It was asked whether it speaks e2e, and has not answered. */
  triedInVain(key: PublicKey): void {
    this.#tried.set({ name: key, untilMs: this.#context.nowMs + E2E_TRIAL.pauseMs });
  }

  /** Whether it might be asked. */
  isUntried(key: PublicKey): boolean {
    const tried = this.#tried.get(key);
    return tried === undefined || this.#context.nowMs >= tried.untilMs;
  }

  delete(key: PublicKey): void {
    if (this.#keys.get(key) === undefined) return;
    this.#keys.delete(key);
    this.#context.events.push({ kind: 'e2eForgotten', key });
  }
}

/** The timestamp rule (section 4.2): no clock is trusted, and nothing is accepted twice for long. */
export class Timestamps {
  readonly #context: Context;
  readonly #entries: Recent<{ readonly name: PublicKey; readonly confirmedMs: number; lowerMs: number }>;

  constructor(context: Context) {
    this.#context = context;
    this.#entries = new Recent(32, context.hashSeed);
  }

  /**
   * @param offeredMs highest timestamp of keys that wait to be confirmed
   * @param heardMs when the last record of this key was authentic
   */
  isAcceptable(key: PublicKey, timestampMs: number, offeredMs: number, heardMs: number): boolean {
    const { nowMs } = this.#context;
    const entry = this.#entries.get(key);
    if (entry === undefined || timestampMs > entry.confirmedMs) return true;
    if (timestampMs < offeredMs || nowMs - heardMs < E2E_SILENCE_MS) return false;
    if (nowMs - entry.lowerMs < E2E_LOWER_TIMESTAMP_MS) return false;
    entry.lowerMs = nowMs;
    return true;
  }

  confirmed(key: PublicKey, timestampMs: number): void {
    this.#entries.set({ name: key, confirmedMs: timestampMs, lowerMs: Number.NEGATIVE_INFINITY });
  }
}

/** First messages by their tags: what comes again is a copy. */
export class Seen<T> {
  readonly #entries: Recent<{ readonly name: Uint8Array; readonly value: T }>;

  constructor(context: Context) {
    this.#entries = new Recent(16, context.hashSeed);
  }

  get(octets: Uint8Array, at: number): T | undefined {
    return this.#entries.get(octets, at)?.value;
  }

  set(tag: Uint8Array, value: T): void {
    this.#entries.set({ name: tag, value });
  }
}

/**
 * How many first messages are looked at. Their sources are not proven, so the total is shared fairly between the links
 * they come over, and half of it is kept for keys that we know.
 */
export class FirstBudget {
  readonly #context: Context;
  readonly #total: Bucket;
  readonly #keys: Recent<{ readonly name: Uint8Array; readonly bucket: Bucket }>;
  #second = 0;
  #counts = new Map<number, number>();
  #linksBefore = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#total = new Bucket(E2E_FIRSTS, context.nowMs);
    this.#keys = new Recent(32, context.hashSeed);
  }

  /** @param port of the peer that the message came from */
  take(source: PublicKey, isKnown: boolean, port: number): boolean {
    const { nowMs } = this.#context;
    const bucket = this.#keys.get(source)?.bucket;
    if (bucket !== undefined && !bucket.take(nowMs)) return false;
    if (!isKnown && !this.#isFair(port)) return false;
    if (!this.#total.take(nowMs, isKnown ? 0 : E2E_FIRSTS.burst / 2)) return false;
    // Only now: a flood of sources must not make us forget those that count.
    if (bucket === undefined) {
      const first = new Bucket(E2E_FIRSTS_PER_KEY, nowMs);
      first.take(nowMs);
      this.#keys.set({ name: source, bucket: first });
    }
    return true;
  }

  /** Each link that sends any gets an equal part of a second's messages. */
  #isFair(port: number): boolean {
    const second = Math.floor(this.#context.nowMs / 1_000);
    if (second !== this.#second) {
      this.#linksBefore = second === this.#second + 1 ? this.#counts.size : 0;
      this.#second = second;
      this.#counts = new Map();
    }
    const count = (this.#counts.get(port) ?? 0) + 1;
    this.#counts.set(port, count);
    const links = Math.max(this.#linksBefore, this.#counts.size);
    return count <= Math.ceil(E2E_FIRSTS.perSecond / links);
  }
}
