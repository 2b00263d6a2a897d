/** Who has looked for nodes through this one, and where they are: kept for `LogLookups` alone. */
import type { PathLookup } from '../../wire/lookup.ts';
import type { Context } from '../context.ts';
import { LOOKUP_LOG } from '../limits.ts';
import { OctetMap } from '../octetmap.ts';
import { type Coords, type PublicKey, publicKey } from '../port.ts';

export type LookupSeen = { readonly key: PublicKey; readonly coords: Coords; readonly ageMs: number };

type Entry = { readonly key: PublicKey; readonly coords: Coords; readonly atMs: number };

export class LookupLog {
  readonly #context: Context;
  readonly #entries: OctetMap<Entry>;

  constructor(context: Context) {
    this.#context = context;
    this.#entries = new OctetMap(32, context.hashSeed);
  }

  /** The latest of each source; nobody has checked who it is. */
  seen({ source, from }: PathLookup): void {
    if (this.#context.options.logsLookups !== true) return;
    const key = publicKey(source.slice());
    this.#entries.delete(key);
    const oldest = this.#entries.size >= LOOKUP_LOG.entries ? this.#entries.oldest() : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest.key);
    this.#entries.set(key, { key, coords: from.slice() as Coords, atMs: this.#context.nowMs });
  }

  /** Undefined: they are not kept. */
  rows(): LookupSeen[] | undefined {
    const { nowMs, options } = this.#context;
    if (options.logsLookups !== true) return undefined;
    const rows = [...this.#entries.values()].map(({ key, coords, atMs }) => ({ key, coords, ageMs: nowMs - atMs }));
    return rows.filter(({ ageMs }) => ageMs < LOOKUP_LOG.lifeMs);
  }
}
