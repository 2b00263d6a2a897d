/**
 * Messages that wait for packets; those that find paths go before traffic. While they leave as fast as they come they lie
 * one behind the other in a staging buffer; what comes faster than it leaves, and what is larger than a packet, goes
 * through the fair queue.
 */
import type { Codel } from '../../codel.ts';
import { OUTBOX_BYTES, OUTBOX_ROWS, URGENT_BYTES } from '../../limits.ts';
import type { BufferPool, Pooled } from '../../pool.ts';
import { FairQueue } from '../../queue.ts';

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
  /** Dropped because the queue was too long for too long. */
  late = 0;
  readonly #pool: BufferPool;
  readonly #codel: Codel;
  /** While there is something in it. */
  #staging: Pooled | undefined;
  #staged = 0;
  /** Staged messages from row `#row` up to, not including, `#rows` are still here. */
  readonly #starts = new Int32Array(OUTBOX_ROWS + 1);
  #row = 0;
  #rows = 0;

  constructor(queueMaxBytes: number, codel: Codel, pool: BufferPool) {
    this.queue = new FairQueue(queueMaxBytes, pool);
    this.urgent = new FairQueue(Math.min(URGENT_BYTES, queueMaxBytes), pool);
    this.#codel = codel;
    this.#pool = pool;
  }

  get isEmpty(): boolean {
    return this.#staging === undefined && this.queue.isEmpty && this.urgent.isEmpty;
  }

  get bytes(): number {
    return this.#staged - (this.#starts[this.#row] as number) + this.queue.bytes + this.urgent.bytes;
  }

  /** @param stageMax larger ones go into a buffer of their own */
  reserve(size: number, dest: number, source: number, isUrgent: boolean, stageMax: number, nowMs: number): void {
    if (isUrgent) {
      this.target = this.urgent.push(size, dest, source);
      this.targetAt = 0;
      return;
    }
    const isStaged =
      size <= stageMax && this.queue.isEmpty && this.#rows < OUTBOX_ROWS && this.#staged + size <= OUTBOX_BYTES;
    if (!isStaged) {
      this.target = this.queue.push(size, dest, source, nowMs);
      this.targetAt = 0;
      return;
    }
    this.#staging ??= this.#pool.take(OUTBOX_BYTES);
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
    if (queue === this.queue) this.#shorten(nowMs);
    const octets = queue.first();
    if (octets === undefined) return false;
    this.#show(octets, 0, queue.nextSize());
    return true;
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

  #shorten(nowMs: number): void {
    const { queue } = this;
    if (queue.isEmpty) return;
    while (this.#codel.mustDrop(nowMs - queue.oldestAtMs, queue.secondSize() === 0, nowMs)) {
      queue.dropFairly();
      this.late++;
    }
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
