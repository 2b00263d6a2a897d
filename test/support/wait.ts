/**
 * Waiting for a condition of the real world, with a limit. Tests never sleep for luck.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export type WaitOptions = { limitMs?: number; everyMs?: number };

/** Claims nothing: it ends what hangs, also where everything is slow. A test that claims a time names it. */
const LIMIT_MS = 20_000;

/**
 * Asks until the answer is neither undefined nor false. An answer that throws counts as "not yet"; the last one is
 * named when the limit is reached.
 */
export async function waitFor<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  options: WaitOptions = {},
): Promise<T> {
  const limitMs = options.limitMs ?? LIMIT_MS;
  const everyMs = options.everyMs ?? 50;
  const startMs = performance.now();
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() - startMs >= limitMs) {
      throw new Error(`waited ${limitMs} ms in vain for: ${what}`, lastError === undefined ? {} : { cause: lastError });
    }
    await sleep(everyMs);
  }
}

/** The promise, or an error when it takes longer than the limit. */
export async function within<T>(what: string, limitMs: number, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(limitMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`took longer than ${limitMs} ms: ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}
