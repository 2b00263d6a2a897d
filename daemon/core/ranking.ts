/**
 * Which entries of a table move the most octets. What each has moved counts half after a few seconds, so that those who are
 * shown do not change with every burst.
 */

/** What an entry keeps for its ranking alone. */
export type Ranked = { countedBytes: number; activity: number };

const HALF_MS = 4_000;

export class Ranking<T extends Ranked> {
  readonly #moved: (entry: T) => number;
  #atMs = 0;

  /** `moved`: octets in both directions since the entry began. */
  constructor(moved: (entry: T) => number) {
    this.#moved = moved;
  }

  /** At most so many, the busiest first; of those alike the first in the list. */
  busiest(entries: readonly T[], most: number, nowMs: number): T[] {
    this.#count(entries, nowMs);
    const byActivity = (a: T, b: T): number => b.activity - a.activity;
    if (entries.length <= most) return [...entries].sort(byActivity);
    // Numbers are sorted far faster than entries are.
    const bound = Float64Array.from(entries, ({ activity }) => activity).sort()[entries.length - most];
    if (bound === undefined) return [];
    const chosen = entries.filter(({ activity }) => activity > bound).sort(byActivity);
    for (const entry of entries) {
      if (chosen.length >= most) break;
      if (entry.activity === bound) chosen.push(entry);
    }
    return chosen;
  }

  #count(entries: readonly T[], nowMs: number): void {
    const kept = 0.5 ** ((nowMs - this.#atMs) / HALF_MS);
    this.#atMs = nowMs;
    for (const entry of entries) {
      const moved = this.#moved(entry);
      entry.activity = Math.round(entry.activity * kept + moved - entry.countedBytes);
      entry.countedBytes = moved;
    }
  }
}
