/**
 * The queue of a link that cannot take more (RFC 8290): packets wait by flow, a flow being what one source sends to one
 * destination. Flows take turns by octets, and one that had nothing waiting goes first, so that sparse flows pass by the
 * bulk. Flows whose packets wait too long lose some (CoDel); when the octets exceed the cap, the largest flow does.
 */
import { Codel, type CodelTimes } from './codel.ts';
import {
  QUEUE_FLOWS,
  QUEUE_PACKET_BYTES,
  QUEUE_PACKETS_MIN,
  QUEUE_QUANTUM_BYTES,
  QUEUE_SPARSE_BYTES,
} from './limits.ts';
import type { BufferPool, Pooled } from './pool.ts';

/** Told of each packet that is lost to the cap, or to its own lateness. */
export type LossWatcher = (why: 'full' | 'late') => void;

/** What one or several queues hold and have lost. `lossAgoMs`: since the last loss; undefined: none yet. */
export type QueueFacts = {
  readonly bytes: number;
  readonly maxBytes: number;
  readonly full: number;
  readonly late: number;
  readonly lossAgoMs: number | undefined;
};

/** Those that share one link, as one. */
export function queueFacts(queues: readonly FairQueue[], nowMs: number): QueueFacts {
  const sum = (of: (queue: FairQueue) => number): number => queues.reduce((total, queue) => total + of(queue), 0);
  const lossAgoMs = nowMs - Math.max(...queues.map((queue) => queue.lostAtMs));
  return {
    bytes: sum((queue) => queue.bytes),
    maxBytes: sum((queue) => queue.maxBytes),
    full: sum((queue) => queue.lostFull),
    late: sum((queue) => queue.lostLate),
    lossAgoMs: Number.isFinite(lossAgoMs) ? lossAgoMs : undefined,
  };
}

export class FairQueue {
  bytes = 0;
  readonly maxBytes: number;
  /** Packets lost to the cap, and to their own lateness; and when the last one was. */
  lostFull = 0;
  lostLate = 0;
  lostAtMs = Number.NEGATIVE_INFINITY;
  readonly #maxPackets: number;
  readonly #pool: BufferPool;
  readonly #lost: LossWatcher;
  readonly #times: CodelTimes | undefined;
  /** By hash; made when first needed. */
  readonly #flows: (Flow | undefined)[] = [];
  /**
   * Flows with their first packets since they were empty, those that began with a small one apart, and the others: each in
   * the order of their turns.
   */
  readonly #sparse = new FlowList();
  readonly #fresh = new FlowList();
  readonly #known = new FlowList();
  /** Whose packet `look` has found. */
  #turn: Flow | undefined;
  #count = 0;
  /** Ends when one of those that always have something has had its turn. */
  #round = 0;
  /** Records of packets that are gone, used again. */
  #spare: Packet | undefined;

  /** @param times without them nothing is ever too late */
  constructor(maxBytes: number, pool: BufferPool, lost: LossWatcher, times?: CodelTimes) {
    this.maxBytes = maxBytes;
    this.#maxPackets = Math.max(QUEUE_PACKETS_MIN, maxBytes / QUEUE_PACKET_BYTES);
    this.#pool = pool;
    this.#lost = lost;
    this.#times = times;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /**
   * A place for a packet of `size` octets, which the caller fills before anything is taken out. `dest` and `source`
   * are hashes of the keys. Drops others, or the packet itself, to keep the cap.
   */
  push(size: number, dest: number, source: number, nowMs: number): Uint8Array {
    const flow = this.#flow(dest, source);
    const buffer = this.#pool.take(size);
    const packet = this.#packet(buffer, size, nowMs);
    if (flow.last === undefined) flow.first = packet;
    else flow.last.next = packet;
    flow.last = packet;
    flow.bytes += size;
    this.bytes += size;
    this.#count++;
    this.#turn = undefined;
    if (!flow.isListed) this.#list(flow, size);
    while (this.bytes > this.maxBytes || this.#count > this.#maxPackets) {
      this.#drop(this.#largest());
      this.lostFull++;
      this.lostAtMs = nowMs;
      this.#lost('full');
    }
    return buffer.octets;
  }

  /** Finds the packet whose turn it is, for those that ask about it and take it. False: there is none. */
  look(nowMs: number): boolean {
    for (;;) {
      const list = this.hasSparse ? this.#sparse : this.#fresh.head !== undefined ? this.#fresh : this.#known;
      const flow = list.head;
      if (flow === undefined) return false;
      if (flow.first !== undefined) this.#shorten(flow, nowMs);
      if (flow.first === undefined) {
        list.shift();
        flow.isListed = false;
      } else if (flow.credit > 0) {
        this.#turn = flow;
        return true;
      } else {
        if (list === this.#known) this.#round = (this.#round + 1) & ROUNDS;
        flow.credit += QUEUE_QUANTUM_BYTES;
        list.shift();
        this.#known.add(flow);
      }
    }
  }

  /** A flow that had nothing waiting has a packet, whose turn it is then. */
  get hasFresh(): boolean {
    return this.hasSparse || this.#fresh.head !== undefined;
  }

  /** The same of one that began with a small packet; or such a flow has just become empty. */
  get hasSparse(): boolean {
    return this.#sparse.head !== undefined;
  }

  /** The flow of the packet that `look` has found: only to be compared. */
  get turn(): object | undefined {
    return this.#turn;
  }

  /** Size of the packet that `look` has found, otherwise 0; likewise below. */
  nextSize(): number {
    return this.#turn?.first?.size ?? 0;
  }

  /** Size of the one that probably comes behind it, 0 if there is none. */
  secondSize(): number {
    const turn = this.#turn;
    if (turn === undefined) return 0;
    const second = turn.first?.next;
    if (second !== undefined) return second.size;
    const other = turn.next ?? (turn === this.#known.head ? undefined : this.#known.head);
    return other?.first?.size ?? 0;
  }

  /** Its buffer; it begins at 0. */
  first(): Uint8Array | undefined {
    return this.#turn?.first?.buffer.octets;
  }

  /** Forgets it; its buffer is the caller's, to be given back to the pool. */
  take(): Pooled | undefined {
    const flow = this.#turn;
    const packet = flow?.first;
    if (flow === undefined || packet === undefined) return undefined;
    this.#turn = undefined;
    flow.credit -= packet.size;
    const { buffer } = packet;
    this.#remove(flow, packet);
    return buffer;
  }

  /** Copies it to `target` at `at` and forgets it; answers its size. */
  popInto(target: Uint8Array, at: number): number {
    const size = this.nextSize();
    const buffer = this.take();
    if (buffer === undefined) return 0;
    target.set(buffer.octets.subarray(0, size), at);
    this.#pool.give(buffer);
    return size;
  }

  clear(): void {
    for (const flow of this.#flows) while (flow?.first !== undefined) this.#drop(flow);
    this.#flows.length = 0;
    this.#sparse.clear();
    this.#fresh.clear();
    this.#known.clear();
    this.#turn = undefined;
    this.#spare = undefined;
  }

  /** In front, unless it has been there for more than a turn's octets in this round. */
  #list(flow: Flow, size: number): void {
    flow.isListed = true;
    if (flow.round !== this.#round) flow.credit = QUEUE_QUANTUM_BYTES;
    flow.round = this.#round;
    if (flow.credit <= 0) this.#known.add(flow);
    else if (size <= QUEUE_SPARSE_BYTES) this.#sparse.add(flow);
    else this.#fresh.add(flow);
  }

  #flow(dest: number, source: number): Flow {
    // Hashes of keys are mixed well already; of two keys each order counts as another flow.
    const index = (dest ^ ((source << 7) | (source >>> 25))) & (QUEUE_FLOWS - 1);
    let flow = this.#flows[index];
    if (flow === undefined) {
      flow = new Flow(this.#times);
      if (this.#flows.length === 0) this.#flows.length = QUEUE_FLOWS;
      this.#flows[index] = flow;
    }
    return flow;
  }

  #packet(buffer: Pooled, size: number, nowMs: number): Packet {
    const packet = this.#spare;
    if (packet === undefined) return { buffer, size, atMs: nowMs, next: undefined };
    this.#spare = packet.next;
    packet.buffer = buffer;
    packet.size = size;
    packet.atMs = nowMs;
    packet.next = undefined;
    return packet;
  }

  #shorten(flow: Flow, nowMs: number): void {
    const { codel } = flow;
    if (codel === undefined) return;
    while (flow.first !== undefined && codel.mustDrop(nowMs - flow.first.atMs, flow.first === flow.last, nowMs)) {
      this.#drop(flow);
      this.lostLate++;
      this.lostAtMs = nowMs;
      this.#lost('late');
    }
  }

  #largest(): Flow {
    let largest: Flow | undefined;
    for (const list of [this.#sparse, this.#fresh, this.#known]) {
      for (let flow = list.head; flow !== undefined; flow = flow.next) {
        if (flow.bytes > (largest?.bytes ?? 0)) largest = flow;
      }
    }
    if (largest === undefined) throw new Error('a queue over its cap holds a packet');
    return largest;
  }

  /** The oldest packet of a flow. */
  #drop(flow: Flow): void {
    const packet = flow.first;
    if (packet === undefined) return;
    this.#pool.give(packet.buffer);
    this.#remove(flow, packet);
  }

  #remove(flow: Flow, packet: Packet): void {
    flow.first = packet.next;
    if (flow.first === undefined) flow.last = undefined;
    flow.bytes -= packet.size;
    this.bytes -= packet.size;
    this.#count--;
    packet.buffer = NONE;
    packet.next = this.#spare;
    this.#spare = packet;
  }
}

class Flow {
  first: Packet | undefined;
  last: Packet | undefined;
  bytes = 0;
  /** Octets that may still leave in this turn; below zero what was borrowed from the next one. */
  credit = 0;
  /** In which it came to the front. */
  round = -1;
  /** It is in a list, although perhaps with nothing in it any more. */
  isListed = false;
  /** Behind it in its list. */
  next: Flow | undefined;
  readonly codel: Codel | undefined;

  constructor(times: CodelTimes | undefined) {
    this.codel = times === undefined ? undefined : new Codel(times);
  }
}

/** First in, first out. */
class FlowList {
  head: Flow | undefined;
  #tail: Flow | undefined;

  add(flow: Flow): void {
    flow.next = undefined;
    if (this.#tail === undefined) this.head = flow;
    else this.#tail.next = flow;
    this.#tail = flow;
  }

  shift(): void {
    this.head = this.head?.next;
    if (this.head === undefined) this.#tail = undefined;
  }

  clear(): void {
    this.head = undefined;
    this.#tail = undefined;
  }
}

type Packet = {
  buffer: Pooled;
  size: number;
  /** When it came. */
  atMs: number;
  /** The next younger packet of the same flow; of one that is gone: another such. */
  next: Packet | undefined;
};

/** Rounds are counted modulo this and one. */
const ROUNDS = 0x3fff_ffff;

const NONE: Pooled = { octets: new Uint8Array(0) };
