/** Which counters of one key and direction have been seen: a window that slides with the highest. */

const TWO_32 = 0x1_0000_0000;

/** Counters are 64-bit, as unsigned halves. */
export class ReplayWindow {
  readonly #size: number;
  readonly #bits: Uint32Array;
  /** The highest accepted; one below zero while there is none. */
  #high = 0;
  #low = -1;

  /** @param size how late a counter may come, in counters; a power of two, at least 32 */
  constructor(size: number) {
    this.#size = size;
    this.#bits = new Uint32Array(size / 32);
  }

  /** One more than the highest accepted; exact below 2^53. */
  get expected(): number {
    return this.#high * TWO_32 + this.#low + 1;
  }

  /** Of the counters in the window, 0 to 1: what of the latest has not come, or not yet. */
  get missingShare(): number {
    let seen = 0;
    for (const word of this.#bits) seen += bitCount(word);
    const all = Math.min(this.expected, this.#size);
    return all === 0 ? 0 : 1 - seen / all;
  }

  /** Neither seen nor too old. */
  isNew(high: number, low: number): boolean {
    const behind = this.#behind(high, low);
    if (behind < 0) return true;
    if (behind >= this.#size) return false;
    return ((this.#bits[this.#slot(low)] as number) & (1 << (low & 31))) === 0;
  }

  /** Remembers a counter that `isNew` and whose packet was authentic. */
  accept(high: number, low: number): void {
    const ahead = -this.#behind(high, low);
    if (ahead >= this.#size) this.#bits.fill(0);
    else for (let i = 1; i <= ahead; i++) this.#clear(this.#low + i);
    if (ahead > 0) {
      this.#high = high;
      this.#low = low;
    }
    const slot = this.#slot(low);
    this.#bits[slot] = (this.#bits[slot] as number) | (1 << (low & 31));
  }

  /** How far below the highest; exact wherever it is near, since then the high halves differ by one at most. */
  #behind(high: number, low: number): number {
    return (this.#high - high) * TWO_32 + (this.#low - low);
  }

  #clear(low: number): void {
    const slot = this.#slot(low);
    this.#bits[slot] = (this.#bits[slot] as number) & ~(1 << (low & 31));
  }

  #slot(low: number): number {
    return (low & (this.#size - 1)) >> 5;
  }
}

/** Bits of 32 that are set: pairs, fours and octets are added side by side, and then the octets. */
function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/**
 * The counter of a record whose header holds its low `bits` (link document, section 5): of all that end so, the one
 * nearest to `expected`.
 */
export function reconstructCounter(expected: number, low: number, bits: 16 | 32): number {
  const cycle = bits === 16 ? 0x1_0000 : TWO_32;
  const counter = expected - (expected % cycle) + low;
  if (counter + cycle / 2 <= expected) return counter + cycle;
  if (counter > expected + cycle / 2 && counter >= cycle) return counter - cycle;
  return counter;
}
