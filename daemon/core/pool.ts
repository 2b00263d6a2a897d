/**
 * Buffers for packets that wait, by size class, used again instead of collected. A buffer that is given back rests
 * until `settle`: a sealing batch may still write into it.
 */
const CLASSES: readonly number[] = [256, 2_048, 4_096, 16_384, 73_728, 147_456];

/** What rests in the pool for later use; more is left to the collector. */
const KEPT_BYTES = 16 * 1024 * 1024;

export type Pooled = { readonly octets: Uint8Array };

export class BufferPool {
  readonly #free: Pooled[][] = CLASSES.map(() => []);
  #returned: Pooled[] = [];
  #keptBytes = 0;

  /** At least `size` octets, with whatever they held before. */
  take(size: number): Pooled {
    const index = CLASSES.findIndex((capacity) => capacity >= size);
    if (index < 0) throw new RangeError('no packet is larger than a frame');
    const free = this.#free[index]?.pop();
    if (free === undefined) return { octets: new Uint8Array(CLASSES[index] as number) };
    this.#keptBytes -= free.octets.length;
    return free;
  }

  give(buffer: Pooled): void {
    this.#returned.push(buffer);
  }

  /** Call when no batch refers to returned buffers any more. */
  settle(): void {
    if (this.#returned.length === 0) return;
    for (const buffer of this.#returned) {
      if (this.#keptBytes + buffer.octets.length > KEPT_BYTES) continue;
      this.#keptBytes += buffer.octets.length;
      this.#free[CLASSES.indexOf(buffer.octets.length)]?.push(buffer);
    }
    this.#returned = [];
  }
}
