/**
 * Messages larger than a packet: cut into fragments, kept for a while, and what the other side lacks sent again (link
 * document, section 10).
 */
import { FRAG_HEAD, FRAGMENTS_MAX, LINK_FRAME } from '../../../wire/link-frames.ts';
import { REPAIR_BYTES, REPAIR_SHARE, REPAIRS_PER_FRAGMENT } from '../../limits.ts';
import type { BufferPool, Pooled } from '../../pool.ts';
import type { ClassConstants } from './classes.ts';
import { Rate } from './rate.ts';

/** A message in `buffer.octets[at..at + size)`, in fragments of `share` octets. */
type Cut = {
  readonly buffer: Pooled;
  readonly at: number;
  readonly size: number;
  readonly id: number;
  readonly share: number;
  readonly last: number;
  sentAtMs: number;
  /** By index: how often sent again, and whether asked for now. */
  readonly again: Uint8Array;
  readonly wanted: Uint8Array;
};

const NEVER = Number.POSITIVE_INFINITY;

/** What all links of a node share: the octets they keep. */
export class RepairSpace {
  bytes = 0;
}

export class Fragments {
  readonly #constants: ClassConstants;
  readonly #pool: BufferPool;
  readonly #space: RepairSpace;
  readonly #hasRepair: boolean;
  /** Octets that this link sends, and what of that was repair. */
  readonly #sent: Rate;
  readonly #repaired = new Rate();
  /** Octets of a packet with a fragment, beside its share of the message. */
  readonly #packetHead: number;
  #nextId = 0;
  /** The message being sent, from fragment `#index` on. */
  #current: Cut | undefined;
  #index = 0;
  /** Sent, oldest first. */
  readonly #kept: Cut[] = [];
  #keptBytes = 0;
  /** Repairs that are asked for, oldest first. */
  readonly #repairs: { readonly cut: Cut; readonly index: number }[] = [];

  constructor(
    constants: ClassConstants,
    pool: BufferPool,
    space: RepairSpace,
    hasRepair: boolean,
    sent: Rate,
    overhead: number,
  ) {
    this.#packetHead = FRAG_HEAD + overhead;
    this.#constants = constants;
    this.#pool = pool;
    this.#space = space;
    this.#hasRepair = hasRepair;
    this.#sent = sent;
  }

  /** No message is under way. */
  get isFree(): boolean {
    return this.#current === undefined;
  }

  get hasRepairs(): boolean {
    return this.#repairs.length > 0;
  }

  /** Of the message under way. */
  get bytes(): number {
    return this.#current === undefined ? 0 : this.#current.size - this.#index * this.#current.share;
  }

  /**
   * Takes over a message, to be sent in packets with `room` for a FRAG frame. False: it would need too many fragments,
   * and is not taken.
   */
  begin(buffer: Pooled, at: number, size: number, room: number): boolean {
    const count = Math.ceil(size / (room - FRAG_HEAD));
    if (room <= FRAG_HEAD || count > FRAGMENTS_MAX) return false;
    const share = Math.ceil(size / count);
    // Rounding the share up may have made a fragment superfluous.
    const last = Math.ceil(size / share) - 1;
    this.#current = {
      buffer,
      at,
      size,
      id: this.#nextId,
      share,
      last,
      sentAtMs: NEVER,
      again: new Uint8Array(last + 1),
      wanted: new Uint8Array(last + 1),
    };
    this.#nextId = (this.#nextId + 1) & 0xffff;
    this.#index = 0;
    return true;
  }

  /** Writes one FRAG frame, the last of its packet, of at most `room` octets; repairs first. Returns its size; 0: none fits. */
  write(target: Uint8Array, at: number, room: number, nowMs: number): number {
    if (this.#repairs.length > 0) return this.#writeRepair(target, at, room, nowMs);
    const current = this.#current;
    if (current === undefined) return 0;
    const size = this.#put(current, this.#index, target, at, room);
    if (size === 0) return 0;
    if (this.#index++ === current.last) this.#finish(current, nowMs);
    return size;
  }

  /** What is under way does not fit packets any more. */
  abandon(room: number): boolean {
    const current = this.#current;
    const isTooLarge = current !== undefined && FRAG_HEAD + current.share > room;
    if (isTooLarge) {
      this.#pool.give(current.buffer);
      this.#current = undefined;
    }
    while (FRAG_HEAD + (this.#repairs[0]?.cut.share ?? 0) > room) this.#repairs.shift();
    return isTooLarge;
  }

  /** A FNACK came: bit i of octet j of `buffer[start..)` is set if fragment 8j + i is missing. Returns how many were refused. */
  missing(id: number, last: number, buffer: Uint8Array, start: number, nowMs: number): number {
    this.expire(nowMs);
    const cut = this.#kept.find((kept) => kept.id === id && kept.last === last);
    if (cut === undefined) return 0;
    let allowed = this.#sent.perSecond(nowMs) * REPAIR_SHARE - this.#repaired.perSecond(nowMs);
    for (const { cut: other } of this.#repairs) allowed -= other.share + this.#packetHead;
    let refused = 0;
    for (let index = 0; index <= last; index++) {
      if (((buffer[start + (index >> 3)] as number) & (1 << (index & 7))) === 0) continue;
      if (cut.wanted[index] === 1) continue;
      if ((cut.again[index] as number) >= REPAIRS_PER_FRAGMENT || allowed < cut.share + this.#packetHead) {
        refused++;
        continue;
      }
      cut.again[index] = (cut.again[index] as number) + 1;
      cut.wanted[index] = 1;
      allowed -= cut.share + this.#packetHead;
      this.#repairs.push({ cut, index });
    }
    return refused;
  }

  /** Lets go of what is too old to be asked for. */
  expire(nowMs: number): void {
    const { bytes, ageMs } = this.#constants.repair;
    for (;;) {
      const [oldest] = this.#kept;
      if (oldest === undefined) return;
      const isWithin = this.#keptBytes <= bytes && this.#space.bytes <= REPAIR_BYTES;
      if (isWithin && nowMs < oldest.sentAtMs + ageMs) return;
      this.#kept.shift();
      this.#charge(-oldest.buffer.octets.length);
      this.#drop(oldest);
    }
  }

  get deadlineMs(): number {
    const [oldest] = this.#kept;
    return oldest === undefined ? NEVER : oldest.sentAtMs + this.#constants.repair.ageMs;
  }

  clear(): void {
    for (const cut of this.#kept.splice(0)) this.#drop(cut);
    if (this.#current !== undefined) this.#drop(this.#current);
    this.#current = undefined;
    this.#charge(-this.#keptBytes);
  }

  #writeRepair(target: Uint8Array, at: number, room: number, nowMs: number): number {
    const [repair] = this.#repairs;
    if (repair === undefined) return 0;
    const { cut, index } = repair;
    const size = this.#put(cut, index, target, at, room);
    if (size === 0) return 0;
    this.#repairs.shift();
    cut.wanted[index] = 0;
    this.#repaired.add(cut.share + this.#packetHead, nowMs);
    return size;
  }

  #put(cut: Cut, index: number, target: Uint8Array, at: number, room: number): number {
    const from = index * cut.share;
    const size = Math.min(cut.share, cut.size - from);
    if (FRAG_HEAD + size > room) return 0;
    target[at] = LINK_FRAME.frag;
    target[at + 1] = cut.id >> 8;
    target[at + 2] = cut.id;
    target[at + 3] = index;
    target[at + 4] = cut.last;
    target.set(cut.buffer.octets.subarray(cut.at + from, cut.at + from + size), at + FRAG_HEAD);
    return FRAG_HEAD + size;
  }

  #finish(cut: Cut, nowMs: number): void {
    this.#current = undefined;
    if (!this.#hasRepair) return this.#pool.give(cut.buffer);
    cut.sentAtMs = nowMs;
    this.#kept.push(cut);
    this.#charge(cut.buffer.octets.length);
    this.expire(nowMs);
  }

  #charge(bytes: number): void {
    this.#keptBytes += bytes;
    this.#space.bytes += bytes;
  }

  #drop(cut: Cut): void {
    this.#pool.give(cut.buffer);
    for (let i = this.#repairs.length - 1; i >= 0; i--) if (this.#repairs[i]?.cut === cut) this.#repairs.splice(i, 1);
  }
}
