/** Radios for tests of what they may send. */
import type { AirFacts, AirLimit } from '../../../daemon/core/radio/facts.ts';
import { HOUR_MS } from '../../../daemon/core/radio/ledger.ts';

/** 1 ms an octet, and nothing else costs any. */
export function airFacts(changes: Partial<AirFacts> = {}): AirFacts {
  return {
    modulation: { kind: 'rate', bitsPerSecond: 8_000, frameMs: 0 },
    frameOverhead: 0,
    accessMs: 0,
    sharesAccess: true,
    turnaroundMs: 0,
    limits: [],
    share: 1,
    ledger: 'test',
    ...changes,
  };
}

/** So much of any hour. */
export function duty(share: number, frameMs = Number.POSITIVE_INFINITY): AirLimit {
  return { windowMs: HOUR_MS, airMs: HOUR_MS * share, frameMs };
}
