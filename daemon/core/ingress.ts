/**
 * Packets from the TUN that links have no room for: they wait here, not sealed, so that nothing is sealed in vain and a
 * sparse flow of this machine passes by its bulk. Flows are told apart by their addresses and ports.
 */
import type { Context } from './context.ts';
import { INGRESS_QUEUES, INGRESS_SPARSE_BYTES, INGRESS_TURN_BYTES, STREAM_CODEL } from './limits.ts';
import { hashOctets } from './octetmap.ts';
import { PACKET_HEADROOM, type PacketBatch } from './port.ts';
import { FairQueue, type LossWatcher, type QueueFacts, queueFacts } from './queue.ts';

/** Behind the addresses of an IPv6 packet; and the next headers of those that have ports there. */
const PORTS_AT = 40;
const TCP = 6;
const UDP = 17;

export class Ingress {
  readonly #context: Context;
  readonly #queue: FairQueue;
  /** What sparse flows may still send while links have no room. */
  #sparseBytes = INGRESS_SPARSE_BYTES;
  /** One row. */
  readonly #batch: PacketBatch = {
    arena: new Uint8Array(0),
    offsets: Int32Array.of(PACKET_HEADROOM),
    lengths: new Int32Array(1),
    count: 1,
  };

  constructor(context: Context) {
    this.#context = context;
    const { pool, stats, options } = context;
    const lost: LossWatcher = (why) => stats.drop(why === 'late' ? 'tun queue late' : 'tun queue full');
    this.#queue = new FairQueue(INGRESS_QUEUES * options.limits.trafficQueueBytes, pool, lost, STREAM_CODEL);
  }

  get isEmpty(): boolean {
    return this.#queue.isEmpty;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  queueFacts(): QueueFacts {
    return queueFacts([this.#queue], this.#context.nowMs);
  }

  /** Copies what has come, its headroom included, in which the device may have left something. */
  push({ arena, offsets, lengths, count }: PacketBatch): void {
    const { nowMs } = this.#context;
    for (let i = 0; i < count; i++) {
      const at = (offsets[i] as number) - PACKET_HEADROOM;
      const size = (lengths[i] as number) + PACKET_HEADROOM;
      const flow = this.#flowOf(arena, at + PACKET_HEADROOM, lengths[i] as number);
      this.#queue.push(size, flow, 0, nowMs).set(arena.subarray(at, at + size));
    }
  }

  /** Hands packets over until so many have had their turn that links should be drained, or until there are none. */
  release(take: (batch: PacketBatch) => void): void {
    this.#sparseBytes = INGRESS_SPARSE_BYTES;
    const { nowMs } = this.#context;
    for (let bytes = 0; bytes < INGRESS_TURN_BYTES && this.#queue.look(nowMs); ) bytes += this.#next(take);
  }

  /** The same of sparse flows alone, which pass by what links hold: a little, until they have room again. */
  pass(take: (batch: PacketBatch) => void): void {
    const { nowMs } = this.#context;
    while (this.#queue.hasSparse && this.#sparseBytes > 0 && this.#queue.look(nowMs)) {
      // The last of them may just have become empty.
      if (!this.#queue.hasSparse) break;
      this.#sparseBytes -= this.#next(take);
    }
  }

  #next(take: (batch: PacketBatch) => void): number {
    const batch = this.#batch;
    const size = this.#queue.nextSize();
    const taken = this.#queue.take();
    if (taken === undefined) return 0;
    batch.arena = taken.octets;
    batch.lengths[0] = size - PACKET_HEADROOM;
    take(batch);
    // Rests until the node has been drained: sealing reads it before.
    this.#context.pool.give(taken);
    return size;
  }

  #flowOf(buffer: Uint8Array, at: number, length: number): number {
    if (length < PORTS_AT + 4) return 0;
    const protocol = buffer[at + 6] as number;
    const hasPorts = protocol === TCP || protocol === UDP;
    return hashOctets(buffer, at + 8, hasPorts ? 36 : 32, this.#context.hashSeed ^ protocol);
  }
}
