/** What leaves through the sockets, and in which order: handshakes, PINGs under new keys, then links by turns. */
import type { Context } from '../../context.ts';
import { RECORDS_PER_TURN } from '../../limits.ts';
import type { Sink } from '../../port.ts';
import type { AddressRow } from './addresses.ts';
import type { DatagramLink } from './datagram-link.ts';
import type { KeyTable } from './key-table.ts';
import type { LinkKey } from './link-key.ts';
import { UNLIMITED } from './radio/budget.ts';
import { Station } from './radio/station.ts';
import type { DatagramSocket } from './socket.ts';
import type { RecordSource } from './socket-outbox.ts';

/** A record that no channel says: PING under a new key, or the CLOSE of a key that gets no link. */
export type Note = RecordSource & { readonly key: LinkKey; readonly isLast: boolean };

export class Departures {
  readonly #context: Context;
  readonly #keys: KeyTable;
  readonly #removed: (link: DatagramLink) => void;
  /** Sockets with something to send that are not blocked. */
  readonly #busy = new Set<DatagramSocket>();
  /** Keys that we asked for and nothing has come under. */
  readonly #pinging = new Set<LinkKey>();
  #mute: DatagramLink[] = [];
  /** Of the radios. */
  readonly #stations = new Set<Station>();

  /** @param removed told of a link whose closed channel has said its last */
  constructor(context: Context, keys: KeyTable, removed: (link: DatagramLink) => void) {
    this.#context = context;
    this.#keys = keys;
    this.#removed = removed;
  }

  get hasOutput(): boolean {
    return this.#busy.size > 0;
  }

  answer(socket: DatagramSocket, packet: Uint8Array, row: AddressRow): void {
    if (!socket.outbox.answer(packet, row)) return this.#context.stats.drop('handshake answers full');
    this.#wake(socket);
  }

  mark(link: DatagramLink): void {
    if (link.socket.station !== undefined) return link.socket.station.marked();
    if (link.isReady) return;
    link.isReady = true;
    link.socket.ready.push(link);
    this.#wake(link.socket);
  }

  /** Says PING under a key at once, and again until something comes back under it. */
  ping(key: LinkKey): void {
    this.#pinging.add(key);
    key.pingAtMs = this.#context.nowMs;
    this.timer(this.#context.nowMs);
  }

  heard(key: LinkKey): void {
    this.#pinging.delete(key);
  }

  /** Says CLOSE under a key, which is erased then. */
  refuse(key: LinkKey, code: number): void {
    this.#note(key, Uint8Array.of(CLOSE_FRAME, code), true);
  }

  timer(nowMs: number): void {
    for (const station of this.#stations) station.timer(nowMs);
    for (const key of this.#pinging) {
      if (key.isGone) this.#pinging.delete(key);
      else {
        if (nowMs >= key.pingAtMs) {
          const id = this.#context.randomOctets(PING_FRAME_SIZE);
          id[0] = PING_FRAME;
          this.#note(key, id, false);
          key.pingAtMs = nowMs + key.terms.socket.constants.retryMs.first;
        }
        this.#context.timers.arm(key.pingAtMs);
      }
    }
  }

  writable(socket: DatagramSocket): void {
    if (socket.station !== undefined) return socket.station.writable();
    socket.outbox.isBlocked = false;
    this.#wake(socket);
  }

  /** The socket is gone. */
  forget(socket: DatagramSocket): void {
    this.#busy.delete(socket);
    socket.outbox.clear();
    socket.notes.length = 0;
    socket.ready.length = 0;
    if (socket.station !== undefined) this.#stations.delete(socket.station);
  }

  drain(sink: Sink): void {
    for (const socket of [...this.#busy]) {
      const { outbox, station } = socket;
      if (station !== undefined) {
        this.#busy.delete(socket);
        station.drain(sink);
        continue;
      }
      while (!outbox.isBlocked) {
        if (outbox.batch.count === 0) {
          if (sink.hasRoom?.(socket.id) === false) {
            outbox.block();
            break;
          }
          this.#compose(socket);
        }
        if (outbox.batch.count === 0) break;
        outbox.taken(sink.send(socket.id, outbox.batch));
      }
      this.#busy.delete(socket);
    }
  }

  /** Links that had something to say and no key to say it under, since the last time. */
  takeMute(): DatagramLink[] {
    if (this.#mute.length === 0) return this.#mute;
    const mute = this.#mute;
    this.#mute = [];
    return mute;
  }

  /** What leaves through a radio, and when. */
  newStation(socket: DatagramSocket): Station {
    const station = new Station(this.#context, socket, this.#keys, socket.transmitter ?? UNLIMITED, {
      wake: () => {
        if (socket.isOpen) this.#busy.add(socket);
      },
      removed: this.#removed,
      mute: (link) => this.#silence(link),
    });
    this.#stations.add(station);
    return station;
  }

  #silence(link: DatagramLink): void {
    if (link.isMute) return;
    link.isMute = true;
    this.#mute.push(link);
  }

  #wake(socket: DatagramSocket): void {
    if (socket.station !== undefined) return socket.station.marked();
    if (socket.isOpen && !socket.outbox.isBlocked) this.#busy.add(socket);
  }

  #note(key: LinkKey, octets: Uint8Array, isLast: boolean): void {
    const { socket, address } = key.terms;
    const destination = key.link?.channel.address ?? address;
    const next = (): number => octets.length;
    socket.notes.push({ key, isLast, destination, plain: octets, plainAt: 0, next });
    this.#wake(socket);
  }

  #compose(socket: DatagramSocket): void {
    const { outbox, ready, notes, facts } = socket;
    const { nowMs } = this.#context;
    outbox.addAnswers();
    while (notes.length > 0 && outbox.hasRoom(facts.mtu)) {
      const note = notes.shift() as Note;
      if (!note.key.maySeal(nowMs, socket.constants)) continue;
      outbox.addRecord(note.key, facts.mtu, note);
      if (note.isLast) this.#keys.eraseKey(note.key);
    }
    while (ready.length > 0 && outbox.hasRoom(facts.mtu)) {
      const link = ready.shift() as DatagramLink;
      if (this.#composeLink(link, socket)) ready.push(link);
      else link.isReady = false;
    }
    this.#context.stats.count('recordsSealed', outbox.seal());
  }

  /** True if the link has more to say than its turn allowed. */
  #composeLink(link: DatagramLink, { outbox, facts }: DatagramSocket): boolean {
    const { channel } = link;
    const key = link.sealingKey;
    if (key !== undefined) {
      for (let i = 0; i < RECORDS_PER_TURN; i++) {
        if (!outbox.hasRoom(facts.mtu)) return true;
        if (!outbox.addRecord(key, facts.mtu, channel)) break;
        link.sealed();
        if (i === RECORDS_PER_TURN - 1) return true;
      }
    }
    if (channel.ended !== undefined) {
      // Sealed while its key is still there.
      this.#context.stats.count('recordsSealed', outbox.seal());
      this.#removed(link);
    } else if (key === undefined) {
      this.#silence(link);
    }
    return false;
  }
}

const PING_FRAME = 0x01;
const PING_FRAME_SIZE = 5;
const CLOSE_FRAME = 0x0d;
