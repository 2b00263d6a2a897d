import type { Context } from '../context.ts';
import { SESSION_IDLE_MS } from '../limits.ts';

type Kept = { readonly lastActiveMs: number };

/** The common cap of sessions of all kinds: at it, the one that has been idle for longest gives way. */
export class SessionRoom {
  readonly #context: Context;
  readonly #tables: { size(): number; longestIdle(): { sinceMs: number; remove(): void } | undefined }[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** All sessions of one kind, those that are only beginning included. `remove` may come while packets of it are at work. */
  add<S extends Kept>(sessions: { readonly size: number; values(): Iterable<S> }, remove: (session: S) => void): void {
    this.#tables.push({
      size: () => sessions.size,
      longestIdle: () => {
        const session = longestIdle(sessions.values(), this.#context.nowMs);
        return session && { sinceMs: session.lastActiveMs, remove: () => remove(session) };
      },
    });
  }

  /** False: there is no room for one more. */
  make(): boolean {
    const count = this.#tables.reduce((sum, table) => sum + table.size(), 0);
    if (count < this.#context.options.limits.sessions) return true;
    const idle = this.#tables.map((table) => table.longestIdle()).filter((one) => one !== undefined);
    const [first] = idle.sort((a, b) => a.sinceMs - b.sinceMs);
    first?.remove();
    return first !== undefined;
  }
}

/** Undefined: all have been in use lately. */
export function longestIdle<S extends Kept>(sessions: Iterable<S>, nowMs: number): S | undefined {
  let oldest: S | undefined;
  for (const session of sessions) {
    if (oldest === undefined || session.lastActiveMs < oldest.lastActiveMs) oldest = session;
  }
  return oldest === undefined || nowMs - oldest.lastActiveMs < SESSION_IDLE_MS ? undefined : oldest;
}
