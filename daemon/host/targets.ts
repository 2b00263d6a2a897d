/** What an operator may call other nodes: an address, a public key, a name from `Names`, and where asked a subnet. */
import { isIPv4 } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import { addressText, parseAddress } from './address.ts';

export type Target = {
  readonly address: Uint8Array;
  readonly key: Uint8Array | undefined;
  readonly isInMesh: boolean;
};

/** `length` in bits; the octets behind are zero. */
export type Prefix = { readonly octets: Uint8Array; readonly length: number };

export type Names = Readonly<Record<string, string>>;
export type AddressOf = (key: Uint8Array) => Uint8Array;

const KEY_HEX = /^[0-9a-fA-F]{64}$/;
const ADDRESS_BITS = 128;
/** 200::/7 is the mesh. */
const MESH_BITS = 7;

/** 16 octets. */
export function findTarget(target: string, names: Names, addressOf: AddressOf): Uint8Array {
  const { address, isInMesh } = findNode(target, names, addressOf);
  if (isInMesh) return address;
  throw new RatatoskError(
    'TARGET_UNKNOWN',
    `${addressText(address)} is no address of the mesh: those begin with 2 or 3, as in 200:…`,
  );
}

/** The same, also of what is not in the mesh; and the key, if a key is what was named. */
export function findNode(target: string, names: Names, addressOf: AddressOf): Target {
  const meant = nameOwn(names, target) ?? target;
  const key = KEY_HEX.test(meant) ? Uint8Array.from(Buffer.from(meant, 'hex')) : undefined;
  const address = key === undefined ? (parseAddress(meant) ?? mappedAddress(meant)) : addressOf(key);
  if (address === undefined) {
    const known = Object.keys(names).length === 0 ? 'Names is empty' : `Names has ${Object.keys(names).join(', ')}`;
    const expected = 'neither an address, nor a key of 64 hex digits, nor a known name';
    throw new RatatoskError('TARGET_UNKNOWN', `${JSON.stringify(target)} is ${expected} (${known})`);
  }
  // 0200::/8 are nodes, 0300::/8 their subnets.
  return { address, key, isInMesh: address[0] === 2 || address[0] === 3 };
}

function mappedAddress(text: string): Uint8Array | undefined {
  return isIPv4(text) ? parseAddress(`::ffff:${text}`) : undefined;
}

/** The same, and subnets of the mesh too. */
export function findPrefix(target: string, names: Names, addressOf: AddressOf): Prefix {
  const [, head, bits] = /^([^/]+)\/(\d{1,3})$/.exec(target) ?? [];
  if (head === undefined || parseAddress(head) === undefined) {
    return { octets: findTarget(target, names, addressOf), length: ADDRESS_BITS };
  }
  const length = Number(bits);
  if (length < MESH_BITS || length > ADDRESS_BITS) {
    const expected = `a subnet of the mesh has ${MESH_BITS} to ${ADDRESS_BITS} bits, as in 300:1:2:3::/64`;
    throw new RatatoskError('TARGET_UNKNOWN', `${target}: ${expected}`);
  }
  return { octets: masked(findTarget(head, {}, addressOf), length), length };
}

export function prefixText({ octets, length }: Prefix): string {
  return `${addressText(octets)}/${length}`;
}

/** Whether all of `inner` lies in `outer`. */
export function covers(outer: Prefix, inner: Prefix): boolean {
  return outer.length <= inner.length && Buffer.compare(masked(inner.octets, outer.length), outer.octets) === 0;
}

function masked(octets: Uint8Array, length: number): Uint8Array {
  return octets.map((octet, i) => octet & (0xff << Math.min(8, Math.max(0, 8 * (i + 1) - length))));
}

function nameOwn(names: Names, target: string): string | undefined {
  return Object.entries(names).find(([name]) => name.toLowerCase() === target.toLowerCase())?.[1];
}
