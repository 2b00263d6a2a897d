/**
 * Sees everything that crosses a wire or reaches a host: hashes it, so that two runs can be compared, and checks what
 * must hold for every frame.
 */
import assert from 'node:assert/strict';
import { createHash, type Hash } from 'node:crypto';
import { equalAt } from '../../daemon/core/octetmap.ts';
import { joinHalves } from '../../daemon/wire/cursor.ts';
import { FRAME, readFrameHead } from '../../daemon/wire/frame.ts';
import { GREETING_HEADER, greetingSize } from '../../daemon/wire/greeting.ts';
import { readTraffic, trafficView } from '../../daemon/wire/traffic.ts';
import type { End } from './cable.ts';

/** A Traffic packet is known by the first octets of its payload: an ephemeral key, or a box. */
const NAME_OCTETS = 48;
const FORGET_AFTER_MS = 30_000;

/** A packet on its way. Its source may send it once more when it was lost, and the first may be late, not lost. */
type Copy = { watermark: bigint; sends: number };

export class Observer {
  frames = 0;
  readonly framesOfType: number[] = Array.from({ length: 10 }, () => 0);
  /** The largest number of links that any packet crossed. */
  longestWay = 0;
  /** Some links are not read here: a packet that has crossed one may come anew. */
  isPartlySealed = false;
  readonly #hash: Hash = createHash('sha256');
  readonly #isGreeted = new WeakMap<End, boolean>();
  #packets = new Map<string, Copy[]>();
  #previousPackets = new Map<string, Copy[]>();
  #turnAtMs = FORGET_AFTER_MS;
  readonly #view = trafficView();
  readonly #hopsMax: number;

  constructor(hosts: number) {
    this.#hopsMax = 2 * hosts;
  }

  note(what: string, atMs: number, host: number, octets: Uint8Array): void {
    this.#hash.update(`${what} ${atMs} ${host} ${octets.length}\n`);
    this.#hash.update(octets);
  }

  /** Of everything so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  streamOpened(end: End): void {
    this.#isGreeted.set(end, false);
  }

  sent(from: End, octets: Uint8Array, atMs: number): void {
    this.note('send', atMs, from.host.index, octets);
    let at = 0;
    if (this.#isGreeted.get(from) === false) {
      this.#isGreeted.set(from, true);
      const size = greetingSize(octets.subarray(0, GREETING_HEADER));
      assert.ok(size !== undefined && size <= octets.length, 'a stream begins with a greeting');
      at = size;
    }
    const head = { prefix: 0, length: 0 };
    while (at < octets.length) {
      assert.equal(readFrameHead(octets, at, octets.length, head), 'complete', 'writes carry whole frames');
      at += head.prefix;
      assert.ok(at + head.length <= octets.length, 'writes carry whole frames');
      this.#frame(from, octets[at] as number, octets, at + 1, at + head.length, atMs);
      at += head.length;
    }
  }

  #frame(from: End, type: number, octets: Uint8Array, start: number, end: number, atMs: number): void {
    this.frames++;
    assert.ok(type >= FRAME.keepAlive && type <= FRAME.traffic, `nobody sends frames of type ${type}`);
    this.framesOfType[type] = (this.framesOfType[type] as number) + 1;
    if (type === FRAME.traffic) this.#traffic(from, octets, start, end, atMs);
  }

  #traffic(from: End, octets: Uint8Array, start: number, end: number, atMs: number): void {
    const view = this.#view;
    assert.ok(readTraffic(octets, start, end, view), 'Traffic is well formed');
    const watermark = joinHalves(view.watermarkHigh, view.watermarkLow);
    const nameEnd = Math.min(view.payloadAt + NAME_OCTETS, view.end);
    const name = Buffer.from(octets.buffer, octets.byteOffset + view.payloadAt, nameEnd - view.payloadAt).toString(
      'latin1',
    );
    this.#forget(atMs);
    const copies = this.#packets.get(name) ?? this.#previousPackets.get(name) ?? [];
    this.#packets.set(name, copies);
    // Nothing may be known of what waited in a broken cable for a minute.
    const isNew = copies.length === 0 || equalAt(from.host.key, octets, view.sourceAt, 32);
    if (isNew) copies.push({ watermark, sends: 1 });
    else this.#forwarded(copies, watermark);
  }

  #forwarded(copies: Copy[], watermark: bigint): void {
    const higher = copies.filter((copy) => copy.watermark > watermark);
    if (higher.length === 0 && this.isPartlySealed) return void copies.push({ watermark, sends: 1 });
    assert.ok(higher.length > 0, 'the watermark falls on every link');
    const copy = higher.reduce((a, b) => (a.watermark < b.watermark ? a : b));
    copy.watermark = watermark;
    copy.sends++;
    assert.ok(copy.sends <= this.#hopsMax, `no packet crosses more than ${this.#hopsMax} links`);
    this.longestWay = Math.max(this.longestWay, copy.sends);
  }

  #forget(atMs: number): void {
    if (atMs < this.#turnAtMs) return;
    this.#turnAtMs = atMs + FORGET_AFTER_MS;
    this.#previousPackets = this.#packets;
    this.#packets = new Map();
  }
}
