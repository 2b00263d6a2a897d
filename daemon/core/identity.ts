/** Addresses, subnets and partial keys: what follows from a public key alone (section 1). */
import { equalOctets } from './octetmap.ts';

export const ADDRESS_PREFIX = 0x02;
export const SUBNET_PREFIX = 0x03;

/** 16 octets: the node's own address in 0200::/8. */
export function addressForKey(key: Uint8Array): Uint8Array {
  const strength = leadingZeros(key);
  const address = new Uint8Array(16);
  address[0] = ADDRESS_PREFIX;
  address[1] = strength;
  // A body shorter than 112 bits is used in whole octets only.
  const bits = Math.min(112, (255 - strength) & ~7);
  for (let i = 0; i < bits; i++) if (!bitAt(key, strength + 1 + i)) setBit(address, 16 + i);
  return address;
}

/** 8 octets: the /64 that the node may route, in 0300::/8. */
export function subnetForKey(key: Uint8Array): Uint8Array {
  const subnet = addressForKey(key).slice(0, 8);
  subnet[0] = SUBNET_PREFIX;
  return subnet;
}

/** The part of a key that an address (16 octets) or a subnet (8) fixes; all later bits are ones (section 1.3). */
export function partialKey(addressOrSubnet: Uint8Array): Uint8Array {
  const strength = addressOrSubnet[1] as number;
  const key = new Uint8Array(32).fill(0xff);
  for (let i = 0; i < strength; i++) clearBit(key, i);
  const bits = (addressOrSubnet.length - 2) * 8;
  for (let i = 0; i < bits && strength + 1 + i < 256; i++) {
    if (bitAt(addressOrSubnet, 16 + i)) clearBit(key, strength + 1 + i);
  }
  return key;
}

/** What enters Bloom filters and answers lookups, for whole and partial keys alike (section 1.4). */
export function bloomItem(key: Uint8Array): Uint8Array {
  return partialKey(subnetForKey(key));
}

/** Whether 16 octets at `at` are the node's address or lie in its /64. */
export function isAddressOf(address: Uint8Array, subnet: Uint8Array, octets: Uint8Array, at: number): boolean {
  const own = octets[at] === ADDRESS_PREFIX ? address : subnet;
  for (let i = 0; i < own.length; i++) if (octets[at + i] !== own[i]) return false;
  return true;
}

/** Whether a full address belongs to a key. */
export function keyMatchesAddress(key: Uint8Array, address: Uint8Array): boolean {
  return equalOctets(addressForKey(key), address);
}

function leadingZeros(key: Uint8Array): number {
  let bits = 0;
  while (bits < 255 && !bitAt(key, bits)) bits++;
  return bits;
}

function bitAt(octets: Uint8Array, bit: number): boolean {
  return ((octets[bit >> 3] as number) & (0x80 >> (bit & 7))) !== 0;
}

function setBit(octets: Uint8Array, bit: number): void {
  octets[bit >> 3] = (octets[bit >> 3] as number) | (0x80 >> (bit & 7));
}

function clearBit(octets: Uint8Array, bit: number): void {
  octets[bit >> 3] = (octets[bit >> 3] as number) & ~(0x80 >> (bit & 7));
}
