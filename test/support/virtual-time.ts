/**
 * Time that passes only when the test says so: `setTimeout`, `clearTimeout` and `performance.now` of one test. Sockets and
 * their own timeouts go on as they are. Node's own mock loses timers when one clears itself while it runs.
 */
import type { TestContext } from 'node:test';

type Entry = { readonly atMs: number; readonly act: () => void };

export class VirtualTime {
  nowMs = 1_000_000;
  /** Timers that have gone off. */
  fired = 0;
  /** In order of making: of those with one time the first made comes first. */
  readonly #entries = new Set<Entry>();

  /** Ends with the test. */
  constructor(t: TestContext) {
    t.mock.method(performance, 'now', () => this.nowMs);
    t.mock.method(globalThis, 'setTimeout', (act: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]) => {
      // As the real one: what it cannot wait for it does at once.
      const waitMs = delayMs >= 1 && delayMs <= 2 ** 31 - 1 ? delayMs : 1;
      const entry: Entry = { atMs: this.nowMs + waitMs, act: () => act(...args) };
      this.#entries.add(entry);
      return entry;
    });
    t.mock.method(globalThis, 'clearTimeout', (entry: Entry | undefined) => {
      if (entry !== undefined) this.#entries.delete(entry);
    });
  }

  /** Lets time pass at once; what is due happens in order. */
  tick(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#entries.delete(next);
      this.fired++;
      next.act();
    }
    this.nowMs = untilMs;
  }

  /** Lets time pass in steps, between which the event loop turns. */
  async advance(ms: number): Promise<void> {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs; ) {
      this.tick(Math.min(500, untilMs - this.nowMs));
      await turns(3);
    }
    await turns(30);
  }

  #next(untilMs: number): Entry | undefined {
    let next: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.atMs <= untilMs && (next === undefined || entry.atMs < next.atMs)) next = entry;
    }
    return next;
  }
}

/** Lets everything happen that waits for nothing but its turn. */
export async function turns(count = 50): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
