/**
 * Datagram links between neighbours on one interface (link document, section 14): a socket that links run over and beacons
 * leave from, and one that hears those of others. Who is told and who is dialled when, `core/link/beacons.ts` says.
 */
import type { BeaconOut, Beacons } from './core/link/beacons.ts';
import { addressText } from './core/link/datagram/addresses.ts';
import { DATAGRAM_ADDRESS, type DatagramBatch, type DialFacts, publicKey, type SocketId } from './core/port.ts';
import type { Datagrams } from './datagrams.ts';
import type { BeaconSocket, BeaconSocketEvents, BeaconSocketOptions } from './links/beacon-socket.ts';
import type { DatagramCarrier, DatagramEvents } from './links/datagram.ts';
import { isLinkLocal, type Place } from './links/interfaces.ts';
import type { Beside } from './links/station.ts';
import { udpAddress } from './links/udp-address.ts';

const GROUP = 'ff02::5254';
const GROUP_PORT = 0x5254;
const BEACON = 0xa4;
/** Where a row has the index of the interface. */
const INDEX_AT = 16;
const RETRY_MS = 5_000;

/** What these sockets need of the node around them. */
export type NeighbourUser = {
  readonly datagrams: Pick<Datagrams, 'open' | 'close' | 'dial' | 'cancel'>;
  psk(password: Uint8Array): Promise<Uint8Array>;
  openCarrier(place: Place, psk: Uint8Array): Promise<DatagramCarrier>;
  openGroup(options: BeaconSocketOptions, events: BeaconSocketEvents): Pick<BeaconSocket, 'close'>;
  beacons(psk: Uint8Array, rxMtu: number, isMute: boolean): Beacons;
  /** By a datagram link of discovery. */
  isLinked(key: Uint8Array): boolean;
  drop(reason: string): void;
  report(level: 'debug' | 'warn', message: string): void;
};

type Open = {
  readonly carrier: DatagramCarrier;
  readonly socket: SocketId;
  readonly psk: Uint8Array;
  readonly beacons: Beacons;
};

export class NeighbourSockets implements Beside {
  readonly #place: Place;
  readonly #user: NeighbourUser;
  #open: Open | undefined;
  #group: Pick<BeaconSocket, 'close'> | undefined;
  #isOpening = false;
  #retryAtMs = 0;
  #hasComplained = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(place: Place, user: NeighbourUser) {
    this.#place = place;
    this.#user = user;
  }

  /** Opens what is missing. */
  look(): void {
    const nowMs = performance.now();
    if (this.#isOpening || this.#isClosed || nowMs < this.#retryAtMs) return;
    if (this.#open === undefined) void this.#openCarrier();
    else if (this.#place.rule.listen && this.#group === undefined) this.#openGroup();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#group?.close();
    if (this.#open !== undefined) this.#user.datagrams.close(this.#open.socket, 'the interface is gone');
    this.#open = undefined;
  }

  async #openCarrier(): Promise<void> {
    this.#isOpening = true;
    try {
      const psk = await this.#user.psk(this.#place.rule.password);
      const carrier = await this.#user.openCarrier(this.#place, psk);
      if (this.#isClosed) return carrier.close();
      const beacons = this.#user.beacons(psk, carrier.facts.mtu, !this.#place.rule.beacon);
      const socket = this.#user.datagrams.open(this.#withoutBeacons(carrier), (reason) => {
        this.#open = undefined;
        this.#failed(reason);
      });
      this.#open = { carrier, socket, psk, beacons };
      if (this.#place.rule.listen) this.#openGroup();
      this.#send();
    } catch (error) {
      this.#failed(error instanceof Error ? error.message : String(error));
    } finally {
      this.#isOpening = false;
    }
  }

  #openGroup(): void {
    const { name } = this.#place;
    this.#group = this.#user.openGroup(
      { address: `${GROUP}%${name}`, port: GROUP_PORT, group: GROUP },
      {
        works: () => {},
        heard: (datagram, from, port) => this.#heardFrom(datagram, from, port),
        failed: (error) => {
          this.#group = undefined;
          this.#failed(error.message);
        },
      },
    );
  }

  /** An address that is new is no more than promised: the first failure is not told. */
  #failed(reason: string): void {
    const isFirst = this.#retryAtMs === 0;
    this.#retryAtMs = performance.now() + (isFirst ? 1 : RETRY_MS);
    if (isFirst || this.#hasComplained || this.#isClosed) return;
    this.#hasComplained = true;
    this.#user.report('warn', `MulticastInterfaces: no datagram links on ${this.#place.name}: ${reason}`);
  }

  /** The core never sees beacons: they are taken out as datagrams of no octets. */
  #withoutBeacons(carrier: DatagramCarrier): DatagramCarrier {
    const filtered = (events: DatagramEvents): DatagramEvents => ({
      ...events,
      datagrams: (batch) => {
        for (let i = 0; i < batch.count; i++) this.#takeBeacon(batch, i);
        events.datagrams(batch);
      },
    });
    return {
      facts: { ...carrier.facts, isExemptFromAllowList: true },
      start: (events) => carrier.start(filtered(events)),
      hasRoom: () => carrier.hasRoom?.() ?? true,
      send: (batch) => carrier.send(batch),
      close: () => carrier.close(),
    };
  }

  #takeBeacon({ buffers, offsets, lengths, addresses }: DatagramBatch, i: number): void {
    const [buffer, at, length] = [buffers[i] as Uint8Array, offsets[i] as number, lengths[i] as number];
    if (length === 0 || buffer[at] !== BEACON) return;
    lengths[i] = 0;
    const row = addresses.slice(i * DATAGRAM_ADDRESS, (i + 1) * DATAGRAM_ADDRESS);
    if (row[0] !== 0xfe || ((row[1] ?? 0) & 0xc0) !== 0x80) return this.#user.drop('beacon source not link-local');
    this.#heard(buffer.subarray(at, at + length), row);
  }

  #heardFrom(datagram: Uint8Array, from: string, port: number): void {
    if (!isLinkLocal(from)) return this.#user.drop('beacon source not link-local');
    const row = udpAddress(from, port);
    if (row === undefined || !from.endsWith(`%${this.#place.name}`))
      return this.#user.drop('beacon of another interface');
    this.#heard(datagram, row);
  }

  #heard(datagram: Uint8Array, row: Uint8Array): void {
    const { beacons } = this.#open ?? {};
    if (beacons === undefined) return;
    const heard = beacons.heard(datagram, row, (key) => this.#user.isLinked(key), performance.now());
    if (heard.kind === 'dial') this.#dial(heard.key, row);
    else if (heard.kind === 'answer') this.#arm();
    else if (heard.kind === 'dropped') this.#user.drop(heard.reason);
  }

  /** One attempt: the next beacon may cause another. */
  #dial(key: Uint8Array, row: Uint8Array): void {
    const open = this.#open;
    if (open === undefined) return;
    const facts: DialFacts = {
      uri: `udp://${addressText(row).replace(']', `%${this.#place.name}]`)}`,
      key: publicKey(key),
      psk: open.psk,
      priority: this.#place.rule.priority,
      cost: undefined,
      isConfigured: false,
      isExemptFromAllowList: true,
      attempts: 1,
    };
    this.#user.datagrams.dial(open.socket, row, facts, {
      up: () => open.beacons.ended(key, true),
      down: () => open.beacons.ended(key, false),
      failed: () => open.beacons.ended(key, false),
    });
  }

  /** Sends what is due, and waits for the next. */
  #send(): void {
    if (this.#open === undefined) return;
    for (const out of this.#open.beacons.due(performance.now())) this.#open.carrier.send(this.#batchOf(out));
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const atMs = this.#open?.beacons.deadline() ?? Number.POSITIVE_INFINITY;
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#send(), Math.max(1, atMs - performance.now()));
  }

  /** What the system does not take is lost: there will be another. */
  #batchOf({ to, packet }: BeaconOut): DatagramBatch {
    const one = (value: number): Int32Array => Int32Array.of(value);
    const addresses = to ?? this.#groupRow();
    return { buffers: [packet], offsets: one(0), lengths: one(packet.length), addresses, count: 1 };
  }

  #groupRow(): Uint8Array {
    const row = udpAddress(GROUP, GROUP_PORT) ?? new Uint8Array(DATAGRAM_ADDRESS);
    const own = udpAddress(`${this.#place.address}%${this.#place.name}`, 0);
    if (own !== undefined) row.set(own.subarray(INDEX_AT, INDEX_AT + 4), INDEX_AT);
    return row;
  }
}
