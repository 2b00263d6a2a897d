/** Messages that come in fragments, put together again within limits, and what is asked for anew (link document, section 10). */

import type { Writer } from '../../../wire/cursor.ts';
import { writeFnack } from '../../../wire/link-frames.ts';
import { FNACKS_MAX, REASSEMBLED_REMEMBERED, REASSEMBLY_BYTES } from '../../limits.ts';
import type { BufferPool, Pooled } from '../../pool.ts';
import type { ClassConstants } from './classes.ts';

type Partial = {
  readonly id: number;
  readonly last: number;
  /** Size of every fragment but the last; 0 until one has come. */
  share: number;
  /** Once the share is known. */
  buffer: Pooled | undefined;
  /** The last fragment, while there is no place for it. */
  tail: Uint8Array | undefined;
  tailSize: number;
  readonly have: Uint8Array;
  count: number;
  /** Octets it is charged with. */
  bytes: number;
  readonly untilMs: number;
  /** Sent FNACKs, and when the next one is due. */
  nacks: number;
  nackAtMs: number;
};

const NEVER = Number.POSITIVE_INFINITY;

/** What all links of a node share: the octets of their incomplete messages, and the links that have some. */
export class ReassemblySpace {
  bytes = 0;
  readonly holders = new Set<Reassembly>();
}

export class Reassembly {
  /** The message that `add` completed: `message.octets[0..messageSize)`; whoever takes it gives it back to the pool. */
  message: Pooled | undefined;
  messageSize = 0;
  /** Messages that were given up. */
  abandoned = 0;
  readonly #constants: ClassConstants;
  readonly #pool: BufferPool;
  readonly #space: ReassemblySpace;
  readonly #hasRepair: boolean;
  readonly #partials = new Map<number, Partial>();
  #bytes = 0;
  /** Ids completed or given up of late: what still comes of them begins nothing. */
  readonly #finished = new Int32Array(REASSEMBLED_REMEMBERED).fill(-1);
  #finishedAt = 0;

  constructor(constants: ClassConstants, pool: BufferPool, space: ReassemblySpace, hasRepair: boolean) {
    this.#constants = constants;
    this.#pool = pool;
    this.#space = space;
    this.#hasRepair = hasRepair;
  }

  /** One FRAG frame with body `buffer[start..end)`. True: its message is complete. */
  add(id: number, index: number, last: number, buffer: Uint8Array, start: number, end: number, nowMs: number): boolean {
    const partial = this.#partials.get(id) ?? this.#begin(id, last, nowMs);
    if (partial === undefined) return false;
    if (partial.last !== last || !this.#fits(partial, index, end - start)) {
      this.#giveUp(partial);
      return false;
    }
    partial.nackAtMs = this.#nackAt(partial, nowMs + this.#constants.nackAfterMs);
    const isKnown = (partial.have[index] as number) === 1;
    if (isKnown) {
      if (!this.#agrees(partial, index, buffer, start, end)) this.#giveUp(partial);
      return false;
    }
    if (!this.#place(partial, index, buffer, start, end)) return false;
    partial.have[index] = 1;
    if (++partial.count <= last) return false;
    this.#complete(partial, nowMs);
    return true;
  }

  /** Gives up what is too old. */
  expire(nowMs: number): void {
    for (const partial of this.#partials.values()) {
      if (nowMs < partial.untilMs) return;
      this.#giveUp(partial);
    }
  }

  isNackDue(nowMs: number): boolean {
    for (const { nackAtMs } of this.#partials.values()) if (nowMs >= nackAtMs) return true;
    return false;
  }

  /** Writes the next FNACK that is due, of at most `room` octets. */
  writeNack(writer: Writer, room: number, nowMs: number, rttMs: number): boolean {
    for (const partial of this.#partials.values()) {
      if (nowMs < partial.nackAtMs) continue;
      if (room < 4 + ((partial.last + 8) >> 3)) return false;
      writeFnack(writer, partial.id, partial.last, (index) => partial.have[index] === 0);
      partial.nacks++;
      partial.nackAtMs = this.#nackAt(partial, nowMs + 1.5 * rttMs);
      return true;
    }
    return false;
  }

  get deadlineMs(): number {
    let earliestMs = NEVER;
    for (const { untilMs, nackAtMs } of this.#partials.values()) earliestMs = Math.min(earliestMs, untilMs, nackAtMs);
    return earliestMs;
  }

  clear(): void {
    for (const partial of this.#partials.values()) this.#forget(partial);
  }

  #begin(id: number, last: number, nowMs: number): Partial | undefined {
    if (this.#finished.includes(id)) return undefined;
    const { messages, ageMs } = this.#constants.reassembly;
    while (this.#partials.size >= messages) this.#giveUp(oldest(this.#partials.values()));
    const partial: Partial = {
      id,
      last,
      share: 0,
      buffer: undefined,
      tail: undefined,
      tailSize: 0,
      have: new Uint8Array(last + 1),
      count: 0,
      bytes: 0,
      untilMs: nowMs + ageMs,
      nacks: 0,
      nackAtMs: NEVER,
    };
    this.#partials.set(id, partial);
    this.#space.holders.add(this);
    return partial;
  }

  /** The same share for all but the last, which is not larger; and not too large altogether. */
  #fits(partial: Partial, index: number, size: number): boolean {
    const { messageMax } = this.#constants;
    const { last, share, tailSize } = partial;
    if (index < last) {
      const isEqual = share === 0 || share === size;
      return isEqual && size >= tailSize && size * last + Math.max(1, tailSize) <= messageMax;
    }
    const isLastSize = tailSize === 0 || tailSize === size;
    return isLastSize && (share === 0 || size <= share) && share * last + size <= messageMax;
  }

  #agrees(partial: Partial, index: number, buffer: Uint8Array, start: number, end: number): boolean {
    const at = index * partial.share;
    const before = partial.buffer === undefined ? partial.tail : partial.buffer.octets.subarray(at);
    for (let i = start; i < end; i++) if (before?.[i - start] !== buffer[i]) return false;
    return true;
  }

  /** False: there is no room for this message, and it is given up. */
  #place(partial: Partial, index: number, buffer: Uint8Array, start: number, end: number): boolean {
    const { last } = partial;
    if (index === last) partial.tailSize = end - start;
    if (index < last || last === 0) partial.share = end - start;
    if (partial.share === 0) {
      if (!this.#charge(partial, end - start)) return false;
      partial.tail = buffer.slice(start, end);
      return true;
    }
    const into = partial.buffer ?? this.#allocate(partial);
    if (into === undefined) return false;
    into.octets.set(buffer.subarray(start, end), index * partial.share);
    return true;
  }

  #allocate(partial: Partial): Pooled | undefined {
    const { share, last, tail } = partial;
    const buffer = this.#pool.take(Math.min(share * (last + 1), this.#constants.messageMax));
    if (!this.#charge(partial, buffer.octets.length)) {
      this.#pool.give(buffer);
      return undefined;
    }
    if (tail !== undefined) buffer.octets.set(tail, share * last);
    partial.tail = undefined;
    partial.buffer = buffer;
    return buffer;
  }

  /** Makes room by giving up the oldest: of this link, then of the one that holds most. */
  #charge(partial: Partial, bytes: number): boolean {
    partial.bytes += bytes;
    this.#bytes += bytes;
    this.#space.bytes += bytes;
    while (this.#bytes > this.#constants.reassembly.bytes) this.#giveUp(oldest(this.#partials.values()));
    while (this.#space.bytes > REASSEMBLY_BYTES) {
      let most: Reassembly = this;
      for (const holder of this.#space.holders) if (holder.#bytes > most.#bytes) most = holder;
      most.#giveUp(oldest(most.#partials.values()));
    }
    return this.#partials.get(partial.id) === partial;
  }

  #complete(partial: Partial, nowMs: number): void {
    this.message = partial.buffer;
    this.messageSize = partial.share * partial.last + partial.tailSize;
    partial.buffer = undefined;
    this.#forget(partial);
    for (const other of this.#partials.values()) {
      const isEarlier = ((partial.id - other.id) & 0xffff) < 0x8000;
      if (isEarlier && other.nacks === 0) other.nackAtMs = this.#nackAt(other, nowMs);
    }
  }

  #giveUp(partial: Partial): void {
    this.abandoned++;
    this.#forget(partial);
  }

  #forget(partial: Partial): void {
    this.#partials.delete(partial.id);
    if (this.#partials.size === 0) this.#space.holders.delete(this);
    this.#bytes -= partial.bytes;
    this.#space.bytes -= partial.bytes;
    if (partial.buffer !== undefined) this.#pool.give(partial.buffer);
    partial.buffer = undefined;
    this.#finished[this.#finishedAt] = partial.id;
    this.#finishedAt = (this.#finishedAt + 1) % REASSEMBLED_REMEMBERED;
  }

  #nackAt(partial: Partial, atMs: number): number {
    return this.#hasRepair && partial.nacks < FNACKS_MAX ? atMs : NEVER;
  }
}

function oldest(partials: Iterable<Partial>): Partial {
  for (const partial of partials) return partial;
  throw new Error('octets in reassembly belong to a message');
}
