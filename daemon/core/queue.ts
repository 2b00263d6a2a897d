/**
 * The queue of a link that cannot take more: packets wait grouped by destination and, within it, source. Taken out is
 * always the oldest; when the octets exceed the cap, the oldest packet of the largest source in the largest
 * destination is dropped (section 4.8), so that one flow cannot starve the others.
 */
import type { BufferPool, Pooled } from './pool.ts';

export class FairQueue {
  bytes = 0;
  dropped = 0;
  readonly #maxBytes: number;
  readonly #pool: BufferPool;
  readonly #dests = new Map<number, Dest>();
  /** Ends of the list of all packets, oldest first. */
  #oldest: Packet | undefined;
  #newest: Packet | undefined;

  constructor(maxBytes: number, pool: BufferPool) {
    this.#maxBytes = maxBytes;
    this.#pool = pool;
  }

  get isEmpty(): boolean {
    return this.#oldest === undefined;
  }

  /**
   * A place for a packet of `size` octets, which the caller fills before anything is taken out. `dest` and `source`
   * are hashes of the keys. Drops others, or the packet itself later, to keep the cap.
   */
  push(size: number, dest: number, source: number, nowMs = 0): Uint8Array {
    const buffer = this.#pool.take(size);
    const packet: Packet = {
      buffer,
      size,
      atMs: nowMs,
      flow: this.#flow(dest, source),
      older: this.#newest,
      newer: undefined,
      next: undefined,
    };
    if (this.#newest === undefined) this.#oldest = packet;
    else this.#newest.newer = packet;
    this.#newest = packet;
    const flow = packet.flow;
    if (flow.last === undefined) flow.first = packet;
    else flow.last.next = packet;
    flow.last = packet;
    this.#account(flow, size);
    while (this.bytes > this.#maxBytes) {
      this.dropFairly();
      this.dropped++;
    }
    return buffer.octets;
  }

  /** Drops the packet whose turn it is. */
  dropFairly(): void {
    this.#drop(this.#victim());
  }

  /** When the oldest packet came. */
  get oldestAtMs(): number {
    return this.#oldest?.atMs ?? 0;
  }

  /** Size of the oldest packet, 0 if there is none. */
  nextSize(): number {
    return this.#oldest?.size ?? 0;
  }

  /** Size of the second oldest packet, 0 if there is none. */
  secondSize(): number {
    return this.#oldest?.newer?.size ?? 0;
  }

  /** The buffer of the oldest packet, which begins at 0. */
  first(): Uint8Array | undefined {
    return this.#oldest?.buffer.octets;
  }

  /** Forgets the oldest packet; its buffer is the caller's, to be given back to the pool. */
  take(): Pooled | undefined {
    const packet = this.#oldest;
    if (packet !== undefined) this.#remove(packet);
    return packet?.buffer;
  }

  /** Copies the oldest packet to `target` at `at` and forgets it. */
  popInto(target: Uint8Array, at: number): number {
    const packet = this.#oldest;
    if (packet === undefined) return 0;
    target.set(packet.buffer.octets.subarray(0, packet.size), at);
    this.#drop(packet);
    return packet.size;
  }

  clear(): void {
    while (this.#oldest !== undefined) this.#drop(this.#oldest);
  }

  #flow(destHash: number, sourceHash: number): Flow {
    let dest = this.#dests.get(destHash);
    if (dest === undefined) {
      dest = { hash: destHash, bytes: 0, flows: new Map() };
      this.#dests.set(destHash, dest);
    }
    let flow = dest.flows.get(sourceHash);
    if (flow === undefined) {
      flow = { hash: sourceHash, dest, bytes: 0, first: undefined, last: undefined };
      dest.flows.set(sourceHash, flow);
    }
    return flow;
  }

  #account(flow: Flow, size: number): void {
    flow.bytes += size;
    flow.dest.bytes += size;
    this.bytes += size;
  }

  #victim(): Packet {
    let dest: Dest | undefined;
    for (const candidate of this.#dests.values()) {
      if (dest === undefined || candidate.bytes > dest.bytes) dest = candidate;
    }
    let flow: Flow | undefined;
    for (const candidate of dest?.flows.values() ?? []) {
      if (flow === undefined || candidate.bytes > flow.bytes) flow = candidate;
    }
    const packet = flow?.first;
    if (packet === undefined) throw new Error('a queue over its cap holds a packet');
    return packet;
  }

  #drop(packet: Packet): void {
    this.#remove(packet);
    this.#pool.give(packet.buffer);
  }

  /** Only ever the oldest of its flow. */
  #remove(packet: Packet): void {
    const flow = packet.flow;
    if (packet.older === undefined) this.#oldest = packet.newer;
    else packet.older.newer = packet.newer;
    if (packet.newer === undefined) this.#newest = packet.older;
    else packet.newer.older = packet.older;
    flow.first = packet.next;
    if (flow.first === undefined) flow.last = undefined;
    this.#account(flow, -packet.size);
    if (flow.first === undefined) flow.dest.flows.delete(flow.hash);
    if (flow.dest.flows.size === 0) this.#dests.delete(flow.dest.hash);
  }
}

type Dest = { readonly hash: number; bytes: number; readonly flows: Map<number, Flow> };

type Flow = {
  readonly hash: number;
  readonly dest: Dest;
  bytes: number;
  first: Packet | undefined;
  last: Packet | undefined;
};

type Packet = {
  readonly buffer: Pooled;
  readonly size: number;
  /** When it came, where that was told. */
  readonly atMs: number;
  readonly flow: Flow;
  older: Packet | undefined;
  newer: Packet | undefined;
  /** The next younger packet of the same flow. */
  next: Packet | undefined;
};
