/** One open datagram carrier: who may speak on it, and what waits to leave through it. */
import type { Context } from '../../context.ts';
import { PSKS_PER_SOCKET } from '../../limits.ts';
import { equalOctets } from '../../octetmap.ts';
import type { Crypto, PublicKey, SocketFacts, SocketId } from '../../port.ts';
import { frameAirMs } from '../../radio/air-time.ts';
import type { Transmitter } from '../../radio/transmitter.ts';
import { type ClassConstants, constantsOf } from './classes.ts';
import type { DatagramLink } from './datagram-link.ts';
import type { Note } from './departures.ts';
import { type MacKeys, macKeys } from './macs.ts';
import { airOf } from './radio/medium.ts';
import type { Station } from './radio/station.ts';
import { SocketOutbox } from './socket-outbox.ts';

/** A password that packets are tried against. */
export type Password = {
  readonly psk: Uint8Array;
  /** Towards ourselves. */
  readonly own: MacKeys;
  /** Whoever knows it may come in; otherwise only those we asked with it. */
  isListener: boolean;
  /** Dials and links that hold it. */
  users: number;
};

export class DatagramSocket {
  readonly id: SocketId;
  readonly facts: SocketFacts;
  readonly constants: ClassConstants;
  readonly outbox: SocketOutbox;
  /** Of radios: what may be sent now. */
  readonly transmitter: Transmitter | undefined;
  readonly passwords: Password[] = [];
  isOpen = true;
  /** Links with something to say, by turns. */
  readonly ready: DatagramLink[] = [];
  readonly notes: Note[] = [];
  /** Of a radio: whose turn it is there. */
  station: Station | undefined;
  readonly #crypto: Crypto;
  readonly #ownKey: PublicKey;

  constructor(id: SocketId, facts: SocketFacts, { crypto, key, ledgers, nowMs }: Context) {
    this.id = id;
    this.facts = facts;
    const frameMs = facts.carrierClass === 'R' ? frameAirMs(airOf(facts), facts.mtu) : 0;
    this.constants = constantsOf(facts.carrierClass, facts.isSlow, frameMs);
    this.#crypto = crypto;
    this.#ownKey = key;
    this.transmitter = facts.air && ledgers.transmitter(facts.air, facts.mtu, nowMs);
    this.outbox = new SocketOutbox(crypto.aead, this.constants.dataType);
    if (facts.psk !== undefined) this.passwords.push(this.#password(facts.psk, true));
  }

  /** Whoever knows this psk may come in from now on, and nobody by another. At the cap nobody may. */
  listenFor(psk: Uint8Array | undefined): void {
    const before = this.passwords.find(({ isListener }) => isListener);
    if (before !== undefined) {
      before.isListener = false;
      this.#tidy(before);
    }
    if (psk === undefined) return;
    const password = this.acquire(psk);
    if (password === undefined) return;
    password.users--;
    password.isListener = true;
  }

  /** For a dial or a link. Undefined: the socket knows as many passwords as it may. */
  acquire(psk: Uint8Array): Password | undefined {
    let password = this.passwords.find((known) => equalOctets(known.psk, psk));
    if (password === undefined) {
      if (this.passwords.length >= PSKS_PER_SOCKET) return undefined;
      password = this.#password(psk, false);
      this.passwords.push(password);
    }
    password.users++;
    return password;
  }

  release(password: Password): void {
    password.users--;
    this.#tidy(password);
  }

  #tidy(password: Password): void {
    if (password.users > 0 || password.isListener) return;
    const at = this.passwords.indexOf(password);
    if (at >= 0) this.passwords.splice(at, 1);
  }

  #password(psk: Uint8Array, isListener: boolean): Password {
    return { psk: psk.slice(), own: macKeys(this.#crypto, psk, this.#ownKey), isListener, users: 0 };
  }
}
