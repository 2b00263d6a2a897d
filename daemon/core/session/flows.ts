/** Contexts of compressed packets under one pair of record keys, of both directions (`wire/README.md`, compressed packets). */
import {
  CONTEXTS,
  type Contexts,
  isLike,
  isNear,
  NONE,
  type Said,
  writeLike,
  writePlain,
} from '../../wire/compressed.ts';
import { type Ends, Headers, RULE, TCP_FLAG } from '../../wire/headers.ts';
import { CONTEXT_PATIENCE, CONTEXT_TELLINGS, CONTEXTS_KEPT, RECORD_WINDOW } from '../limits.ts';

/** Packets that are looked at again before they make a context: one alone is not worth it. */
const FLOWS_SEEN = 16;
/** Kept for flows that have none: one that has run away from its own can do with three octets for each number. */
const CONTEXTS_RESERVED = 16;
const NO_CONTEXT = TCP_FLAG.syn | TCP_FLAG.fin | TCP_FLAG.rst;

/** What all keys of a node share: contexts kept for their peers. */
export class ContextSpace {
  count = 0;

  get isFull(): boolean {
    return this.count >= CONTEXTS_KEPT;
  }
}

type Made = {
  readonly base: Headers;
  /** The other side has it. */
  isKnown: boolean;
  madeMs: number;
  /** Contexts of this flow before it that were never acknowledged. */
  tries: number;
  /** The record that made it, and the last one that named it. */
  readonly record: number;
  namedIn: number;
};

/** Ours, of packets that leave. */
export class FlowsOut {
  readonly ends: Ends;
  /** A context was wanted, and no id is free. */
  isExhausted = false;
  readonly #made: Made[] = [];
  readonly #seen = new Float64Array(FLOWS_SEEN).fill(NONE);
  #seenAt = 0;

  constructor(ends: Ends) {
    this.ends = ends;
  }

  /** Writes the compressed headers of a packet that leaves in record number `record`; gives their size. */
  write(
    headers: Headers,
    buffer: Uint8Array,
    record: number,
    nowMs: number,
    rttMs: number,
    got: number,
    to: Uint8Array,
  ): number {
    let known = this.#newest(headers, true);
    const isFar = known === NONE || !isNear(headers, (this.#made[known] as Made).base);
    if (known !== NONE && !isLike(headers, (this.#made[known] as Made).base)) known = NONE;
    const mayMake = known === NONE || this.#made.length < CONTEXTS - CONTEXTS_RESERVED;
    const makes = isFar && mayMake && this.#isWorth(headers) ? this.#make(headers, record, nowMs, rttMs) : NONE;
    if (makes !== NONE || known === NONE) return writePlain(headers, buffer, makes, got, to);
    const context = this.#made[known] as Made;
    context.namedIn = record;
    return writeLike(headers, context.base, known, buffer, got, to);
  }

  /** The other side says that it has a context. */
  acknowledged(id: number): void {
    const context = this.#made[id];
    if (context !== undefined) context.isKnown = true;
  }

  /** The id of the youngest context of a packet's flow. */
  #newest(headers: Headers, isKnown: boolean): number {
    let newest = NONE;
    for (let id = 0; id < this.#made.length; id++) {
      const { base, isKnown: known, record } = this.#made[id] as Made;
      if (known !== isKnown || !base.isFlowOf(headers)) continue;
      if (base.rule === RULE.tcp && base.hasTimes !== headers.hasTimes) continue;
      if (newest === NONE || record >= (this.#made[newest] as Made).record) newest = id;
    }
    return newest;
  }

  #isWorth(headers: Headers): boolean {
    if (!headers.isPlain) return false;
    if (headers.rule === RULE.tcp) return (headers.flags & NO_CONTEXT) === 0;
    if (this.#seen.includes(headers.flow)) return true;
    this.#seen[this.#seenAt++ % FLOWS_SEEN] = headers.flow;
    return false;
  }

  /** The id of a new context; none while another of its flow may still be acknowledged, or no id is free. */
  #make(headers: Headers, record: number, nowMs: number, rttMs: number): number {
    const waiting = this.#made[this.#newest(headers, false)];
    const patienceMs = Math.max(CONTEXT_PATIENCE.ms, CONTEXT_PATIENCE.roundTrips * rttMs);
    if (waiting !== undefined && nowMs - waiting.madeMs < patienceMs * 2 ** waiting.tries) return NONE;
    const id = this.#freeId(record);
    if (id === NONE) return NONE;
    const base = new Headers();
    base.keep(headers);
    const tries = waiting === undefined ? 0 : waiting.tries + 1;
    this.#made[id] = { base, isKnown: false, madeMs: nowMs, tries, record, namedIn: record };
    return id;
  }

  /** One that no record names which could still arrive. */
  #freeId(record: number): number {
    if (this.#made.length < CONTEXTS) return this.#made.length;
    const id = this.#made.findIndex((context) => record - context.namedIn >= RECORD_WINDOW);
    this.isExhausted = id === NONE;
    return id;
  }
}

/** The other side's, of packets that come. */
export class FlowsIn implements Contexts {
  readonly ends: Ends;
  readonly #space: ContextSpace;
  readonly #bases: (Headers | undefined)[] = [];
  /** How often each is still to be acknowledged. */
  readonly #owed = new Uint8Array(CONTEXTS);

  constructor(ends: Ends, space: ContextSpace) {
    this.ends = ends;
    this.#space = space;
  }

  base(id: number): Headers | undefined {
    return this.#bases[id];
  }

  /** A packet has been read. */
  received(headers: Headers, { makes, uses }: Said): void {
    if (uses !== NONE) this.#owed[uses] = 0;
    if (makes === NONE) return;
    if (this.#bases[makes] === undefined) {
      if (this.#space.isFull) return;
      this.#space.count++;
    }
    const base = new Headers();
    base.keep(headers);
    this.#bases[makes] = base;
    this.#owed[makes] = CONTEXT_TELLINGS;
  }

  /** The id of a context to be acknowledged by a packet that leaves. */
  takeOwed(): number {
    const id = this.#owed.findIndex((times) => times > 0);
    if (id !== NONE) (this.#owed[id] as number)--;
    return id;
  }

  clear(): void {
    for (const base of this.#bases.splice(0)) if (base !== undefined) this.#space.count--;
  }
}
