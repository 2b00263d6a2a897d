/**
 * What leaves on one stream. Control frames go first and are never dropped; packets are laid into a staging buffer
 * while the system takes everything, and into the fair queue while it does not.
 */
import { CONTROL_BACKLOG_BYTES, STAGING_BYTES, STAGING_BYTES_MIN, STREAM_CODEL } from '../limits.ts';
import type { BufferPool } from '../pool.ts';
import type { LinkId, Sink } from '../port.ts';
import { FairQueue, type LossWatcher } from '../queue.ts';

export class Egress {
  readonly queue: FairQueue;
  bytesSent = 0;
  target: Uint8Array = NOTHING;
  targetAt = 0;
  #control: Uint8Array[] = [];
  #controlBytes = 0;
  #staging: Uint8Array = NOTHING;
  #staged = 0;
  /** The second buffer, while the system holds the first. */
  #spare: Uint8Array = NOTHING;
  #isBusy = false;
  /** What the system holds and has not taken. */
  #held = 0;
  /** What the next write may hold. */
  #room = STAGING_BYTES;

  constructor(queueMaxBytes: number, pool: BufferPool, lost: LossWatcher) {
    this.queue = new FairQueue(queueMaxBytes, pool, lost, STREAM_CODEL);
  }

  get isIdle(): boolean {
    return !this.#isBusy && this.#control.length === 0 && this.#staged === 0 && this.queue.isEmpty;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  get queuedBytes(): number {
    return this.#held + this.#staged + this.queue.bytes;
  }

  /** False when the backlog is full: the peer is too slow. */
  pushControl(frame: Uint8Array): boolean {
    if (this.#controlBytes + frame.length > CONTROL_BACKLOG_BYTES) return false;
    this.#control.push(frame);
    this.#controlBytes += frame.length;
    return true;
  }

  reserve(size: number, dest: number, source: number, nowMs: number): void {
    if (this.#isBusy || !this.queue.isEmpty || !this.#fits(size)) {
      this.target = this.queue.push(size, dest, source, nowMs);
      this.targetAt = 0;
      return;
    }
    if (this.#staging.length === 0) this.#staging = new Uint8Array(STAGING_BYTES);
    this.target = this.#staging;
    this.targetAt = this.#staged;
    this.#staged += size;
  }

  /** The system has taken what `write` refused to take at once. */
  writable(): void {
    this.#isBusy = false;
    this.#held = 0;
  }

  drain(link: LinkId, sink: Pick<Sink, 'write'>, nowMs: number): void {
    while (!this.#isBusy) {
      if (this.#control.length > 0) {
        const octets = this.#takeControl();
        this.bytesSent += octets.length;
        this.#isBusy = !sink.write(link, octets);
        if (this.#isBusy) this.#held = octets.length;
        continue;
      }
      if (this.#staged === 0) this.#refill(nowMs);
      if (this.#staged === 0) return;
      const octets = this.#staging.subarray(0, this.#staged);
      this.bytesSent += this.#staged;
      this.#staged = 0;
      if (sink.write(link, octets)) {
        this.#room = Math.min(2 * this.#room, STAGING_BYTES);
        continue;
      }
      this.#isBusy = true;
      this.#held = octets.length;
      this.#room = Math.max(this.#room >> 1, STAGING_BYTES_MIN);
      const held = this.#staging;
      this.#staging = this.#spare;
      this.#spare = held;
    }
  }

  clear(): void {
    this.#control = [];
    this.#staged = 0;
    this.queue.clear();
  }

  #takeControl(): Uint8Array {
    const [first] = this.#control;
    let octets = first ?? NOTHING;
    if (this.#control.length > 1) {
      octets = new Uint8Array(this.#controlBytes);
      let at = 0;
      for (const frame of this.#control) {
        octets.set(frame, at);
        at += frame.length;
      }
    }
    this.#control = [];
    this.#controlBytes = 0;
    return octets;
  }

  /** One frame may always go, whatever its size. */
  #fits(size: number): boolean {
    return this.#staged + size <= (this.#staged === 0 ? STAGING_BYTES : this.#room);
  }

  #refill(nowMs: number): void {
    if (this.queue.isEmpty) return;
    if (this.#staging.length === 0) this.#staging = new Uint8Array(STAGING_BYTES);
    while (this.queue.look(nowMs) && this.#fits(this.queue.nextSize())) {
      this.#staged += this.queue.popInto(this.#staging, this.#staged);
    }
  }
}

const NOTHING = new Uint8Array(0);
