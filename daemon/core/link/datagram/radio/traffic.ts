/**
 * Messages on their way onto the air (link document, section 10). What fits into one record goes before what does not: a key stroke
 * must not wait for a page, even one of the same flow. Larger ones are cut so that their fragments fill records.
 */
import { FRAG_HEAD, FRAGMENTS_MAX } from '../../../../wire/link-frames.ts';
import type { Context } from '../../../context.ts';
import { URGENT_BYTES } from '../../../limits.ts';
import { FairQueue, type QueueFacts, queueFacts } from '../../../queue.ts';
import type { AirClass } from '../../../radio/facts.ts';
import type { Transmitter } from '../../../radio/transmitter.ts';
import type { ClassConstants } from '../classes.ts';
import type { ShortHeadersOut } from '../short-headers.ts';
import type { Cargo, Message } from './cargo.ts';

/** Less is nobody's key stroke: bare acknowledgements, and sessions that show that they live. */
const TYPED_LEAST = 48;

/** The message that leaves in fragments. */
type Cut = {
  readonly octets: Uint8Array;
  readonly message: Message;
  readonly id: number;
  readonly share: number;
  readonly last: number;
  /** The next one in order; the last one may have gone before its turn. */
  index: number;
  hasSentLast: boolean;
};

/** How a message may leave; `room` is what a record holds. */
type Haste = { readonly isUrgent: boolean; readonly isOrdered: boolean; readonly room: number };

export class RadioTraffic {
  /** Where the last `reserve` put its message. */
  target: Uint8Array = NOTHING;
  /** When somebody's short message left last, and the one before: one alone is no talk. */
  #typedMs = NEVER;
  #typedBeforeMs = NEVER;
  readonly #context: Context;
  readonly #constants: ClassConstants;
  readonly #heads: ShortHeadersOut | undefined;
  readonly #urgent: FairQueue;
  readonly #quick: FairQueue;
  readonly #bulk: FairQueue;
  readonly #transmitter: Transmitter | undefined;
  #cut: Cut | undefined;
  #nextId = 0;

  /** @param heads where the other side knows short routing headers */
  constructor(
    context: Context,
    constants: ClassConstants,
    transmitter: Transmitter | undefined,
    heads?: ShortHeadersOut,
  ) {
    const { pool, stats } = context;
    const { queueBytes, codel } = constants;
    this.#context = context;
    this.#constants = constants;
    this.#heads = heads;
    this.#transmitter = transmitter;
    this.#urgent = new FairQueue(Math.min(URGENT_BYTES, queueBytes), pool, stats.trafficLost);
    this.#quick = new FairQueue(queueBytes, pool, stats.trafficLost, codel);
    this.#bulk = new FairQueue(queueBytes, pool, stats.trafficLost, codel);
  }

  get queuedBytes(): number {
    return this.#urgent.bytes + this.#quick.bytes + this.#bulkBytes;
  }

  /** A message has begun to leave in fragments. */
  get isCutting(): boolean {
    return this.#cut !== undefined;
  }

  /** Octets of the message that is cut next; 0: there is none. */
  get nextLongSize(): number {
    return this.#bulk.look(this.#context.nowMs) ? this.#bulk.nextSize() : 0;
  }

  countQueued(sums: Record<AirClass, number>): void {
    sums.control += this.#urgent.bytes;
    sums.interactive += this.#quick.bytes;
    sums.normal += this.#bulkBytes;
  }

  /** See `Pipe`; `room` is what a record holds. */
  refusalMs(size: number, isOrdered: boolean, room: number): number | undefined {
    const isQuick = !isOrdered && fitsRecord(size, room);
    return this.#transmitter?.refusalMs(classOf(isQuick), size, this.#waiting(isQuick), this.#context.nowMs);
  }

  /** The same, and nobody has been refused. */
  airWaitMs(size: number, room: number): number | undefined {
    const isQuick = fitsRecord(size, room);
    return this.#transmitter?.tooLongMs(classOf(isQuick), size, this.#waiting(isQuick), this.#context.nowMs);
  }

  /** Somebody types, or asks again and again: two short messages have left lately. */
  isTalkative(withinMs: number): boolean {
    return this.#context.nowMs - this.#typedBeforeMs < withinMs;
  }

  queueFacts(): QueueFacts {
    return queueFacts([this.#urgent, this.#quick, this.#bulk], this.#context.nowMs);
  }

  get hasQuick(): boolean {
    return !this.#urgent.isEmpty || !this.#quick.isEmpty;
  }

  get hasBulk(): boolean {
    return this.#cut !== undefined || !this.#bulk.isEmpty;
  }

  /**
   * See `Pipe`. What must keep its order goes in fragments however short it is: they come out in the order in which they were
   * sent, also where one was lost and sent again, and a plain session drops what has been overtaken.
   */
  reserve(size: number, dest: number, source: number, { isUrgent, isOrdered, room }: Haste): void {
    const { nowMs } = this.#context;
    const isQuick = fitsRecord(size, room) && (isUrgent || !isOrdered);
    const queue = isUrgent && isQuick ? this.#urgent : isQuick ? this.#quick : this.#bulk;
    this.target = queue.push(size, dest, source, nowMs);
  }

  /** The next message that needs no cutting, of at most `room` octets with its type. */
  takeQuick(room: number, untilMs: number): Cargo | undefined {
    const { nowMs } = this.#context;
    for (const queue of [this.#urgent, this.#quick]) {
      if (!queue.look(nowMs)) continue;
      const buffer = queue.first();
      const size = queue.nextSize();
      const prefix = prefixSize(size);
      if (buffer === undefined) continue;
      const octets = this.#shorten(buffer, prefix, size, true);
      if (1 + octets.length > room) continue;
      this.#forget(queue);
      const isTyped = queue === this.#quick && octets.length >= TYPED_LEAST;
      if (isTyped) this.#typed(nowMs);
      return { kind: 'message', octets, message: { untilMs, isGivenUp: false, isTyped }, sendings: 0 };
    }
    return undefined;
  }

  /** The next fragment, of at most `room` octets with its head; an empty record has `recordRoom`. */
  takeFragment(room: number, recordRoom: number, untilMs: number): Cargo | undefined {
    const cut = this.#cut ?? this.#cutNext(recordRoom, untilMs);
    if (cut === undefined) return undefined;
    if (cut.message.isGivenUp) {
      this.#cut = undefined;
      return undefined;
    }
    // The last one is short, and fits where others do not.
    const fits = (index: number): boolean => FRAG_HEAD + sizeAt(cut, index) <= room;
    const index = fits(cut.index) ? cut.index : cut.last;
    if (!fits(index) || (index === cut.last && cut.hasSentLast)) return undefined;
    if (index === cut.last) cut.hasSentLast = true;
    else cut.index++;
    if (cut.hasSentLast && cut.index === cut.last) this.#cut = undefined;
    const octets = cut.octets.subarray(index * cut.share, index * cut.share + sizeAt(cut, index));
    return { kind: 'fragment', octets, message: cut.message, id: cut.id, index, last: cut.last, sendings: 0 };
  }

  clear(): void {
    for (const queue of [this.#urgent, this.#quick, this.#bulk]) queue.clear();
    this.#cut = undefined;
  }

  #typed(nowMs: number): void {
    this.#typedBeforeMs = this.#typedMs;
    this.#typedMs = nowMs;
  }

  /** What is short waits for what is short, the others for all. */
  #waiting(isQuick: boolean): number {
    return isQuick ? this.#quick.bytes : this.queuedBytes;
  }

  get #bulkBytes(): number {
    const cut = this.#cut;
    return this.#bulk.bytes + (cut === undefined ? 0 : cut.octets.length - cut.index * cut.share);
  }

  #cutNext(room: number, untilMs: number): Cut | undefined {
    const queue = this.#bulk;
    const { nowMs, stats } = this.#context;
    while (queue.look(nowMs)) {
      const buffer = queue.first();
      const size = queue.nextSize();
      if (buffer === undefined) return undefined;
      const octets = this.#shorten(buffer, prefixSize(size), size, false);
      this.#forget(queue);
      const share = room - FRAG_HEAD;
      const last = Math.ceil(octets.length / share) - 1;
      if (octets.length <= this.#constants.messageMax && last < FRAGMENTS_MAX) {
        const message = { untilMs, isGivenUp: false, isTyped: false };
        this.#cut = { octets, message, id: this.#nextId, share, last, index: 0, hasSentLast: false };
        this.#nextId = (this.#nextId + 1) & 0xffff;
        return this.#cut;
      }
      stats.drop('link message too large');
    }
    return undefined;
  }

  /** The message as it leaves, in a buffer of its own. */
  #shorten(buffer: Uint8Array, at: number, end: number, isWhole: boolean): Uint8Array {
    const { nowMs } = this.#context;
    return this.#heads?.shorten(buffer, at, end, isWhole, nowMs) ?? buffer.slice(at, end);
  }

  #forget(queue: FairQueue): void {
    const taken = queue.take();
    if (taken !== undefined) this.#context.pool.give(taken);
  }
}

function fitsRecord(size: number, room: number): boolean {
  return size - prefixSize(size) < room;
}

function classOf(isQuick: boolean): AirClass {
  return isQuick ? 'interactive' : 'normal';
}

/** Octets of the length before a frame; both together have `size`, and lengths are never longer than necessary. */
function prefixSize(size: number): number {
  let prefix = 1;
  while (size - prefix >= 2 ** (7 * prefix)) prefix++;
  return prefix;
}

function sizeAt(cut: Cut, index: number): number {
  return Math.min(cut.share, cut.octets.length - index * cut.share);
}

const NOTHING = new Uint8Array(0);
const NEVER = Number.NEGATIVE_INFINITY;
