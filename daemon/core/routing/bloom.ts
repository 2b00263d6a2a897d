/** Bloom filters: hashing and set operations (section 4.6). Formats are in `wire/filter.ts`. */
import { FILTER_BITS, type FilterHalves } from '../../wire/filter.ts';

const MASK = 0xffff_ffff_ffff_ffffn;
const C1 = 0x87c3_7b91_1142_53d5n;
const C2 = 0x4cf5_ad43_2745_937fn;

/** Multiplied hash (h2 or h3) for each of the eight positions; the added one alternates between h0 and h1. */
const MULTIPLIED = [2, 3, 3, 2, 2, 3, 3, 2] as const;

/** The eight bit positions of an item. */
export function filterPositions(item: Uint8Array): Uint16Array {
  const extended = new Uint8Array(item.length + 1);
  extended.set(item);
  extended[item.length] = 1;
  const hashes = [...murmur3(item), ...murmur3(extended)] as [bigint, bigint, bigint, bigint];
  return Uint16Array.from(MULTIPLIED, (multiplied, i) => {
    const sum = (hashes[i % 2 === 0 ? 0 : 1] + BigInt(i) * hashes[multiplied]) & MASK;
    return Number(sum % BigInt(FILTER_BITS));
  });
}

export function filterAdd(filter: FilterHalves, positions: Uint16Array): void {
  for (const bit of positions) filter[bit >> 5] = ((filter[bit >> 5] as number) | (1 << (bit & 31))) >>> 0;
}

export function filterHas(filter: FilterHalves, positions: Uint16Array): boolean {
  for (let i = 0; i < positions.length; i++) {
    const bit = positions[i] as number;
    if (((filter[bit >> 5] as number) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

/** Adds all of `other`. */
export function filterMerge(filter: FilterHalves, other: FilterHalves): void {
  for (let i = 0; i < filter.length; i++) filter[i] = (filter[i] as number) | (other[i] as number);
}

export function filterEquals(a: FilterHalves, b: FilterHalves): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function filterContains(filter: FilterHalves, subset: FilterHalves): boolean {
  for (let i = 0; i < filter.length; i++) if (((subset[i] as number) & ~(filter[i] as number)) !== 0) return false;
  return true;
}

/** MurmurHash3 x64 128-bit, seed 0. */
export function murmur3(data: Uint8Array): [bigint, bigint] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let h1 = 0n;
  let h2 = 0n;
  const blocks = data.length >> 4;
  for (let i = 0; i < blocks; i++) {
    h1 ^= mixFirst(view.getBigUint64(i * 16, true));
    h1 = ((rotate(h1, 27n) + h2) * 5n + 0x52dc_e729n) & MASK;
    h2 ^= mixSecond(view.getBigUint64(i * 16 + 8, true));
    h2 = ((rotate(h2, 31n) + h1) * 5n + 0x3849_5ab5n) & MASK;
  }
  const tail = data.subarray(blocks * 16);
  if (tail.length > 8) h2 ^= mixSecond(littleEndian(tail.subarray(8)));
  if (tail.length > 0) h1 ^= mixFirst(littleEndian(tail.subarray(0, 8)));
  const length = BigInt(data.length);
  h1 ^= length;
  h2 ^= length;
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  h1 = finish(h1);
  h2 = finish(h2);
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  return [h1, h2];
}

function mixFirst(k: bigint): bigint {
  return (rotate((k * C1) & MASK, 31n) * C2) & MASK;
}

function mixSecond(k: bigint): bigint {
  return (rotate((k * C2) & MASK, 33n) * C1) & MASK;
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function finish(k: bigint): bigint {
  k ^= k >> 33n;
  k = (k * 0xff51_afd7_ed55_8ccdn) & MASK;
  k ^= k >> 33n;
  k = (k * 0xc4ce_b9fe_1a85_ec53n) & MASK;
  return k ^ (k >> 33n);
}

function littleEndian(octets: Uint8Array): bigint {
  let value = 0n;
  for (let i = octets.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(octets[i] as number);
  return value;
}
