/** Discovery on the LAN, with everything it needs of the node: how neighbours that are found become links. */
import { randomInt } from 'node:crypto';
import { loadAddon } from '../native-bindings/addon.ts';
import { BEACON_PACE, Beacons } from './core/link/beacons.ts';
import type { Node } from './core/node.ts';
import { equalOctets } from './core/octetmap.ts';
import type { Crypto } from './core/port.ts';
import type { Driver } from './driver.ts';
import { BeaconSocket } from './links/beacon-socket.ts';
import { Discovery } from './links/discovery.ts';
import { linkLocalInterfaces } from './links/interfaces.ts';
import { pskOf } from './links/psk.ts';
import type { Links } from './links/registry.ts';
import type { DiscoveryUser } from './links/station.ts';
import { openUdp } from './links/udp.ts';
import { NO_OPTIONS } from './links/uri.ts';
import { NeighbourSockets, type NeighbourUser } from './neighbour-sockets.ts';
import type { Peering, Report } from './peering.ts';

export type Neighbourhood = {
  readonly discovery: Discovery;
  /** Beacons that led to nothing, by reason. */
  drops(): Record<string, number>;
};

type Around = {
  readonly key: Uint8Array;
  readonly crypto: Crypto;
  readonly node: Node;
  readonly driver: Driver;
  readonly links: Links;
  readonly peering: Peering;
  readonly report: Report;
};

export function openNeighbourhood(around: Around): Neighbourhood {
  const drops: Record<string, number> = {};
  const neighbours = datagramUser(around, (reason) => {
    const name = `udp ${reason}`;
    drops[name] = (drops[name] ?? 0) + 1;
  });
  const discovery = new Discovery(streamUser(around, neighbours), linkLocalInterfaces);
  return { discovery, drops: () => ({ ...discovery.dropped, ...drops }) };
}

function streamUser({ key, crypto, driver, links, peering, report }: Around, neighbours: NeighbourUser): DiscoveryUser {
  return {
    key,
    scheme: 'tls',
    links,
    hash: (password, data) => crypto.blake2b512(password, data),
    dialled: (carrier, watcher) => driver.attach(carrier, watcher),
    accepted: (carrier, down) => peering.accept(carrier, down),
    end: (link) => driver.detach(link),
    report,
    openSocket: (options, events) => new BeaconSocket(options, events),
    beside: (place) => new NeighbourSockets(place, neighbours),
  };
}

function datagramUser({ key, crypto, node, driver, report }: Around, drop: (reason: string) => void): NeighbourUser {
  const addon = loadAddon();
  return {
    datagrams: driver.datagrams,
    psk: (password) => pskOf({ ...NO_OPTIONS, password }),
    openCarrier: ({ name, address, rule }, psk) => {
      const { port, priority } = rule;
      const host = `${address}%${name}`;
      return openUdp({ family: 'ipv6', host, port, device: '', psk, priority, cost: undefined, isSlow: false }, addon);
    },
    openGroup: (options, events) => new BeaconSocket(options, events),
    beacons: (psk, rxMtu, isMute) => {
      const hmac = crypto.hmacSha256;
      return new Beacons({ key, psk, rxMtu, pace: BEACON_PACE, isMute, hmac, chance }, performance.now());
    },
    isLinked: (other) =>
      node.links().some((link) => link.isDiscovered && isDatagram(link.uri) && equalOctets(link.key ?? NOTHING, other)),
    drop,
    report,
  };
}

function chance(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

function isDatagram(uri: string): boolean {
  return uri.startsWith('udp:');
}

const NOTHING = new Uint8Array(0);
