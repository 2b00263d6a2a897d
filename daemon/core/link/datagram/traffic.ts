/** Messages on their way into packets: alone, several in one, or cut into fragments (link document, section 10). */
import { uvarintSize } from '../../../wire/cursor.ts';
import { LINK_FRAME } from '../../../wire/link-frames.ts';
import type { Context } from '../../context.ts';
import { type QueueFacts, queueFacts } from '../../queue.ts';
import type { ClassConstants } from './classes.ts';
import { Fragments, type RepairSpace } from './fragments.ts';
import { Outbox } from './outbox.ts';
import { Rate } from './rate.ts';

export class Traffic {
  readonly fragments: Fragments;
  /** Octets of packets on this link. */
  readonly sent = new Rate();
  /** After `write`: what it returned lies at `buffer[at..]`, nothing was copied. */
  isInPlace = false;
  buffer: Uint8Array = new Uint8Array(0);
  at = 0;
  readonly #context: Context;
  readonly #messageMax: number;
  readonly #outbox: Outbox;
  /** Of the message that leaves in fragments. */
  #cutFlow: object | undefined;

  constructor(
    context: Context,
    constants: ClassConstants,
    queueBytes: number,
    space: RepairSpace,
    hasRepair: boolean,
    overhead: number,
  ) {
    this.#context = context;
    this.#messageMax = constants.messageMax;
    this.#outbox = new Outbox(queueBytes, constants.codel, context.pool, context.stats.trafficLost);
    this.fragments = new Fragments(constants, context.pool, space, hasRepair, this.sent, overhead);
  }

  get target(): Uint8Array {
    return this.#outbox.target;
  }

  get targetAt(): number {
    return this.#outbox.targetAt;
  }

  get queuedBytes(): number {
    return this.#outbox.bytes + this.fragments.bytes;
  }

  queueFacts(): QueueFacts {
    return queueFacts([this.#outbox.queue, this.#outbox.urgent], this.#context.nowMs);
  }

  get isEmpty(): boolean {
    return this.#outbox.isEmpty && this.fragments.isFree && !this.fragments.hasRepairs;
  }

  /** See `Pipe`; `room` is what a packet holds. */
  reserve(size: number, dest: number, source: number, isUrgent: boolean, room: number): void {
    const stageMax = this.fragments.isFree ? room : 0;
    this.#outbox.reserve(size, dest, source, isUrgent, stageMax, this.#context.nowMs);
  }

  /**
   * Fills the packet being written at `target`, which is empty up to `start`, from `at` to `limit`; `room` is what a
   * packet holds at most. Returns the number of octets, 0 if nothing is there or fits.
   */
  write(target: Uint8Array, start: number, at: number, limit: number, room: number): number {
    const { nowMs, stats } = this.#context;
    this.isInPlace = false;
    if (this.fragments.abandon(room)) stats.drop('link message too large');
    if (!this.fragments.isFree && this.#outbox.lookPast(this.#cutFlow, room - 1, nowMs)) {
      const size = this.#writeWhole(target, start, at, limit, true);
      if (size > 0) return size;
    }
    for (;;) {
      const size = this.fragments.write(target, at, limit - at, nowMs);
      if (size > 0 || !this.fragments.isFree || !this.#outbox.look(nowMs)) return size;
      if (1 + this.#outbox.size <= room) return this.#writeWhole(target, start, at, limit, false);
      this.#cut(room);
    }
  }

  clear(): void {
    this.#outbox.clear();
    this.fragments.clear();
  }

  /** Messages that need no cutting: as many as fit, or one, the last one to the end of the packet. */
  #writeWhole(target: Uint8Array, start: number, at: number, limit: number, isOne: boolean): number {
    const outbox = this.#outbox;
    const { nowMs } = this.#context;
    let end = at;
    for (;;) {
      const { buffer, size } = outbox;
      const next = end + 1 + uvarintSize(0, size) + size;
      const isLast = isOne || next + 1 + outbox.secondSize() > limit || outbox.secondSize() === 0;
      if (isLast && end + 1 + size > limit) return end - at;
      if (isLast && end === start) return this.#leave();
      if (isLast) target[end++] = LINK_FRAME.msg;
      else end = writeMsglHead(target, end, size);
      copy(buffer, outbox.at, size, target, end);
      end += size;
      outbox.shift();
      if (isLast || !this.#outbox.look(nowMs)) return end - at;
    }
  }

  /** A message alone in its packet stays where it is: the octet before it was its length's, and becomes its type. */
  #leave(): number {
    const { buffer, at, size } = this.#outbox;
    buffer[at - 1] = LINK_FRAME.msg;
    this.isInPlace = true;
    this.buffer = buffer;
    this.at = at - 1;
    this.#outbox.shift();
    return 1 + size;
  }

  #cut(room: number): void {
    const { size, flow } = this.#outbox;
    const buffer = this.#outbox.take();
    this.#cutFlow = flow;
    if (size <= this.#messageMax && this.fragments.begin(buffer, this.#outbox.at, size, room)) return;
    this.#context.pool.give(buffer);
    this.#context.stats.drop('link message too large');
  }
}

function writeMsglHead(target: Uint8Array, at: number, size: number): number {
  target[at++] = LINK_FRAME.msgl;
  for (; size > 0x7f; size >>>= 7) target[at++] = (size & 0x7f) | 0x80;
  target[at++] = size;
  return at;
}

function copy(from: Uint8Array, at: number, size: number, to: Uint8Array, toAt: number): void {
  to.set(from.subarray(at, at + size), toAt);
}
