/**
 * The datagram links of a node as one: sockets, dials, handshakes and records (link document, Part A). What happens
 * inside the encryption of one link is its channel's.
 */
import { dataHeader, PACKET, REST_AT } from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { equalAt, equalOctets } from '../../octetmap.ts';
import {
  type AirReport,
  type CloseReason,
  DATAGRAM_ADDRESS,
  type DatagramBatch,
  type DialFacts,
  type DialId,
  type LinkId,
  publicKey,
  type RadioInfo,
  type Sink,
  type SocketFacts,
  type SocketId,
} from '../../port.ts';
import { newCounts } from '../../radio/transmitter.ts';
import type { PipeUser } from '../pipe.ts';
import { type AddressRow, addressRow } from './addresses.ts';
import { BEACON, Beaconing } from './beaconing.ts';
import type { DatagramLink } from './datagram-link.ts';
import { Departures } from './departures.ts';
import { type Dial, Dials } from './dials.ts';
import { Handshakes } from './handshakes.ts';
import { Identities } from './identities.ts';
import type { Initiation } from './initiation.ts';
import { Initiations } from './initiations.ts';
import { KeyTable } from './key-table.ts';
import type { LinkKey } from './link-key.ts';
import { LinkTable } from './link-table.ts';
import { Load } from './load.ts';
import type { Station } from './radio/station.ts';
import { RecordOpener, type RecordUser } from './record-opener.ts';
import { Responder } from './responder.ts';
import { DatagramSocket } from './socket.ts';

export class Datagrams {
  readonly #context: Context;
  readonly #sockets = new Map<SocketId, DatagramSocket>();
  readonly #dials = new Dials();
  readonly #keys: KeyTable;
  readonly #links: LinkTable;
  readonly #initiations: Initiations;
  readonly #load: Load;
  readonly #handshakes: Handshakes;
  readonly #opener: RecordOpener;
  readonly #departures: Departures;
  readonly #beaconing: Beaconing;
  /** The addresses of the batch being read. */
  #addresses: Uint8Array = new Uint8Array(0);

  constructor(context: Context, user: PipeUser) {
    const identities = new Identities(context);
    const keys = new KeyTable(context, identities);
    const send = (socket: DatagramSocket, packet: Uint8Array, row: AddressRow): void =>
      this.#departures.answer(socket, packet, row);
    this.#context = context;
    this.#keys = keys;
    this.#load = new Load(context);
    this.#departures = new Departures(context, keys, (link) => this.#links.remove(link));
    this.#links = new LinkTable(context, keys, this.#dials, user, {
      mark: (link) => this.#departures.mark(link),
      refuse: (key, code) => this.#departures.refuse(key, code),
      removed: (link) => this.#abandon(link),
    });
    this.#initiations = new Initiations(context, keys, {
      send,
      ping: (key) => this.#departures.ping(key),
      renewed: (link, key) => this.#renewed(link, key),
      failed: (initiation, reason) => this.#failed(initiation, reason),
    });
    const parts = { keys, dials: this.#dials, links: this.#links, initiations: this.#initiations, load: this.#load };
    const responder = new Responder(context, parts, send);
    this.#handshakes = new Handshakes(context, { ...parts, responder }, send);
    this.#opener = new RecordOpener(context, keys);
    this.#beaconing = new Beaconing(context, {
      send,
      dial: (id, socket, row, facts) => this.dial(id, socket.id, row, facts),
      isDialling: (id) => this.#dials.get(id) !== undefined,
      links: (socket) => [...this.#links.values()].filter((link) => link.socket === socket).length,
      isLinked: (socket, key) => identities.get(publicKey(key))?.links.some((link) => link.socket === socket) === true,
      renew: (socket, key) => {
        const link = identities.get(publicKey(key))?.links.find((one) => one.socket === socket);
        if (link !== undefined) this.#renew(link);
      },
    });
  }

  socketOpened(id: SocketId, facts: SocketFacts): void {
    this.socketClosed(id);
    const socket = new DatagramSocket(id, facts, this.#context);
    if (facts.carrierClass === 'R') socket.station = this.#departures.newStation(socket);
    this.#sockets.set(id, socket);
    this.#beaconing.opened(socket);
  }

  socketPsk(id: SocketId, psk: Uint8Array | undefined): void {
    this.#sockets.get(id)?.listenFor(psk);
  }

  /** Its links say so while they can. */
  socketClosing(id: SocketId, reason: string): void {
    const socket = this.#sockets.get(id);
    for (const link of this.#links.values()) if (link.socket === socket) link.channel.close('shutdown', reason);
  }

  /** The carrier is gone, and with it its links; its dials have failed. */
  socketClosed(id: SocketId): void {
    const socket = this.#sockets.get(id);
    if (socket === undefined) return;
    this.#sockets.delete(id);
    this.#beaconing.closed(socket);
    socket.isOpen = false;
    this.#departures.forget(socket);
    for (const link of [...this.#links.values()]) {
      if (link.socket !== socket) continue;
      link.channel.close('peer silent', 'its socket was closed');
      this.#links.remove(link);
    }
    for (const initiation of [...this.#initiations.values()]) {
      if (initiation.socket !== socket) continue;
      this.#initiations.stop(initiation);
      this.#failed(initiation, 'the socket was closed');
    }
    for (const key of [...this.#keys.unconfirmed.values()]) if (key.terms.socket === socket) this.#keys.eraseKey(key);
  }

  /** A modem tells of itself. */
  reported(id: SocketId, report: AirReport): void {
    this.#sockets.get(id)?.transmitter?.reported(report);
  }

  radios(): RadioInfo[] {
    const { nowMs } = this.#context;
    const radios: RadioInfo[] = [];
    for (const { facts, transmitter, station } of this.#sockets.values()) {
      const queued = newCounts();
      station?.countQueued(queued);
      if (transmitter !== undefined) radios.push(transmitter.info(facts.uri, queued, nowMs));
    }
    return radios;
  }

  writable(id: SocketId): void {
    const socket = this.#sockets.get(id);
    if (socket !== undefined) this.#departures.writable(socket);
  }

  received(id: SocketId, batch: DatagramBatch): void {
    const socket = this.#sockets.get(id);
    if (socket === undefined) return;
    this.#addresses = batch.addresses;
    if (socket.station !== undefined) return this.#receivedByRadio(socket, socket.station, batch);
    for (let i = 0; i < batch.count; i++) {
      const buffer = batch.buffers[i] as Uint8Array;
      const at = batch.offsets[i] as number;
      const length = batch.lengths[i] as number;
      if (length === 0) continue;
      if (buffer[at] === BEACON) {
        this.#beaconing.received(socket, buffer.subarray(at, at + length));
        continue;
      }
      if (dataHeader(buffer[at] as number) === 0) {
        this.#handshakes.received(socket, buffer, at, length, batch.addresses, i);
        continue;
      }
      this.#opener.add(socket, batch, i);
      if (this.#opener.isFull) this.#opener.open(this.#recordReceived);
    }
    this.#opener.open(this.#recordReceived);
    this.#handshakes.serve();
  }

  /** One frame after the other: after each of them somebody else may have the channel. */
  #receivedByRadio(socket: DatagramSocket, station: Station, batch: DatagramBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const buffer = batch.buffers[i] as Uint8Array;
      const at = batch.offsets[i] as number;
      const length = batch.lengths[i] as number;
      if (length === 0) continue;
      const type = buffer[at] as number;
      if (dataHeader(type) === 0) {
        if (type === BEACON) this.#beaconing.received(socket, buffer.subarray(at, at + length));
        else this.#handshakes.received(socket, buffer, at, length, batch.addresses, i);
        this.#handshakes.serve();
        station.met(length);
        continue;
      }
      const rest = type === PACKET.dataRest && length > REST_AT ? (buffer[at + REST_AT] as number) : 0;
      let isOurs = false;
      this.#opener.add(socket, batch, i);
      this.#opener.open((key, octets, from, end, row, isNewest) => {
        isOurs = true;
        this.#recordReceived(key, octets, from, end, row, isNewest);
        if (key.link !== undefined) station.heard(key.link, length, rest);
      });
      if (!isOurs) station.overheard(length, rest);
    }
  }

  dial(id: DialId, socketId: SocketId, address: Uint8Array, facts: DialFacts): void {
    const { key: ownKey, events } = this.#context;
    const socket = this.#sockets.get(socketId);
    const dialFailed = { kind: 'dialFailed', dial: id } as const;
    const fail = (reason: string): void => void events.push({ ...dialFailed, reason });
    this.dialCancelled(id);
    if (socket === undefined) return fail('the socket is closed');
    if (equalOctets(facts.key, ownKey)) {
      events.push({ ...dialFailed, reason: 'own key: this is the node itself', code: 'own key' });
      return;
    }
    const form = this.#keys.identities.formOf(facts.key);
    if (form === undefined) return fail('the key is none');
    const password = socket.acquire(facts.psk);
    if (password === undefined) return fail('the socket knows too many passwords');
    const row = address.slice(0, DATAGRAM_ADDRESS);
    const dial: Dial = { id, socket, address: row, facts, password, initiation: undefined, link: undefined };
    this.#dials.add(dial);
    const standing = this.#links.standing(facts.key, row);
    if (standing !== undefined) {
      return standing.dial === undefined ? this.#links.fulfil(dial, standing) : this.#links.deny(dial);
    }
    const ownInstance = this.#links.newInstance();
    const { key, priority } = facts;
    const plan = { socket, key, form, address: row, password, priority, dial, link: undefined, ownInstance };
    dial.initiation = this.#initiations.start(plan);
  }

  /** The wish is void, and its link as well. */
  dialCancelled(id: DialId): void {
    const dial = this.#dials.get(id);
    if (dial === undefined) return;
    if (dial.initiation !== undefined) this.#initiations.stop(dial.initiation);
    const { link } = dial;
    this.#dials.delete(dial);
    if (link === undefined) return;
    link.dial = undefined;
    link.channel.close('removed', 'it is not wanted any more');
  }

  /** Every link is asked at once whether it lives. */
  probe(): void {
    for (const { channel } of this.#links.values()) channel.probe();
  }

  close(id: LinkId, reason: CloseReason, detail: string): void {
    this.#links.get(id)?.channel.close(reason, detail);
  }

  /** @param lateMs by how much the earliest deadline was missed */
  timer(nowMs: number, lateMs: number): void {
    this.#load.observe(this.#handshakes.queued, lateMs);
    this.#handshakes.serve();
    for (const key of [...this.#keys.unconfirmed.values()]) {
      const untilMs = key.createdMs + key.terms.socket.constants.confirmWaitMs;
      if (nowMs >= untilMs) this.#keys.eraseKey(key);
      else this.#context.timers.arm(untilMs);
    }
    for (const link of [...this.#links.values()]) {
      link.expireKeys(nowMs);
      link.channel.timer(nowMs);
      if (link.channel.ended === undefined && link.wantsKey(nowMs)) this.#renew(link);
    }
    this.#beaconing.timer(nowMs);
    this.#initiations.timer(nowMs);
    this.#departures.timer(nowMs);
  }

  get hasOutput(): boolean {
    return this.#departures.hasOutput;
  }

  drain(sink: Sink): void {
    this.#departures.drain(sink);
    // A link without a usable key has something to say.
    for (const link of this.#departures.takeMute()) if (link.wantsKey(this.#context.nowMs)) this.#renew(link);
  }

  readonly #recordReceived: RecordUser = (key, buffer, at, end, row, isNewest) => {
    const link = key.link ?? this.#links.confirmed(key, this.#initiations);
    if (link === undefined) return;
    if (!key.isHeard) {
      link.heard(key);
      this.#departures.heard(key);
    }
    link.identity.heardMs = this.#context.nowMs;
    const { channel } = link;
    const rowAt = row * DATAGRAM_ADDRESS;
    // Nearly always the address that is known: no copy then.
    const isKnown = equalAt(channel.address, this.#addresses, rowAt, DATAGRAM_ADDRESS);
    const from = isKnown ? channel.address : addressRow(this.#addresses, row);
    channel.receive(buffer, at, end, from, isNewest && link.isCurrent(key));
  };

  /** Starts the handshake that gives a link its next key, unless it runs already. */
  #renew(link: DatagramLink): void {
    for (const { link: other } of this.#initiations.values()) if (other === link) return;
    const { socket, identity, ownInstance, channel } = link;
    const form = this.#keys.identities.formOf(identity.key);
    // The link holds its password, so there is a place for it.
    const password = link.password;
    if (form === undefined) return;
    const { key } = identity;
    const { address, priority } = channel;
    this.#initiations.start({ socket, key, form, address, password, priority, dial: undefined, link, ownInstance });
  }

  /** What runs for a link that has gone. */
  #abandon(link: DatagramLink): void {
    for (const initiation of [...this.#initiations.values()]) {
      if (initiation.link === link) this.#initiations.stop(initiation);
    }
  }

  #renewed(link: DatagramLink, key: LinkKey): void {
    link.renew(key);
    this.#departures.mark(link);
  }

  #failed(initiation: Initiation, reason: string): void {
    const { dial, link } = initiation;
    if (link !== undefined) return link.channel.close('peer silent', 'no answer to a new key');
    if (dial === undefined) return;
    this.#dials.delete(dial);
    this.#context.events.push({ kind: 'dialFailed', dial: dial.id, reason });
  }
}
