/** How long questions to other nodes wait: seconds, and more where the way is known to take long. */
import { QUERY_LIFE_MS, QUERY_PATIENCE } from './limits.ts';

export function lifeMs(roundTripMs: number): number {
  return Math.max(QUERY_LIFE_MS, Math.min(QUERY_PATIENCE.lifeTrips * roundTripMs, QUERY_PATIENCE.lifeMostMs));
}

/** `usualMs`: between two sendings. */
export function resendMs(usualMs: number, roundTripMs: number): number {
  return Math.max(usualMs, QUERY_PATIENCE.resendTrips * roundTripMs);
}
