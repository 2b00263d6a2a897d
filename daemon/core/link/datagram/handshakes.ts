/**
 * Handshake packets as they come from strangers: queued, looked at a few at a time, and let through by their MACs and
 * cookies (link document, sections 4.1 to 4.3). What fails is dropped without an answer.
 */
import {
  COOKIE_SIZE,
  INIT_MAC1_AT,
  INIT_SIZE,
  indexOf,
  MAC,
  PACKET,
  RESP_MAC1_AT,
  RESP_SIZE,
} from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import {
  HANDSHAKES_LOOKED_AT,
  HANDSHAKES_LOOKED_AT_SLOWLY,
  HANDSHAKES_PER_TURN,
  HANDSHAKES_QUEUED,
} from '../../limits.ts';
import { Bucket } from '../../policy.ts';
import { type AddressRow, addressRow, carrierAddress } from './addresses.ts';
import { type Caller, CookieJar } from './cookies.ts';
import type { Attempt } from './initiation.ts';
import type { Initiations } from './initiations.ts';
import type { KeyTable } from './key-table.ts';
import type { Load } from './load.ts';
import { MacBatch } from './mac-batch.ts';
import type { Responder } from './responder.ts';
import type { DatagramSocket, Password } from './socket.ts';

type Queued = { readonly socket: DatagramSocket; readonly packet: Uint8Array; readonly row: AddressRow };

/** An INIT, or the RESP to an attempt of ours. */
class Guest implements Caller {
  readonly socket: DatagramSocket;
  readonly packet: Uint8Array;
  readonly row: AddressRow;
  readonly attempt: Attempt | undefined;
  readonly mac1At: number;
  /** What its mac1 is made with, once that is known. */
  password: Password | undefined;

  constructor({ socket, packet, row }: Queued, attempt: Attempt | undefined) {
    this.socket = socket;
    this.packet = packet;
    this.row = row;
    this.attempt = attempt;
    this.mac1At = attempt === undefined ? INIT_MAC1_AT : RESP_MAC1_AT;
  }

  get address(): Uint8Array {
    return carrierAddress(this.row);
  }

  /** The i-th that its mac1 may be made with. */
  candidate(i: number): Password | undefined {
    const { attempt } = this;
    if (attempt === undefined) return this.socket.passwords[i];
    return i === 0 ? attempt.initiation.password : undefined;
  }
}

type Known = Guest & { readonly password: Password };

export class Handshakes {
  readonly #context: Context;
  readonly #keys: KeyTable;
  readonly #load: Load;
  readonly #initiations: Initiations;
  readonly #responder: Responder;
  readonly #send: (socket: DatagramSocket, packet: Uint8Array, row: AddressRow) => void;
  readonly #macs: MacBatch;
  readonly #jar: CookieJar;
  readonly #budgets = new Map<number, Bucket>();
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
    this.#macs = new MacBatch(context.crypto, HANDSHAKES_PER_TURN);
    this.#jar = new CookieJar(context, HANDSHAKES_PER_TURN);
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
    if (!this.#mayLookAt(length)) {
      this.#load.raise();
      return stats.drop('handshake flood');
    }
    if (this.queued >= HANDSHAKES_QUEUED) return stats.drop('handshake queue full');
    this.#queue.push({ socket, packet: buffer.slice(at, at + length), row: addressRow(addresses, row) });
  }

  /** Looks at a few; the rest waits for the next turn, which is due at once. */
  serve(): void {
    this.#load.observe(this.queued, 0);
    const guests: Guest[] = [];
    for (let i = 0; i < HANDSHAKES_PER_TURN && this.#next < this.#queue.length; i++) {
      const guest = this.#look(this.#queue[this.#next++] as Queued);
      if (guest !== undefined) guests.push(guest);
    }
    if (guests.length > 0) this.#receive(guests);
    if (this.#next < this.#queue.length) {
      this.#context.timers.arm(this.#context.nowMs);
      return;
    }
    this.#queue = [];
    this.#next = 0;
  }

  /** Each kind has a size of its own, and a budget: a flood of one leaves the others alone. */
  #mayLookAt(size: number): boolean {
    const { crypto, nowMs } = this.#context;
    let budget = this.#budgets.get(size);
    if (budget === undefined) {
      budget = new Bucket(crypto.macs.isBatched ? HANDSHAKES_LOOKED_AT : HANDSHAKES_LOOKED_AT_SLOWLY, nowMs);
      this.#budgets.set(size, budget);
    }
    return budget.take(nowMs);
  }

  /** INIT and RESP are checked many at once; a COOKIE ends here. */
  #look(queued: Queued): Guest | undefined {
    const { socket, packet } = queued;
    if (!socket.isOpen) return undefined;
    const type = packet[0];
    if (type === PACKET.init) return new Guest(queued, undefined);
    const attempt = this.#keys.attempt(indexOf(packet));
    if (type === PACKET.cookie && attempt === undefined) this.#responder.cookieReceived(socket, packet);
    else if (attempt?.initiation.socket !== socket) this.#context.stats.drop('handshake unasked');
    else if (type === PACKET.cookie) this.#initiations.cookieReceived(attempt, packet);
    else return new Guest(queued, attempt);
    return undefined;
  }

  #receive(guests: readonly Guest[]): void {
    this.#identify(guests);
    const callers = guests.filter(isKnown);
    this.#context.stats.drop('handshake mac invalid', guests.length - callers.length);
    const shown = this.#jar.shown(callers);
    const strangers: Known[] = [];
    for (const caller of callers) {
      if (!shown.has(caller) && this.#mustShowCookie(caller)) strangers.push(caller);
      else this.#admit(caller);
    }
    if (strangers.length > 0) this.#askForCookies(strangers);
  }

  /** Finds their passwords: mac1 tells. */
  #identify(guests: readonly Guest[]): void {
    let rest = guests;
    for (let i = 0; rest.length > 0; i++) {
      rest = rest.filter((guest) => guest.candidate(i) !== undefined);
      this.#macs.clear();
      for (const guest of rest) {
        this.#macs.add((guest.candidate(i) as Password).own.mac1, guest.packet.subarray(0, guest.mac1At));
      }
      this.#macs.sign();
      rest.forEach((guest, row) => {
        if (this.#macs.isAt(row, guest.packet, guest.mac1At)) guest.password = guest.candidate(i);
      });
      rest = rest.filter(({ password }) => password === undefined);
    }
  }

  /** Never on carriers without addresses: nobody there can show that he is where he says. */
  #mustShowCookie({ socket, attempt, row }: Known): boolean {
    if (!socket.constants.hasAddresses) return false;
    return this.#load.isHigh || (attempt === undefined && !this.#load.hasRoomFor(row));
  }

  #admit({ socket, password, packet, row, attempt }: Known): void {
    if (attempt === undefined) this.#responder.received({ socket, password, packet, row });
    // It may have been answered since this turn began.
    else if (this.#keys.attempt(indexOf(packet)) === attempt) this.#initiations.respReceived(attempt, packet);
    else this.#context.stats.drop('handshake unasked');
  }

  #askForCookies(strangers: readonly Known[]): void {
    const { stats } = this.#context;
    stats.drop('handshake without cookie', strangers.length);
    stats.count('cookiesSent', strangers.length);
    this.#jar.answers(strangers).forEach((cookie, i) => {
      const { socket, row } = strangers[i] as Known;
      this.#send(socket, cookie, row);
    });
  }
}

function isKnown(guest: Guest): guest is Known {
  return guest.password !== undefined;
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
