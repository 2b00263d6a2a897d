/** How much of strangers' handshakes a node works on: rates by address, and when cookies are asked for (section 4.2). */
import type { Context } from '../../context.ts';
import {
  HANDSHAKE_BUCKETS,
  HANDSHAKES_ALL,
  LOAD_ACCEPTED_PER_SECOND,
  LOAD_HOLD_MS,
  LOAD_LAG_MS,
  LOAD_QUEUED,
} from '../../limits.ts';
import { OctetMap } from '../../octetmap.ts';
import { Bucket } from '../../policy.ts';
import { type AddressRow, addressGroup } from './addresses.ts';
import type { ClassConstants } from './classes.ts';

type Entry = { readonly group: Uint8Array; readonly bucket: Bucket; idleAtMs: number };

export class Load {
  readonly #context: Context;
  readonly #buckets: OctetMap<Entry>;
  readonly #all: Bucket;
  /** When the last INITs were accepted, as a ring. */
  readonly #acceptedMs = new Float64Array(LOAD_ACCEPTED_PER_SECOND).fill(Number.NEGATIVE_INFINITY);
  #accepted = 0;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(context: Context) {
    this.#context = context;
    this.#buckets = new OctetMap(16, context.hashSeed);
    this.#all = new Bucket(HANDSHAKES_ALL, context.nowMs);
  }

  get isHigh(): boolean {
    return this.#context.nowMs < this.#untilMs;
  }

  get addresses(): number {
    return this.#buckets.size;
  }

  /** @param lateMs by how much the timer was missed */
  observe(queued: number, lateMs: number): void {
    if (queued > LOAD_QUEUED || lateMs > LOAD_LAG_MS) this.raise();
  }

  /** The load is high from now on, for a while. */
  raise(): void {
    this.#untilMs = this.#context.nowMs + LOAD_HOLD_MS;
  }

  /** An INIT was answered. */
  accepted(): void {
    const { nowMs } = this.#context;
    const at = this.#accepted++ % LOAD_ACCEPTED_PER_SECOND;
    if (nowMs - (this.#acceptedMs[at] as number) < 1_000) this.raise();
    this.#acceptedMs[at] = nowMs;
  }

  /** False: nothing can be remembered of a new address; it has to show a cookie first. */
  hasRoomFor(row: AddressRow): boolean {
    if (this.#buckets.size < HANDSHAKE_BUCKETS || this.#buckets.has(addressGroup(row))) return true;
    return (this.#buckets.oldest() as Entry).idleAtMs <= this.#context.nowMs;
  }

  /** Takes one handshake out of the budgets of this address and of all. */
  take(row: AddressRow, { inits }: ClassConstants): boolean {
    const { nowMs } = this.#context;
    const group = addressGroup(row);
    let entry = this.#buckets.get(group);
    if (entry === undefined) {
      // A full table gives way to an address that has shown a cookie.
      while (this.#buckets.size >= HANDSHAKE_BUCKETS) this.#buckets.delete((this.#buckets.oldest() as Entry).group);
      entry = { group, bucket: new Bucket(inits, nowMs), idleAtMs: 0 };
      this.#buckets.set(group, entry);
    } else {
      this.#buckets.touch(group);
    }
    entry.idleAtMs = nowMs + (inits.burst * 1_000) / inits.perSecond;
    if (!entry.bucket.take(nowMs)) return false;
    if (this.#all.take(nowMs)) return true;
    // Many addresses take the budget of all: who shows that he is at his may still come in.
    this.raise();
    return false;
  }
}
