/** The wishes for datagram links that the shells have (see `DialFacts`). */
import { equalOctets } from '../../octetmap.ts';
import type { DialFacts, DialId, PublicKey } from '../../port.ts';
import type { AddressRow } from './addresses.ts';
import type { DatagramLink } from './datagram-link.ts';
import type { Initiation } from './initiation.ts';
import type { DatagramSocket, Password } from './socket.ts';

export type Dial = {
  readonly id: DialId;
  readonly socket: DatagramSocket;
  readonly address: AddressRow;
  readonly facts: DialFacts;
  readonly password: Password;
  initiation: Initiation | undefined;
  link: DatagramLink | undefined;
};

export class Dials {
  readonly #byId = new Map<DialId, Dial>();

  get size(): number {
    return this.#byId.size;
  }

  values(): IterableIterator<Dial> {
    return this.#byId.values();
  }

  get(id: DialId): Dial | undefined {
    return this.#byId.get(id);
  }

  add(dial: Dial): void {
    this.#byId.set(dial.id, dial);
  }

  /** The wish is over; its password may be forgotten. */
  delete(dial: Dial): void {
    if (this.#byId.delete(dial.id)) dial.socket.release(dial.password);
  }

  /** Unfulfilled wishes for an identity at an address. */
  waitingFor(key: PublicKey, address: AddressRow): Dial[] {
    return [...this.#byId.values()].filter(
      (dial) => dial.link === undefined && equalOctets(dial.facts.key, key) && equalOctets(dial.address, address),
    );
  }

  /** A peer of the configuration: always allowed in, never evicted. */
  isConfigured(key: PublicKey): boolean {
    for (const { facts } of this.#byId.values()) if (facts.isConfigured && equalOctets(facts.key, key)) return true;
    return false;
  }
}
