/** What was measured lately, a sample a second: fixed rings, so that a dashboard that is kept open for months stays small. */

/** Ten minutes. */
export const SAMPLES = 600;
/** Of those whose history is kept; others begin to have one when somebody leaves. */
const SERIES_MAX = 1_200;

export type Sample = { readonly in: number; readonly out: number; readonly rtt: number };
export type SeriesName = keyof Sample;
const NAMES: readonly SeriesName[] = ['in', 'out', 'rtt'];

type Rings = Readonly<Record<SeriesName, Float32Array>>;

export class History {
  readonly #rings = new Map<string, Rings>();
  readonly #scratch = new Float32Array(SAMPLES);
  #count = 0;

  /** Of all that exist now; those not named any more are forgotten. NaN: it is not known. */
  sample(now: Iterable<readonly [id: string, sample: Sample]>): void {
    const at = this.#count++ % SAMPLES;
    const seen = new Set<string>();
    for (const [id, sample] of now) {
      const rings = this.#ringsOf(id);
      if (rings === undefined) continue;
      seen.add(id);
      for (const name of NAMES) rings[name][at] = sample[name];
    }
    for (const id of this.#rings.keys()) if (!seen.has(id)) this.#rings.delete(id);
  }

  /** From the oldest to the newest, NaN where nothing is known; valid until the next call. */
  of(id: string, name: SeriesName): Float32Array {
    const ring = this.#rings.get(id)?.[name];
    if (ring === undefined) return this.#scratch.fill(Number.NaN);
    const oldest = this.#count % SAMPLES;
    this.#scratch.set(ring.subarray(oldest));
    this.#scratch.set(ring.subarray(0, oldest), SAMPLES - oldest);
    return this.#scratch;
  }

  /** In and out together. */
  both(id: string): Float32Array {
    const rings = this.#rings.get(id);
    const sum = this.of(id, 'in');
    if (rings === undefined) return sum;
    const oldest = this.#count % SAMPLES;
    for (let i = 0; i < SAMPLES; i++) sum[i] = (sum[i] as number) + (rings.out[(oldest + i) % SAMPLES] as number);
    return sum;
  }

  #ringsOf(id: string): Rings | undefined {
    const known = this.#rings.get(id);
    if (known !== undefined || this.#rings.size >= SERIES_MAX) return known;
    const ring = (): Float32Array => new Float32Array(SAMPLES).fill(Number.NaN);
    const rings = { in: ring(), out: ring(), rtt: ring() };
    this.#rings.set(id, rings);
    return rings;
  }
}
