/**
 * What stands before one radio: which lookups may cross it, and what nodes behind it have signed of their place, so that most need
 * not (radio reference, section 7). Keeps no clock.
 */
import type { PathNotifyInfo } from '../../wire/lookup.ts';
import {
  GATE_ANSWER_LIFE_MS,
  GATE_BACKOFF,
  GATE_BURST,
  GATE_ENTRIES,
  GATE_PER_SOURCE,
  GATE_ROUND_TRIPS,
} from '../limits.ts';
import { OctetMap } from '../octetmap.ts';
import { Bucket } from '../policy.ts';

export type Answer = {
  readonly item: Uint8Array;
  readonly source: Uint8Array;
  readonly info: PathNotifyInfo;
  untilMs: number;
};

type Asked = { readonly item: Uint8Array; nextAtMs: number; backoffMs: number };

export class LookupGate {
  readonly #asked: OctetMap<Asked>;
  readonly #sources: OctetMap<{ key: Uint8Array; bucket: Bucket }>;
  readonly #answers: OctetMap<Answer>;
  /** When all that has crossed would have been apart as it should. */
  #paidUntilMs = 0;

  constructor(hashSeed: number) {
    this.#asked = new OctetMap(32, hashSeed);
    this.#sources = new OctetMap(32, hashSeed);
    this.#answers = new OctetMap(32, hashSeed);
  }

  /**
   * Whether a lookup may cross: of all sources together, of one, and for one item, which is asked for ever more rarely while nobody
   * answers. `paceMs`: what a round trip takes.
   */
  mayAsk(item: Uint8Array, source: Uint8Array, paceMs: number, nowMs: number): boolean {
    const { least, cap } = GATE_BACKOFF;
    const asked = this.#asked.get(item);
    const isFresh = asked === undefined || nowMs > asked.nextAtMs + cap;
    if (!isFresh && nowMs < asked.nextAtMs) return false;
    const costMs = Math.max(GATE_BACKOFF.least / 2, GATE_ROUND_TRIPS * paceMs);
    const paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + costMs;
    if (paidUntilMs > nowMs + GATE_BURST * costMs || !this.#bucketOf(source, nowMs).take(nowMs)) return false;
    this.#paidUntilMs = paidUntilMs;
    const first = Math.min(Math.max(least, GATE_ROUND_TRIPS * paceMs), cap);
    const backoffMs = isFresh ? first : Math.min(2 * asked.backoffMs, cap);
    keep(this.#asked, item, { item: item.slice(), nextAtMs: nowMs + backoffMs, backoffMs });
    return true;
  }

  /** A notify of a node behind the radio has come. */
  answered(item: Uint8Array, source: Uint8Array, info: PathNotifyInfo, nowMs: number): void {
    this.#asked.delete(item);
    const copy = { seq: info.seq, path: info.path.slice(), sig: info.sig.slice() };
    const untilMs = nowMs + GATE_ANSWER_LIFE_MS;
    keep(this.#answers, item, { item: item.slice(), source: source.slice(), info: copy, untilMs });
  }

  /** What was answered last; the caller knows whether it holds still. */
  answer(item: Uint8Array): Answer | undefined {
    return this.#answers.get(item);
  }

  /** It does not hold any more. */
  forget(item: Uint8Array): void {
    this.#answers.delete(item);
  }

  #bucketOf(source: Uint8Array, nowMs: number): Bucket {
    const known = this.#sources.get(source)?.bucket;
    if (known !== undefined) return known;
    const bucket = new Bucket(GATE_PER_SOURCE, nowMs);
    keep(this.#sources, source, { key: source.slice(), bucket });
    return bucket;
  }
}

/** In place of the oldest where there is no room. */
function keep<T extends { readonly item: Uint8Array } | { readonly key: Uint8Array }>(
  table: OctetMap<T>,
  name: Uint8Array,
  value: T,
): void {
  table.delete(name);
  const oldest = table.size >= GATE_ENTRIES ? table.oldest() : undefined;
  if (oldest !== undefined) table.delete('item' in oldest ? oldest.item : oldest.key);
  table.set(name, value);
}
