/**
 * Messages that wait for packets; those that find paths go before traffic. While they leave as fast as they come they lie
 * one behind the other in a staging buffer; what comes faster than it leaves, and what is larger than a packet, goes
 * through the fair queue.
 */
import type { CodelTimes } from '../../codel.ts';
import { OUTBOX_BYTES, OUTBOX_ROWS, URGENT_BYTES } from '../../limits.ts';
import type { BufferPool, Pooled } from '../../pool.ts';
import { FairQueue, type LossWatcher } from '../../queue.ts';

export class Outbox {
  /** Where the last `reserve` put its message: a frame with its length before it, as streams carry it. */
  target: Uint8Array = NOTHING;
  targetAt = 0;
  /** The oldest message, after `look` has found one: the frame without its length. */
  buffer: Uint8Array = NOTHING;
  at = 0;
  size = 0;
  readonly queue: FairQueue;
  /** Goes first. */
  readonly urgent: FairQueue;
  readonly #pool: BufferPool;
  /** While there is something in it. */
  #staging: Pooled | undefined;
  #staged = 0;
  /** Staged messages from row `#row` up to, not including, `#rows` are still here. */
  readonly #starts = new Int32Array(OUTBOX_ROWS + 1);
  #row = 0;
  #rows = 0;
  /** When the first of them came. */
  #stagedAtMs = 0;

  constructor(queueMaxBytes: number, times: CodelTimes, pool: BufferPool, lost: LossWatcher) {
    this.queue = new FairQueue(queueMaxBytes, pool, lost, times);
    this.urgent = new FairQueue(Math.min(URGENT_BYTES, queueMaxBytes), pool, lost);
    this.#pool = pool;
  }

  get isEmpty(): boolean {
    return this.#staging === undefined && this.queue.isEmpty && this.urgent.isEmpty;
  }

  get bytes(): number {
    return this.#staged - (this.#starts[this.#row] as number) + this.queue.bytes + this.urgent.bytes;
  }

  /** @param stageMax larger ones go into a buffer of their own; 0: all, since there is something to pass by */
  reserve(size: number, dest: number, source: number, isUrgent: boolean, stageMax: number, nowMs: number): void {
    if (isUrgent) {
      this.target = this.urgent.push(size, dest, source, nowMs);
      this.targetAt = 0;
      return;
    }
    // What is still staged from an earlier input does not leave as fast as it comes.
    const isFlowing = this.queue.isEmpty && (this.#staging === undefined || this.#stagedAtMs === nowMs);
    const hasRoom = size <= stageMax && this.#rows < OUTBOX_ROWS && this.#staged + size <= OUTBOX_BYTES;
    if (!isFlowing || !hasRoom) {
      this.target = this.queue.push(size, dest, source, nowMs);
      this.targetAt = 0;
      return;
    }
    if (this.#staging === undefined) {
      this.#staging = this.#pool.take(OUTBOX_BYTES);
      this.#stagedAtMs = nowMs;
    }
    this.target = this.#staging.octets;
    this.targetAt = this.#staged;
    this.#staged += size;
    this.#starts[++this.#rows] = this.#staged;
  }

  /** Finds the message whose turn it is. False: there is none. */
  look(nowMs: number): boolean {
    const queue = this.#inTurn;
    if (queue === undefined) {
      const start = this.#starts[this.#row] as number;
      this.#show((this.#staging as Pooled).octets, start, (this.#starts[this.#row + 1] as number) - start);
      return true;
    }
    if (!queue.look(nowMs)) return false;
    const octets = queue.first();
    if (octets === undefined) return false;
    this.#show(octets, 0, queue.nextSize());
    return true;
  }

  /**
   * Finds one that may pass by a message of `flow` which is leaving in pieces: of another flow that had nothing waiting, or one
   * that finds paths. False: there is none of at most `sizeMax` octets.
   */
  lookPast(flow: object | undefined, sizeMax: number, nowMs: number): boolean {
    const isUrgent = !this.urgent.isEmpty;
    if (!isUrgent && (this.#staging !== undefined || !this.queue.hasFresh)) return false;
    const mayPass = this.look(nowMs) && this.size <= sizeMax;
    return mayPass && (isUrgent || (this.queue.hasFresh && this.queue.turn !== flow));
  }

  /** Whose the message is that `look` has found, if it comes from the queue. */
  get flow(): object | undefined {
    return this.#inTurn?.turn;
  }

  /** Octets of the one behind it in the same storage, its length counted in; 0 if there is none. */
  secondSize(): number {
    const queue = this.#inTurn;
    if (queue !== undefined) return queue.secondSize();
    if (this.#row + 2 > this.#rows) return 0;
    return (this.#starts[this.#row + 2] as number) - (this.#starts[this.#row + 1] as number);
  }

  /** Forgets the message that `look` found. Its octets stay as they are until the node has been drained. */
  shift(): void {
    const queue = this.#inTurn;
    if (queue === undefined) return this.#next();
    const taken = queue.take();
    if (taken !== undefined) this.#pool.give(taken);
  }

  /** Takes out the message that `look` found, in a buffer that the caller gives back; in it, it is at `at`. */
  take(): Pooled {
    const queue = this.#inTurn;
    if (queue !== undefined) {
      const taken = queue.take();
      if (taken === undefined) throw new Error('there is no message to be taken');
      return taken;
    }
    const copy = this.#pool.take(this.size);
    copy.octets.set(this.buffer.subarray(this.at, this.at + this.size));
    this.buffer = copy.octets;
    this.at = 0;
    this.#next();
    return copy;
  }

  clear(): void {
    this.#row = this.#rows - 1;
    if (this.#staging !== undefined) this.#next();
    this.queue.clear();
    this.urgent.clear();
  }

  /** Undefined: the staged ones, which are older than those in the queue. */
  get #inTurn(): FairQueue | undefined {
    if (!this.urgent.isEmpty) return this.urgent;
    return this.#staging === undefined ? this.queue : undefined;
  }

  /** The frame behind its length, a uvarint that is never longer than necessary. */
  #show(buffer: Uint8Array, start: number, size: number): void {
    let prefix = 1;
    while ((buffer[start + prefix - 1] as number) >= 0x80) prefix++;
    this.buffer = buffer;
    this.at = start + prefix;
    this.size = size - prefix;
  }

  #next(): void {
    if (++this.#row < this.#rows) return;
    if (this.#staging !== undefined) this.#pool.give(this.#staging);
    this.#staging = undefined;
    this.#row = 0;
    this.#rows = 0;
    this.#staged = 0;
  }
}

const NOTHING = new Uint8Array(0);
