/**
 * Handshake packets as they come from strangers: queued, looked at a few at a time, and let through by their MACs and
 * cookies (link document, sections 4.1 to 4.3). What fails is dropped without an answer.
 */
import { COOKIE_SIZE, INIT_SIZE, indexOf, MAC, PACKET, RESP_SIZE } from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { HANDSHAKES_PER_TURN, HANDSHAKES_QUEUED } from '../../limits.ts';
import { type AddressRow, addressRow, carrierAddress } from './addresses.ts';
import type { Initiations } from './initiations.ts';
import type { KeyTable } from './key-table.ts';
import type { Load } from './load.ts';
import { CookieJar, hasMac, type MacKeys, mac1At } from './macs.ts';
import type { Responder } from './responder.ts';
import type { DatagramSocket } from './socket.ts';

type Queued = { readonly socket: DatagramSocket; readonly packet: Uint8Array; readonly row: AddressRow };

export class Handshakes {
  readonly #context: Context;
  readonly #keys: KeyTable;
  readonly #load: Load;
  readonly #initiations: Initiations;
  readonly #responder: Responder;
  readonly #send: (socket: DatagramSocket, packet: Uint8Array, row: AddressRow) => void;
  readonly #jar: CookieJar;
  #queue: Queued[] = [];
  #next = 0;

  constructor(
    context: Context,
    parts: { keys: KeyTable; load: Load; initiations: Initiations; responder: Responder },
    send: (socket: DatagramSocket, packet: Uint8Array, row: AddressRow) => void,
  ) {
    this.#context = context;
    this.#keys = parts.keys;
    this.#load = parts.load;
    this.#initiations = parts.initiations;
    this.#responder = parts.responder;
    this.#send = send;
    this.#jar = new CookieJar(context);
  }

  get queued(): number {
    return this.#queue.length - this.#next;
  }

  /** A datagram that is not DATA; its octets are copied. */
  received(
    socket: DatagramSocket,
    buffer: Uint8Array,
    at: number,
    length: number,
    addresses: Uint8Array,
    row: number,
  ): void {
    const { stats } = this.#context;
    if (!hasHandshakeSize(buffer[at] as number, length)) return stats.drop('datagram malformed');
    if (this.queued >= HANDSHAKES_QUEUED) return stats.drop('handshake queue full');
    this.#queue.push({ socket, packet: buffer.slice(at, at + length), row: addressRow(addresses, row) });
  }

  /** Looks at a few; the rest waits for the next turn, which is due at once. */
  serve(): void {
    this.#load.observe(this.queued, 0);
    for (let i = 0; i < HANDSHAKES_PER_TURN && this.#next < this.#queue.length; i++) {
      const { socket, packet, row } = this.#queue[this.#next++] as Queued;
      if (socket.isOpen) this.#look(socket, packet, row);
    }
    if (this.#next < this.#queue.length) {
      this.#context.timers.arm(this.#context.nowMs);
      return;
    }
    this.#queue = [];
    this.#next = 0;
  }

  #look(socket: DatagramSocket, packet: Uint8Array, row: AddressRow): void {
    switch (packet[0]) {
      case PACKET.init:
        return this.#lookAtInit(socket, packet, row);
      case PACKET.resp:
        return this.#lookAtResp(socket, packet, row);
      default: {
        const attempt = this.#keys.attempt(indexOf(packet));
        if (attempt === undefined) return this.#responder.cookieReceived(socket, packet);
        if (attempt.initiation.socket === socket) return this.#initiations.cookieReceived(attempt, packet);
        this.#context.stats.drop('handshake unasked');
      }
    }
  }

  #lookAtInit(socket: DatagramSocket, packet: Uint8Array, row: AddressRow): void {
    const { crypto, stats } = this.#context;
    const at = mac1At(packet, INIT_SIZE);
    const password = socket.passwords.find(({ own }) => hasMac(crypto, own.mac1, packet, at));
    if (password === undefined) return stats.drop('handshake mac invalid');
    const mustShowCookie = this.#load.isHigh || !this.#load.hasRoomFor(row);
    if (mustShowCookie && !this.#showsCookie(socket, packet, at, row, password.own)) return;
    this.#responder.received({ socket, password, packet, row });
  }

  #lookAtResp(socket: DatagramSocket, packet: Uint8Array, row: AddressRow): void {
    const { crypto, stats } = this.#context;
    const attempt = this.#keys.attempt(indexOf(packet));
    if (attempt === undefined || attempt.initiation.socket !== socket) return stats.drop('handshake unasked');
    const { own } = attempt.initiation.password;
    const at = mac1At(packet, RESP_SIZE);
    if (!hasMac(crypto, own.mac1, packet, at)) return stats.drop('handshake mac invalid');
    if (this.#load.isHigh && !this.#showsCookie(socket, packet, at, row, own)) return;
    this.#initiations.respReceived(attempt, packet);
  }

  /** True on carriers without addresses: nobody there can show that he is where he says. */
  #showsCookie(socket: DatagramSocket, packet: Uint8Array, at: number, row: AddressRow, own: MacKeys): boolean {
    if (!socket.constants.hasAddresses) return true;
    const address = carrierAddress(row);
    if (this.#jar.accepts(packet, at + MAC, address)) return true;
    this.#context.stats.drop('handshake without cookie');
    this.#context.stats.count('cookiesSent');
    this.#send(socket, this.#jar.answer(packet, at, address, own), row);
    return false;
  }
}

function hasHandshakeSize(type: number, length: number): boolean {
  switch (type) {
    case PACKET.init:
      return length === INIT_SIZE || length === INIT_SIZE + MAC;
    case PACKET.resp:
      return length === RESP_SIZE || length === RESP_SIZE + MAC;
    case PACKET.cookie:
      return length === COOKIE_SIZE;
    default:
      return false;
  }
}
