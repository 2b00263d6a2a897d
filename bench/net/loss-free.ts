/** The highest rate at which packets arrive, by binary search. */

import type { Scene } from './rows.ts';
import { type Flooded, flood } from './traffic.ts';

const LEAST_RATE = 4_000;
const MOST_RATE = 256_000;
const STEPS = 7;
const TRIAL_SECONDS = 1;
/** A shared machine loses a packet now and then that no daemon is guilty of. */
const LOSS_MAX = 0.001;
/** Below this the generator was the limit. */
const SENT_MIN = 0.97;

/** Packets a second. */
export async function lossFreeRate({ lab, from, to }: Scene, octets: number): Promise<number> {
  const isLossFree = async (rate: number): Promise<boolean> => {
    // Twice: a single hiccup must not halve the answer.
    for (let attempt = 0; attempt < 2; attempt++) {
      const outcome = await flood(lab, from, to, { octets, seconds: TRIAL_SECONDS, rate });
      if (isSteady(outcome, rate) && outcome.sent - outcome.received <= outcome.sent * LOSS_MAX) return true;
    }
    return false;
  };
  let least = LEAST_RATE;
  let most = MOST_RATE;
  for (let step = 0; step < STEPS; step++) {
    const rate = Math.round(Math.sqrt(least * most));
    if (await isLossFree(rate)) least = rate;
    else most = rate;
  }
  return least;
}

function isSteady({ sent, sendSeconds }: Flooded, rate: number): boolean {
  return sent >= rate * sendSeconds * SENT_MIN;
}
