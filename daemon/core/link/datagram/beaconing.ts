/**
 * Beacons of serial cables and radios (link document, section 14): they leave among the handshakes of their socket, and whom they
 * name is dialled once. On a LAN the shell does it, where beacons have an address of their own.
 */
import type { Context } from '../../context.ts';
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
};

type Caller = {
  readonly beacons: Beacons;
  /** Those that are being dialled. */
  readonly dials: Map<DialId, Uint8Array>;
  /** Undefined: always the same. */
  readonly pace: (() => BeaconPace) | undefined;
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
    this.#callers.set(socket, { beacons: new Beacons(options, nowMs), dials: new Map(), pace });
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
