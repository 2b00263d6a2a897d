/** Which key belongs to an address or subnet, and one packet kept for each that is being looked up (section 6.3). */
import type { Context } from './context.ts';
import { addressForKey, partialKey, SUBNET_PREFIX, subnetForKey } from './identity.ts';
import { CONTACT_LIFE_MS, CONTACTS_MAX, KEPT_BYTES, KEPT_LIFE_MS, KEPT_PACKETS } from './limits.ts';
import { equalOctets, OctetMap } from './octetmap.ts';
import type { PublicKey } from './port.ts';

type Contact = {
  readonly key: PublicKey;
  readonly address: Uint8Array;
  readonly subnet: Uint8Array;
  expiresAtMs: number;
};

type Kept = { readonly name: Uint8Array; packet: Uint8Array; expiresAtMs: number };

export class Contacts {
  readonly #context: Context;
  readonly #byAddress: OctetMap<Contact>;
  readonly #bySubnet: OctetMap<Contact>;
  readonly #keptByAddress: OctetMap<Kept>;
  readonly #keptBySubnet: OctetMap<Kept>;
  #keptBytes = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#byAddress = new OctetMap(16, context.hashSeed);
    this.#bySubnet = new OctetMap(8, context.hashSeed);
    this.#keptByAddress = new OctetMap(16, context.hashSeed);
    this.#keptBySubnet = new OctetMap(8, context.hashSeed);
  }

  get size(): number {
    return this.#byAddress.size;
  }

  /** The key for a mesh destination at `at`, if it is known. */
  keyFor(octets: Uint8Array, at: number): PublicKey | undefined {
    const contact = octets[at] === SUBNET_PREFIX ? this.#bySubnet.get(octets, at) : this.#byAddress.get(octets, at);
    if (contact === undefined || contact.expiresAtMs <= this.#context.nowMs) return undefined;
    contact.expiresAtMs = this.#context.nowMs + CONTACT_LIFE_MS;
    return contact.key;
  }

  /** As `keyFor`, for those who only want to know. */
  peek(address: Uint8Array): PublicKey | undefined {
    const contact = address[0] === SUBNET_PREFIX ? this.#bySubnet.get(address) : this.#byAddress.get(address);
    return contact === undefined || contact.expiresAtMs <= this.#context.nowMs ? undefined : contact.key;
  }

  /** Keeps the latest packet for a destination that is not known; returns the partial key to look for. */
  keep(packet: Uint8Array, destination: Uint8Array): Uint8Array {
    const isSubnet = destination[0] === SUBNET_PREFIX;
    const name = destination.slice(0, isSubnet ? 8 : 16);
    const table = isSubnet ? this.#keptBySubnet : this.#keptByAddress;
    const existing = table.get(name);
    if (existing !== undefined) {
      this.#context.stats.drop('address unknown replaced');
      this.#discard(table, existing);
    }
    while (this.#keptCount >= KEPT_PACKETS || this.#keptBytes + packet.length > KEPT_BYTES) this.#discardOldest();
    this.#keptBytes += packet.length;
    table.set(name, { name, packet: packet.slice(), expiresAtMs: this.#context.nowMs + KEPT_LIFE_MS });
    return partialKey(name);
  }

  /** A key is known to be reachable, or has just been heard: returns the packets that waited for it. */
  learn(key: PublicKey): Uint8Array[] {
    const address = addressForKey(key);
    this.#store({ key, address, subnet: subnetForKey(key), expiresAtMs: this.#context.nowMs + CONTACT_LIFE_MS });
    const packets: Uint8Array[] = [];
    for (const [table, name] of [
      [this.#keptByAddress, address] as const,
      [this.#keptBySubnet, subnetForKey(key)] as const,
    ]) {
      const kept = table.get(name);
      if (kept === undefined) continue;
      this.#discard(table, kept);
      packets.push(kept.packet);
    }
    return packets;
  }

  /** A packet came from this address: keeps its entry alive. False if it has none yet. */
  touch(address: Uint8Array): boolean {
    const contact = this.#byAddress.get(address);
    if (contact === undefined) return false;
    contact.expiresAtMs = this.#context.nowMs + CONTACT_LIFE_MS;
    return true;
  }

  expire(): void {
    const { nowMs } = this.#context;
    for (const contact of [...this.#byAddress.values()]) if (contact.expiresAtMs <= nowMs) this.#remove(contact);
    for (const table of [this.#keptByAddress, this.#keptBySubnet]) {
      for (const kept of [...table.values()]) if (kept.expiresAtMs <= nowMs) this.#discard(table, kept);
    }
  }

  get #keptCount(): number {
    return this.#keptByAddress.size + this.#keptBySubnet.size;
  }

  #store(contact: Contact): void {
    const existing = this.#byAddress.get(contact.address);
    if (existing !== undefined && equalOctets(existing.key, contact.key)) {
      existing.expiresAtMs = contact.expiresAtMs;
      this.#claimSubnet(existing);
      return;
    }
    if (this.#byAddress.size >= CONTACTS_MAX) {
      let oldest: Contact | undefined;
      for (const other of this.#byAddress.values()) {
        if (oldest === undefined || other.expiresAtMs < oldest.expiresAtMs) oldest = other;
      }
      if (oldest !== undefined) this.#remove(oldest);
    }
    this.#byAddress.set(contact.address, contact);
    this.#claimSubnet(contact);
  }

  /** A live subnet entry is never given to another key: subnets fix too few bits (section 9, weakness 15). */
  #claimSubnet(contact: Contact): void {
    const owner = this.#bySubnet.get(contact.subnet);
    if (owner === undefined || owner.expiresAtMs <= this.#context.nowMs) this.#bySubnet.set(contact.subnet, contact);
  }

  #remove(contact: Contact): void {
    this.#byAddress.delete(contact.address);
    if (this.#bySubnet.get(contact.subnet) === contact) this.#bySubnet.delete(contact.subnet);
  }

  #discard(table: OctetMap<Kept>, kept: Kept): void {
    this.#keptBytes -= kept.packet.length;
    table.delete(kept.name);
  }

  #discardOldest(): void {
    const address = this.#keptByAddress.oldest();
    const subnet = this.#keptBySubnet.oldest();
    const isAddress = address !== undefined && (subnet === undefined || address.expiresAtMs <= subnet.expiresAtMs);
    const kept = isAddress ? address : subnet;
    if (kept === undefined) return;
    this.#context.stats.drop('address buffers full');
    this.#discard(isAddress ? this.#keptByAddress : this.#keptBySubnet, kept);
  }
}
