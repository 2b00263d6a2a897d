/**
 * A map from octet strings of one fixed length to values, without making text of the octets. The hash is seeded, so
 * nobody can choose keys that collide.
 */
export class OctetMap<T> {
  readonly #length: number;
  readonly #seed: number;
  /** By the low 32 bits of the hash: a `Map` finds small integers without making numbers of them first. */
  readonly #table = new Map<number, Entry<T>>();
  #size = 0;

  /** @param length octets of a key, a multiple of 4 */
  constructor(length: number, seed: number) {
    this.#length = length;
    this.#seed = seed | 0;
  }

  get size(): number {
    return this.#size;
  }

  get(octets: Uint8Array, at = 0): T | undefined {
    return this.getHashed(hashOctets(octets, at, this.#length, this.#seed), octets, at);
  }

  /** For a caller that has hashed the octets already, with the same seed. */
  getHashed(hash: number, octets: Uint8Array, at = 0): T | undefined {
    let entry = this.#table.get(hash | 0);
    while (entry !== undefined) {
      if (equalAt(entry.octets, octets, at, this.#length)) return entry.value;
      entry = entry.next;
    }
    return undefined;
  }

  has(octets: Uint8Array, at = 0): boolean {
    return this.get(octets, at) !== undefined;
  }

  /** Copies the octets of a new key. A new key goes to the end of the order of `values`. */
  set(octets: Uint8Array, value: T, at = 0): void {
    const hash = hashOctets(octets, at, this.#length, this.#seed) | 0;
    const head = this.#table.get(hash);
    for (let entry = head; entry !== undefined; entry = entry.next) {
      if (equalAt(entry.octets, octets, at, this.#length)) {
        entry.value = value;
        return;
      }
    }
    this.#table.set(hash, { octets: octets.slice(at, at + this.#length), value, next: head });
    this.#size++;
  }

  delete(octets: Uint8Array, at = 0): boolean {
    const hash = hashOctets(octets, at, this.#length, this.#seed) | 0;
    let previous: Entry<T> | undefined;
    for (let entry = this.#table.get(hash); entry !== undefined; previous = entry, entry = entry.next) {
      if (!equalAt(entry.octets, octets, at, this.#length)) continue;
      if (previous !== undefined) previous.next = entry.next;
      else if (entry.next !== undefined) this.#table.set(hash, entry.next);
      else this.#table.delete(hash);
      this.#size--;
      return true;
    }
    return false;
  }

  /** Moves a key to the end of the order: `oldest` is then the one least recently touched. */
  touch(octets: Uint8Array): void {
    const value = this.get(octets);
    if (value === undefined) return;
    this.delete(octets);
    this.set(octets, value);
  }

  oldest(): T | undefined {
    for (const value of this.values()) return value;
    return undefined;
  }

  *values(): IterableIterator<T> {
    for (const head of this.#table.values()) {
      for (let entry: Entry<T> | undefined = head; entry !== undefined; entry = entry.next) yield entry.value;
    }
  }
}

type Entry<T> = { readonly octets: Uint8Array; value: T; next: Entry<T> | undefined };

export function equalAt(a: Uint8Array, b: Uint8Array, bAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[i] !== b[bAt + i]) return false;
  return true;
}

export function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && equalAt(a, b, 0, a.length);
}

/** Negative, zero or positive: unsigned octet strings of equal length, first octet first. */
export function compareOctets(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** 52 bits from two lanes of multiply-and-rotate over the words; as a double it stays exact. */
export function hashOctets(octets: Uint8Array, at: number, length: number, seed: number): number {
  let a = seed;
  let b = ~seed;
  for (let i = at; i < at + length; i += 4) {
    const word =
      (octets[i] as number) |
      ((octets[i + 1] as number) << 8) |
      ((octets[i + 2] as number) << 16) |
      ((octets[i + 3] as number) << 24);
    a = Math.imul(((a ^ word) << 15) | ((a ^ word) >>> 17), 0x9e37_79b1);
    b = Math.imul(((b + word) << 13) | ((b + word) >>> 19), 0x85eb_ca6b) ^ a;
  }
  a = Math.imul(a ^ (a >>> 15), 0x2c1b_3c6d);
  return ((b ^ (b >>> 13)) & 0xf_ffff) * 0x1_0000_0000 + ((a ^ (a >>> 16)) >>> 0);
}
