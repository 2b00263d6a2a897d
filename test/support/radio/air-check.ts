/** Whether what a station sent kept the law: counted from outside, by the channel's own record. */
import type { AirLimit } from '../../../daemon/core/radio/facts.ts';

export type Sending = { readonly fromMs: number; readonly toMs: number };

export type Violation = {
  readonly limit: AirLimit;
  readonly atMs: number;
  readonly usedMs: number;
  readonly what: 'window' | 'frame';
};

/** Rounding of sums, no more. */
const EPSILON_MS = 1e-6;

/**
 * The first offence against each limit. The most air time in any window is reached in one that ends with a transmission: so these
 * are looked at, all of them.
 */
export function violations(sent: readonly Sending[], limits: readonly AirLimit[]): Violation[] {
  return limits.flatMap((limit) => {
    const found = longFrame(sent, limit) ?? fullWindow(sent, limit);
    return found === undefined ? [] : [found];
  });
}

/** Air time within the window that ends at `atMs`. */
export function usedMs(sent: readonly Sending[], atMs: number, windowMs: number): number {
  return sent.reduce((sum, { fromMs, toMs }) => sum + overlap(fromMs, toMs, atMs - windowMs, atMs), 0);
}

function longFrame(sent: readonly Sending[], limit: AirLimit): Violation | undefined {
  const long = sent.find(({ fromMs, toMs }) => toMs - fromMs > limit.frameMs + EPSILON_MS);
  return long && { limit, atMs: long.toMs, usedMs: long.toMs - long.fromMs, what: 'frame' };
}

function fullWindow(sent: readonly Sending[], limit: AirLimit): Violation | undefined {
  const { windowMs, airMs } = limit;
  let first = 0;
  /** Of whole transmissions from `first` on. */
  let sumMs = 0;
  for (const { fromMs, toMs } of sent) {
    sumMs += toMs - fromMs;
    const sinceMs = toMs - windowMs;
    while ((sent[first] as Sending).toMs <= sinceMs) {
      const gone = sent[first++] as Sending;
      sumMs -= gone.toMs - gone.fromMs;
    }
    const outsideMs = Math.max(sinceMs - (sent[first] as Sending).fromMs, 0);
    if (sumMs - outsideMs > airMs + EPSILON_MS) return { limit, atMs: toMs, usedMs: sumMs - outsideMs, what: 'window' };
  }
  return undefined;
}

function overlap(fromMs: number, toMs: number, sinceMs: number, untilMs: number): number {
  return Math.max(Math.min(toMs, untilMs) - Math.max(fromMs, sinceMs), 0);
}
