/** Makes events of counters: what is dropped or refused for a new reason, or goes on being so, is told once a minute. */
import type { StatsInfo } from '../core/port.ts';
import type { Events } from './events.ts';

const REPEAT_MS = 60_000;

type Seen = { count: number; toldMs: number };

export class DropWatch {
  readonly #events: Events;
  readonly #seen = new Map<string, Seen>();
  #isFirst = true;

  constructor(events: Events) {
    this.#events = events;
  }

  look({ drops, closes }: Pick<StatsInfo, 'drops' | 'closes'>, nowMs: number): void {
    this.#compare('dropped', drops, nowMs);
    this.#compare('links ended here', closes, nowMs);
    this.#isFirst = false;
  }

  #compare(what: string, counts: Readonly<Record<string, number>>, nowMs: number): void {
    for (const [reason, count] of Object.entries(counts)) {
      const name = `${what}: ${reason}`;
      const seen = this.#seen.get(name) ?? { count: this.#isFirst ? count : 0, toldMs: Number.NEGATIVE_INFINITY };
      this.#seen.set(name, seen);
      if (count <= seen.count || nowMs - seen.toldMs < REPEAT_MS) continue;
      this.#events.add('drops', 'info', name, { count: count - seen.count });
      seen.count = count;
      seen.toldMs = nowMs;
    }
  }
}
