/** What a simulated machine does for datagram links: one socket for all its cables, and wishes for links along them. */
import assert from 'node:assert/strict';
import {
  type CoreEvent,
  DATAGRAM_ADDRESS,
  type DatagramBatch,
  type DialId,
  type Input,
  type SocketFacts,
  type SocketId,
} from '../../daemon/core/port.ts';
import type { DatagramCable } from './datagram-cable.ts';
import type { Host } from './host.ts';
import type { Schedule } from './schedule.ts';

const NOTHING = new Uint8Array(0);
const SPOILT = 0xdb;
/** Of all cables but radios, which have no addresses and so a socket each. */
const SOCKET = 0 as SocketId;
const MTU = 1_472;
const REDIAL_MS = 1_000;
const PSK = new Uint8Array(32);
const CABLE_AT = 14;
const PORT_AT = 20;

export class DatagramShell {
  readonly #host: Host;
  readonly #schedule: Schedule;
  readonly #give: (input: Input) => void;
  readonly #dials = new Map<DialId, DatagramCable>();
  readonly #open = new Set<SocketId>();
  #nextDial = 0;
  /** Grows with every boot. */
  #boots = 0;

  constructor(host: Host, schedule: Schedule, give: (input: Input) => void) {
    this.#host = host;
    this.#schedule = schedule;
    this.#give = give;
  }

  stopped(): void {
    this.#boots++;
    this.#open.clear();
    this.#dials.clear();
  }

  dial(cable: DatagramCable): void {
    const socket = this.#socketOf(cable);
    const dial = this.#nextDial++ as DialId;
    this.#dials.set(dial, cable);
    const facts = {
      uri: `sim://${cable.dialler.index}-${cable.acceptor.index}`,
      key: cable.acceptor.key,
      psk: PSK,
      priority: 0,
      cost: undefined,
      isConfigured: true,
      isExemptFromAllowList: false,
      attempts: 0,
    };
    this.#give({ kind: 'dial', dial, socket, address: rowOf(cable), facts });
  }

  arrived(cable: DatagramCable, octets: Uint8Array): void {
    const socket = this.#socketOf(cable);
    const batch: DatagramBatch = {
      buffers: [octets],
      offsets: Int32Array.of(0),
      lengths: Int32Array.of(octets.length),
      addresses: rowOf(cable),
      count: 1,
    };
    this.#give({ kind: 'datagrams', socket, batch });
    octets.fill(SPOILT);
    batch.addresses.fill(SPOILT);
  }

  send(socket: SocketId, { buffers, offsets, lengths, addresses, count }: DatagramBatch): number {
    const cables = this.#host.cables.filter((one): one is DatagramCable => 'number' in one);
    const radio = cables.find((one) => one.number + 1 === socket);
    assert.ok(socket === SOCKET || radio !== undefined);
    for (let i = 0; i < count; i++) {
      const at = offsets[i] as number;
      const row = i * DATAGRAM_ADDRESS + CABLE_AT;
      const number = ((addresses[row] as number) << 8) | (addresses[row + 1] as number);
      const cable = radio ?? cables.find((one) => one.number === number);
      assert.ok(cable, 'the core sends to addresses that it knows');
      cable.send(this.#host, buffers[i]?.slice(at, at + (lengths[i] as number)) ?? NOTHING);
    }
    return count;
  }

  heard(event: CoreEvent): void {
    if (event.kind !== 'dialFailed' && event.kind !== 'datagramLinkDown') return;
    const cable = event.dial === undefined ? undefined : this.#dials.get(event.dial);
    if (event.dial === undefined || cable === undefined) return;
    this.#dials.delete(event.dial);
    const boot = this.#boots;
    const waitMs = event.kind === 'dialFailed' ? REDIAL_MS : event.retryAfterMs;
    this.#schedule.after(waitMs, () => {
      if (boot === this.#boots && this.#host.isUp) this.dial(cable);
    });
  }

  #socketOf(cable: DatagramCable): SocketId {
    const { air, mtu } = cable.weather;
    const socket = air === undefined ? SOCKET : ((cable.number + 1) as SocketId);
    if (this.#open.has(socket)) return socket;
    this.#open.add(socket);
    const uri = `sim://${this.#host.index}`;
    const common = {
      psk: PSK,
      priority: 0,
      cost: undefined,
      isSlow: false,
      uri,
      isExemptFromAllowList: false,
    } as const;
    const facts: SocketFacts =
      air === undefined ? { ...common, carrierClass: 'U', mtu: MTU } : { ...common, carrierClass: 'R', mtu, air };
    this.#give({ kind: 'socketOpened', socket, facts });
    return socket;
  }
}

function rowOf(cable: DatagramCable): Uint8Array {
  const row = new Uint8Array(DATAGRAM_ADDRESS);
  if (cable.weather.air !== undefined) return row;
  row[0] = 0xfd;
  const view = new DataView(row.buffer);
  view.setUint16(CABLE_AT, cable.number);
  view.setUint16(PORT_AT, 9_000);
  return row;
}
