import assert from 'node:assert/strict';
import type { NodeOptions } from '../../daemon/core/port.ts';
import { identity } from './core.ts';
import { addressRowOf, type DatagramHost, DatagramWorld } from './datagram-world.ts';
import { LinkStranger, PING, record } from './link-stranger.ts';

/** A listening node, and what it sent last. */
export class LinkTarget {
  readonly world = new DatagramWorld();
  readonly host: DatagramHost;
  last: Uint8Array | undefined;
  sent = 0;

  constructor(changes: Partial<NodeOptions> = {}) {
    this.host = this.world.host(identity(0), changes);
    this.host.open();
    this.world.watch = ({ octets }) => {
      this.last = octets;
      this.sent++;
      return false;
    };
  }

  get links(): number {
    return this.host.node.links().length;
  }

  /** Pauses that keep a stranger within every rate; then the INIT. True if it was answered. */
  init(stranger: LinkStranger, row: Uint8Array, changes = {}): boolean {
    this.world.run(12);
    const before = this.sent;
    this.#attempt = stranger.init(changes);
    this.host.receive(row, this.#attempt.packet);
    return this.sent > before && this.last?.[0] === 0xa2;
  }

  /** INIT and the first record under its key. */
  join(stranger: LinkStranger, row: Uint8Array, changes = {}): boolean {
    if (!this.init(stranger, row, changes)) return false;
    const session = stranger.read(this.#attempt as ReturnType<LinkStranger['init']>, this.last as Uint8Array);
    assert.ok(session);
    const before = this.links;
    this.host.receive(row, record(session, 0, PING));
    return this.links > before;
  }

  stranger(number: number): LinkStranger {
    return new LinkStranger(identity(100 + number), this.host.key, undefined, number);
  }

  #attempt: ReturnType<LinkStranger['init']> | undefined;
}

/** 10.0.x.y. */
export function rowOf(number: number): Uint8Array {
  const row = addressRowOf(0, 4_000);
  row.set([10, 0, number >> 8, number & 0xff], 12);
  return row;
}
