/** Packets of end-to-end sessions made small before they are sealed, and whole again after they were opened (`wire/README.md`). */
import { COMPRESSED_MAX, NONE, readCompressed } from '../../wire/compressed.ts';
import { Headers, packetSize, readHeaders, writePacket } from '../../wire/headers.ts';
import { APP } from '../../wire/query.ts';
import type { Context } from '../context.ts';
import type { Pooled } from '../pool.ts';
import type { E2eKeys } from './e2e-keys.ts';
import { ContextSpace, FlowsIn, FlowsOut } from './flows.ts';

/** Of one pair of keys. */
export type KeyFlows = { readonly out: FlowsOut; readonly in: FlowsIn };

export class Compression {
  /** After `expand`: the application packet is the first `size` octets; its taker gives it back to the pool. */
  packet: Pooled | undefined;
  size = 0;
  readonly #context: Context;
  readonly #space = new ContextSpace();
  readonly #headers = new Headers();
  readonly #said = { makes: NONE, uses: NONE, got: NONE };
  readonly #head = new Uint8Array(COMPRESSED_MAX);

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Shortens the application packet `buffer[at..end)` in place: it ends where it did, and begins where the answer says. It
   * leaves in the next record under these keys.
   */
  compress(keys: E2eKeys, buffer: Uint8Array, at: number, end: number): number {
    if (buffer[at] !== APP.ipv6) return at;
    const flows = this.#flowsOf(keys);
    const headers = this.#headers;
    if (!readHeaders(buffer, at + 1, end, flows.out.ends, headers)) return at;
    const { nowMs, stats } = this.#context;
    const got = flows.in.takeOwed();
    const size = flows.out.write(headers, buffer, keys.sealed, nowMs, keys.peer.rttMs, got, this.#head);
    // Always later than `at`: the IPv6 header alone is longer than what the longest form adds to the rest.
    const start = headers.dataAt - size;
    buffer.set(this.#head.subarray(0, size), start);
    stats.count('packetsCompressed');
    return start;
  }

  /** Makes `packet` of the content `buffer[at..end)`. False: it is none, which is counted. */
  expand(keys: E2eKeys, buffer: Uint8Array, at: number, end: number): boolean {
    const flows = this.#flowsOf(keys);
    const { stats, pool } = this.#context;
    const headers = this.#headers;
    const said = this.#said;
    const fault = readCompressed(buffer, at, end, flows.in, headers, said);
    const size = fault === undefined ? packetSize(headers, end - headers.dataAt) : 0;
    if (size === 0) {
      stats.drop(fault === 'context unknown' ? 'e2e context unknown' : 'e2e packet malformed');
      return false;
    }
    this.packet = pool.take(1 + size);
    this.size = 1 + size;
    this.packet.octets[0] = APP.ipv6;
    writePacket(headers, buffer, end, flows.in.ends, this.packet.octets, 1);
    flows.in.received(headers, said);
    if (said.got !== NONE) flows.out.acknowledged(said.got);
    return true;
  }

  #flowsOf(keys: E2eKeys): KeyFlows {
    if (keys.flows !== undefined) return keys.flows;
    const { address, subnet } = this.#context;
    const { peer } = keys;
    const out = { source: address, sourceSubnet: subnet, dest: peer.address, destSubnet: peer.subnet };
    const back = { source: peer.address, sourceSubnet: peer.subnet, dest: address, destSubnet: subnet };
    keys.flows = { out: new FlowsOut(out), in: new FlowsIn(back, this.#space) };
    return keys.flows;
  }
}
