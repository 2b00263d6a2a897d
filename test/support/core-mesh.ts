/** A node with a parent and, if wanted, children, all spoken by hand: the smallest tree in which it routes. */
import { FRAME } from '../../daemon/wire/frame.ts';
import { IPV6_DEST, IPV6_HEADER, IPV6_SOURCE } from '../../daemon/wire/ipv6.ts';
import { type PathLookup, readPathLookup } from '../../daemon/wire/lookup.ts';
import { readTraffic, trafficView } from '../../daemon/wire/traffic.ts';
import { type Identity, identities } from './core.ts';
import { RawPeer } from './core-peer.ts';
import { type Host, World } from './core-world.ts';

/** A filter that has everything. */
export const FULL_FILTER = Uint8Array.from({ length: 32 }, (_, i) => (i < 16 ? 0 : 0xff));
export const EMPTY_FILTER = Uint8Array.from({ length: 32 }, (_, i) => (i < 16 ? 0xff : 0));

const [low, middle, ...rest] = identities(12) as [Identity, Identity, ...Identity[]];
export const root = low;
export const us = middle;
/** Higher keys than ours: for children, and for nodes far away. */
export const others: readonly Identity[] = rest;

export type Sent = { path: number[]; from: number[]; source: Uint8Array; dest: Uint8Array; payload: Uint8Array };

export class Mesh {
  readonly world: World;
  readonly host: Host;
  /** The root: we are its child at port 7, and its filter has everything. */
  readonly parent: RawPeer;

  constructor(changes: Parameters<World['host']>[1] = {}) {
    this.world = new World();
    this.host = this.world.host(us, changes);
    this.parent = RawPeer.up(this.host, root, 7n);
    this.parent.announceSelf();
    this.world.run(2_000);
    this.parent.frame(FRAME.bloomFilter, FULL_FILTER);
    this.parent.take();
  }

  /** A child of ours, whose filter is empty. */
  child(self: Identity): RawPeer {
    const child = RawPeer.up(this.host, self, 1n);
    child.request(1n, 1n);
    child.announce(self, us, { seq: 1n, port: this.portOf(child) });
    this.world.run(2_000);
    child.take();
    return child;
  }

  portOf(peer: RawPeer): bigint {
    return BigInt(this.host.node.links().find(({ link }) => link === peer.link)?.port ?? 0);
  }

  /** From our TUN. */
  send(dest: Uint8Array, size = 100): void {
    this.host.sendPackets(packetTo(this.host.address, dest, size));
  }
}

/** An IPv6 packet of a protocol that nobody answers. */
export function packetTo(source: Uint8Array, dest: Uint8Array, size = 100): Uint8Array {
  const packet = new Uint8Array(size);
  packet.set([0x60, 0, 0, 0, (size - IPV6_HEADER) >> 8, (size - IPV6_HEADER) & 0xff, 59, 64]);
  packet.set(source, IPV6_SOURCE);
  packet.set(dest, IPV6_DEST);
  packet.fill(0xa5, IPV6_HEADER);
  return packet;
}

/** An address inside a subnet. */
export function inSubnet(subnet: Uint8Array): Uint8Array {
  const address = new Uint8Array(16).fill(1);
  address.set(subnet);
  return address;
}

export function lookupsTo(peer: RawPeer): PathLookup[] {
  return peer.take(FRAME.pathLookup).map((body) => {
    const lookup = readPathLookup(body);
    if (lookup === undefined) throw new Error('the node sent a lookup that does not parse');
    return lookup;
  });
}

export function trafficTo(peer: RawPeer): (Sent & { watermark: bigint })[] {
  return peer.take(FRAME.traffic).map((body) => {
    const view = trafficView();
    if (!readTraffic(body, 0, body.length, view)) throw new Error('the node sent traffic that does not parse');
    return {
      path: [...view.path],
      from: [...view.from],
      source: body.slice(view.sourceAt, view.sourceAt + 32),
      dest: body.slice(view.destAt, view.destAt + 32),
      payload: body.slice(view.payloadAt),
      watermark: (BigInt(view.watermarkHigh) << 32n) | BigInt(view.watermarkLow),
    };
  });
}
