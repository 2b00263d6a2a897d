/**
 * The flight recorder: what has happened to this node, the latest entries in memory and in a file that takes turns with an
 * older one. Nobody who can cause entries can fill it: each kind has its own budget, and what exceeds it is counted.
 */
import type { Fields, Level } from './log.ts';

export const EVENT_KINDS = [
  'daemon',
  'configuration',
  'firewall',
  'tree',
  'peer',
  'link',
  'path',
  'session',
  'radio',
  'limit',
  'drops',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export type Happening = {
  /** Counts up by one within a life of the daemon; 0 for those of earlier lives. */
  readonly seq: number;
  readonly unixMs: number;
  readonly kind: EventKind;
  readonly level: Level;
  readonly text: string;
  readonly fields: Fields;
};

const KEPT = 4_096;
/** Of each kind. */
const PER_SECOND = 20;
const BURST = 200;

export type EventQuery = {
  readonly kinds: ReadonlySet<EventKind> | undefined;
  readonly sinceUnixMs: number;
  /** The latest so many. */
  readonly most: number;
};

export type EventClock = { readonly unixMs: () => number; readonly monotonicMs: () => number };

export class Events {
  readonly #clock: EventClock;
  readonly #kept: Happening[] = [];
  readonly #budgets = new Map<EventKind, { left: number; atMs: number; dropped: number }>();
  readonly #listeners = new Set<(happening: Happening) => void>();
  #seq = 0;
  #earlier: (() => readonly Happening[]) | undefined;

  /** `earlier` tells what happened in earlier lives, the oldest first; it is asked when somebody wants to know. */
  constructor(clock: EventClock, earlier: () => readonly Happening[] = () => []) {
    this.#clock = clock;
    this.#earlier = earlier;
  }

  add(kind: EventKind, level: Level, text: string, fields: Fields = {}): void {
    const dropped = this.#admit(kind);
    if (dropped === undefined) return;
    const shown = dropped === 0 ? fields : { ...fields, leftOut: dropped };
    const happening = { seq: ++this.#seq, unixMs: this.#clock.unixMs(), kind, level, text, fields: shown };
    this.#kept.push(happening);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const listener of [...this.#listeners]) listener(happening);
  }

  /** The oldest first. */
  find({ kinds, sinceUnixMs, most }: EventQuery): Happening[] {
    this.#recall();
    const found = this.#kept.filter(
      ({ kind, unixMs }) => unixMs >= sinceUnixMs && (kinds === undefined || kinds.has(kind)),
    );
    return found.slice(-most);
  }

  /** Told of each entry from now on, until the answer is called. */
  listen(listener: (happening: Happening) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #recall(): void {
    if (this.#earlier === undefined) return;
    const room = KEPT - this.#kept.length;
    if (room > 0) this.#kept.unshift(...this.#earlier().slice(-room));
    this.#earlier = undefined;
  }

  /** How many like it were left out before; undefined: it is too. */
  #admit(kind: EventKind): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const budget = this.#budgets.get(kind) ?? { left: BURST, atMs: nowMs, dropped: 0 };
    this.#budgets.set(kind, budget);
    budget.left = Math.min(BURST, budget.left + ((nowMs - budget.atMs) / 1_000) * PER_SECOND);
    budget.atMs = nowMs;
    if (budget.left < 1) {
      budget.dropped++;
      return undefined;
    }
    budget.left--;
    const { dropped } = budget;
    budget.dropped = 0;
    return dropped;
  }
}
