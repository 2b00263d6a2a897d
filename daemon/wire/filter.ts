/** BloomFilter bodies: 128 words of 64 bits, runs of all-zero and all-one words left out (section 4.6). */
import { Reader, type Writer } from './cursor.ts';

export const FILTER_BITS = 8192;
export const FILTER_WORDS = 128;
const FLAG_OCTETS = 16;

/**
 * A filter in memory: 256 halves of 32 bits. Word k is `[2k]` (low half) and `[2k + 1]` (high half), so that bit i of
 * the filter is bit `i mod 32` of half `i / 32`.
 */
export type FilterHalves = Uint32Array;

export function emptyFilter(): FilterHalves {
  return new Uint32Array(FILTER_WORDS * 2);
}

export function readFilter(body: Uint8Array): FilterHalves | undefined {
  const reader = new Reader(body);
  const zeros = reader.octets(FLAG_OCTETS);
  const ones = reader.octets(FLAG_OCTETS);
  if (!reader.ok) return undefined;
  const halves = emptyFilter();
  for (let word = 0; word < FILTER_WORDS; word++) {
    const isZero = hasFlag(zeros, word);
    const isOnes = hasFlag(ones, word);
    if (isZero && isOnes) return undefined;
    if (isZero) continue;
    halves[2 * word + 1] = isOnes ? 0xffff_ffff : reader.u32();
    halves[2 * word] = isOnes ? 0xffff_ffff : reader.u32();
  }
  return reader.isDone ? halves : undefined;
}

export function writeFilter(writer: Writer, halves: FilterHalves): void {
  const flags = new Uint8Array(2 * FLAG_OCTETS);
  for (let word = 0; word < FILTER_WORDS; word++) {
    const bit = 0x80 >> (word & 7);
    if (isWord(halves, word, 0)) flags[word >> 3] = (flags[word >> 3] as number) | bit;
    if (isWord(halves, word, 0xffff_ffff)) {
      flags[FLAG_OCTETS + (word >> 3)] = (flags[FLAG_OCTETS + (word >> 3)] as number) | bit;
    }
  }
  writer.octets(flags);
  for (let word = 0; word < FILTER_WORDS; word++) {
    if (isWord(halves, word, 0) || isWord(halves, word, 0xffff_ffff)) continue;
    writer.u32(halves[2 * word + 1] as number).u32(halves[2 * word] as number);
  }
}

function hasFlag(flags: Uint8Array, word: number): boolean {
  return ((flags[word >> 3] as number) & (0x80 >> (word & 7))) !== 0;
}

function isWord(halves: FilterHalves, word: number, half: number): boolean {
  return halves[2 * word] === half && halves[2 * word + 1] === half;
}
