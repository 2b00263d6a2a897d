/**
 * Beacons of serial cables and radios (link document, section 14): they leave among the handshakes of their socket, and whom they
 * name is dialled once. On a LAN the shell does it, where beacons have an address of their own.
 */

import { readLinkBeacon } from '../../../wire/link-beacon.ts';
import type { Context } from '../../context.ts';
import { equalOctets } from '../../octetmap.ts';
import { DATAGRAM_ADDRESS, type DialFacts, type DialId, publicKey } from '../../port.ts';
import { frameAirMs } from '../../radio/air-time.ts';
import { BEACON_PACE, type BeaconPace, Beacons, radioPace } from '../beacons.ts';
import type { DatagramSocket } from './socket.ts';

export const BEACON = 0xa4;
const NO_ADDRESS = new Uint8Array(DATAGRAM_ADDRESS);

export type BeaconPorts = {
  send(socket: DatagramSocket, packet: Uint8Array, row: Uint8Array): void;
  dial(id: DialId, socket: DatagramSocket, row: Uint8Array, facts: DialFacts): void;
  isDialling(id: DialId): boolean;
  /** Links that stand on a socket. */
  links(socket: DatagramSocket): number;
  isLinked(socket: DatagramSocket, key: Uint8Array): boolean;
  /** A link that stands gets a new key, or a new link of a peer that has begun anew. */
  renew(socket: DatagramSocket, key: Uint8Array): void;
};

/** Peers on one radio whose beacons are remembered. */
const PEERS_MAX = 64;
/** Part of the interval: who sends two beacons within it has just begun. */
const EARLY = 0.75;

/** Of a peer that is linked: when its last beacon came, and when its link was renewed for that. */
type Peer = { readonly key: Uint8Array; atMs: number; renewedAtMs: number };

type Caller = {
  readonly beacons: Beacons;
  /** Those that are being dialled. */
  readonly dials: Map<DialId, Uint8Array>;
  /** Undefined: always the same. */
  readonly pace: (() => BeaconPace) | undefined;
  readonly peers: Peer[];
};

export class Beaconing {
  readonly #context: Context;
  readonly #ports: BeaconPorts;
  readonly #callers = new Map<DatagramSocket, Caller>();
  /** Below those of the shells. */
  #lastDial = 0;

  constructor(context: Context, ports: BeaconPorts) {
    this.#context = context;
    this.#ports = ports;
  }

  /** Whoever may be met there, and not by an address. */
  opened(socket: DatagramSocket): void {
    const { psk, carrierClass, mtu, air } = socket.facts;
    if (psk === undefined || carrierClass === 'U') return;
    const { key, crypto, nowMs } = this.#context;
    const chance = (): number => new DataView(this.#context.randomOctets(4).buffer).getUint32(0) / 2 ** 32;
    const drawn = chance();
    const frameMs = air === undefined ? 0 : frameAirMs(air, mtu);
    const ofRadio = (): BeaconPace => radioPace(frameMs, this.#ports.links(socket), drawn);
    const pace = carrierClass === 'R' ? ofRadio : undefined;
    const hmac = crypto.hmacSha256;
    const options = { key, psk, rxMtu: mtu, pace: pace?.() ?? BEACON_PACE, isMute: false, hmac, chance };
    this.#callers.set(socket, { beacons: new Beacons(options, nowMs), dials: new Map(), pace, peers: [] });
    this.#context.timers.arm(nowMs);
  }

  closed(socket: DatagramSocket): void {
    this.#callers.delete(socket);
  }

  /** A frame that begins as a beacon does; not kept. */
  received(socket: DatagramSocket, packet: Uint8Array): void {
    const caller = this.#callers.get(socket);
    if (caller === undefined) return;
    const { nowMs, stats, timers } = this.#context;
    this.#settle(socket, caller);
    const isLinked = (key: Uint8Array): boolean => this.#ports.isLinked(socket, key);
    const heard = caller.beacons.heard(packet, NO_ADDRESS, isLinked, nowMs);
    if (heard.kind === 'dropped') stats.drop(`radio ${heard.reason}`);
    else if (heard.kind === 'dial') this.#dial(socket, caller, heard.key);
    else if (heard.kind === 'known') this.#heardPeer(socket, caller, packet);
    timers.arm(caller.beacons.deadline());
  }

  timer(nowMs: number): void {
    for (const [socket, caller] of this.#callers) {
      const { beacons, pace } = caller;
      this.#settle(socket, caller);
      if (nowMs >= beacons.deadline()) {
        if (pace !== undefined) beacons.setPace(pace());
        for (const { packet } of beacons.due(nowMs)) this.#ports.send(socket, packet, NO_ADDRESS);
      }
      this.#context.timers.arm(beacons.deadline());
    }
  }

  /**
   * A radio sends two beacons when it begins, then none for long. So a second one so soon from somebody who is linked already says that
   * the other side has forgotten the link, which would not be noticed before the next try to use it.
   */
  #heardPeer(socket: DatagramSocket, { pace, peers }: Caller, packet: Uint8Array): void {
    const key = readLinkBeacon(packet)?.key;
    if (key === undefined || pace === undefined || !this.#ports.isLinked(socket, key)) return;
    const { nowMs } = this.#context;
    const { every, rest } = pace();
    let peer = peers.find((known) => equalOctets(known.key, key));
    if (peer === undefined) {
      peer = { key: key.slice(), atMs: Number.NEGATIVE_INFINITY, renewedAtMs: Number.NEGATIVE_INFINITY };
      peers.push(peer);
      if (peers.length > PEERS_MAX) peers.shift();
    }
    const isEarly = nowMs - peer.atMs < EARLY * every;
    peer.atMs = nowMs;
    if (!isEarly || nowMs - peer.renewedAtMs < rest) return;
    peer.renewedAtMs = nowMs;
    this.#ports.renew(socket, key);
  }

  /** One attempt: the next beacon may cause another. */
  #dial(socket: DatagramSocket, { dials }: Caller, key: Uint8Array): void {
    const { uri, psk, priority, cost, isExemptFromAllowList } = socket.facts;
    if (psk === undefined) return;
    const id = --this.#lastDial as DialId;
    dials.set(id, key);
    const facts = { uri, key: publicKey(key), psk, priority, cost, isExemptFromAllowList };
    this.#ports.dial(id, socket, NO_ADDRESS, { ...facts, isConfigured: false, attempts: 1 });
  }

  /** What has become of those that were dialled. */
  #settle(socket: DatagramSocket, { beacons, dials }: Caller): void {
    for (const [id, key] of dials) {
      const isLinked = this.#ports.isLinked(socket, key);
      if (!isLinked && this.#ports.isDialling(id)) continue;
      dials.delete(id);
      beacons.ended(key, isLinked);
    }
  }
}
