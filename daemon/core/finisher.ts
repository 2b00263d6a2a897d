/** Packets that our kernel left unfinished, for those who take only whole ones: checksums completed, super-packets cut. */
import { completeChecksum, type Segments, segmentCount } from '../wire/segments.ts';
import { KIND, VIRTIO_HEADER } from '../wire/super-packet.ts';
import type { Context } from './context.ts';
import { SEGMENT_ARENA_BYTES, SEGMENT_ROWS } from './limits.ts';
import { type Cutter, PACKET_HEADROOM, type PublicKey } from './port.ts';

/** Up to here a sum made in TypeScript is cheaper than a call into the addon. */
const SHORT_BYTES = 128;

export type FinisherUser = {
  /** A whole packet, which stays until `settle`. */
  send(key: PublicKey | undefined, buffer: Uint8Array, at: number, length: number): void;
  /** Everything handed over must be used up now. */
  settle(): void;
};

export class Finisher {
  readonly #context: Context;
  readonly #user: FinisherUser;
  /** Made when it is first needed: a node whose peers all take super-packets cuts none. */
  #segments: Segments | undefined;

  constructor(context: Context, user: FinisherUser) {
    this.#context = context;
    this.#user = user;
  }

  /** All that was handed over before has been used up. */
  begin(): void {
    if (this.#segments === undefined) return;
    this.#segments.count = 0;
    this.#segments.used = 0;
  }

  /** `buffer[at..end)` begins with the virtio header; `key` is passed on. */
  send(cutter: Cutter, key: PublicKey | undefined, buffer: Uint8Array, at: number, end: number): void {
    if (buffer[at + 1] !== KIND.single) return this.#cut(cutter, key, buffer, at, end);
    const length = end - at - VIRTIO_HEADER;
    const isDone = length <= SHORT_BYTES ? completeChecksum(buffer, at, end) : cutter.complete(buffer, at, end);
    if (isDone) this.#user.send(key, buffer, at + VIRTIO_HEADER, length);
    else this.#context.stats.drop('packet malformed');
  }

  #cut(cutter: Cutter, key: PublicKey | undefined, buffer: Uint8Array, at: number, end: number): void {
    this.#segments ??= newSegments();
    const segments = this.#segments;
    const total = segmentCount(buffer, at, end);
    if (total === 0) return this.#context.stats.drop('packet malformed');
    for (let first = 0; first < total; ) {
      const before = segments.count;
      const cut = cutter.cut(buffer, at, end, first, PACKET_HEADROOM, segments);
      // None fits even where nothing else is: there is no end of trying.
      if (cut < 0 || (cut === 0 && before === 0)) return this.#context.stats.drop('packet malformed');
      first += cut;
      for (let i = before; i < segments.count; i++) {
        this.#user.send(key, segments.arena, segments.offsets[i] as number, segments.lengths[i] as number);
      }
      if (first === total) return;
      this.#user.settle();
      this.begin();
    }
  }
}

function newSegments(): Segments {
  return {
    arena: new Uint8Array(SEGMENT_ARENA_BYTES),
    offsets: new Int32Array(SEGMENT_ROWS),
    lengths: new Int32Array(SEGMENT_ROWS),
    used: 0,
    count: 0,
  };
}
