/**
 * Routing headers that need not be said again: Traffic whose head the other side of a link knows goes with one octet in
 * its place (`wire/README.md`, short routing headers). Of one link, and forgotten with it.
 *
 *     free ──whole message leaves──▶ named ──one of them has arrived──▶ known ──unknown over there──▶ named
 *       ◀──────────── not used for a while, and another flow wants the number ────────────
 */
import { FRAME } from '../../../wire/frame.ts';
import { FLOW_HEAD_MAX, flowOf, isShort, isShortOf, LINK_FLOWS, namesFlow } from '../../../wire/short-traffic.ts';
import { readTraffic, trafficView } from '../../../wire/traffic.ts';
import { equalAt } from '../../octetmap.ts';
import type { BufferPool, Pooled } from '../../pool.ts';

type Flow = { readonly head: Uint8Array; isKnown: boolean; usedMs: number };

/** Of messages that leave. */
export class ShortHeadersOut {
  readonly #quietMs: number;
  readonly #flows: Flow[] = [];
  readonly #view = trafficView();

  /** @param quietMs longer than anything that leaves may be under way: then a number may mean another flow */
  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /**
   * The message `buffer[at..end)`, type first, as it leaves: a copy. `isWhole`: it leaves in one piece, so that
   * `arrived` can be told of it.
   */
  shorten(buffer: Uint8Array, at: number, end: number, isWhole: boolean, nowMs: number): Uint8Array {
    const view = this.#view;
    if (buffer[at] !== FRAME.traffic || !readTraffic(buffer, at + 1, end, view)) return buffer.slice(at, end);
    const number = this.#numberOf(buffer, at + 1, view.payloadAt, isWhole, nowMs);
    const flow = this.#flows[number];
    if (flow === undefined) return buffer.slice(at, end);
    flow.usedMs = nowMs;
    const message = buffer.slice(flow.isKnown ? view.payloadAt - 1 : at, end);
    if (flow.isKnown) message[0] = isShortOf(number);
    else if (isWhole) message[0] = namesFlow(number);
    return message;
  }

  /** The other side has a message that `shorten` gave. */
  arrived(message: Uint8Array): void {
    const type = message[0] as number;
    const flow = this.#flows[flowOf(type)];
    if (flow !== undefined && !isShort(type)) flow.isKnown = true;
  }

  /** The other side does not know this flow. */
  unknown(number: number): void {
    const flow = this.#flows[number];
    if (flow !== undefined) flow.isKnown = false;
  }

  /** -1: it has none, and gets none. */
  #numberOf(buffer: Uint8Array, at: number, payloadAt: number, mayBegin: boolean, nowMs: number): number {
    const size = payloadAt - at;
    const found = this.#flows.findIndex(({ head }) => head.length === size && equalAt(head, buffer, at, size));
    if (found >= 0 || !mayBegin || size > FLOW_HEAD_MAX) return found;
    const number = this.#free(nowMs);
    if (number >= 0) this.#flows[number] = { head: buffer.slice(at, payloadAt), isKnown: false, usedMs: nowMs };
    return number;
  }

  #free(nowMs: number): number {
    if (this.#flows.length < LINK_FLOWS) return this.#flows.length;
    let oldest = 0;
    for (let i = 1; i < LINK_FLOWS; i++) {
      if ((this.#flows[i] as Flow).usedMs < (this.#flows[oldest] as Flow).usedMs) oldest = i;
    }
    return nowMs - (this.#flows[oldest] as Flow).usedMs >= this.#quietMs ? oldest : -1;
  }
}

/** Of messages that come. */
export class ShortHeadersIn {
  /** After `expand`: Traffic, type first. What is `pooled` goes back to the pool. */
  buffer: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  pooled: Pooled | undefined;
  readonly #pool: BufferPool;
  readonly #heads: (Uint8Array | undefined)[] = [];
  readonly #unknown = new Set<number>();
  readonly #view = trafficView();

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** For a message `buffer[start..end)` of a type with a flow. False: the flow is unknown, of which the other side is to hear. */
  expand(buffer: Uint8Array, start: number, end: number): boolean {
    const type = buffer[start] as number;
    const number = flowOf(type);
    this.pooled = undefined;
    if (!isShort(type)) {
      this.#learn(number, buffer, start + 1, end);
      buffer[start] = FRAME.traffic;
      this.#show(buffer, start, end);
      return true;
    }
    const head = this.#heads[number];
    if (head === undefined) {
      this.#unknown.add(number);
      return false;
    }
    const size = head.length + end - start;
    this.pooled = this.#pool.take(size);
    const { octets } = this.pooled;
    octets[0] = FRAME.traffic;
    octets.set(head, 1);
    octets.set(buffer.subarray(start + 1, end), 1 + head.length);
    this.#show(octets, 0, size);
    return true;
  }

  get hasUnknown(): boolean {
    return this.#unknown.size > 0;
  }

  /** The flows of which the other side is to hear, at most `count`; they count as told. */
  takeUnknown(count: number): Uint8Array {
    const numbers = [...this.#unknown].slice(0, Math.max(0, count));
    for (const number of numbers) this.#unknown.delete(number);
    return Uint8Array.from(numbers);
  }

  #learn(number: number, buffer: Uint8Array, at: number, end: number): void {
    const view = this.#view;
    if (!readTraffic(buffer, at, end, view)) return;
    const size = view.payloadAt - at;
    if (size > FLOW_HEAD_MAX) return;
    const known = this.#heads[number];
    if (known?.length === size && equalAt(known, buffer, at, size)) return;
    this.#heads[number] = buffer.slice(at, view.payloadAt);
  }

  #show(buffer: Uint8Array, start: number, end: number): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
  }
}
