/** How a path loses frames that nothing else has spoilt. */
import type { Random } from '../../sim/random.ts';

/**
 * Gilbert and Elliott's channel: a state good or bad, which may change after every frame, and a loss share in each. Independent
 * losses are the case of one state.
 */
export type LossFacts = {
  readonly inGood: number;
  readonly inBad: number;
  /** Chances of a change, a frame. */
  readonly toBad: number;
  readonly toGood: number;
};

export const NO_LOSS: LossFacts = { inGood: 0, inBad: 0, toBad: 0, toGood: 1 };

export function independent(share: number): LossFacts {
  return { ...NO_LOSS, inGood: share };
}

/** The same share, in bursts of a mean length: the bad state loses everything, the good one nothing. */
export function bursty(share: number, meanFrames: number): LossFacts {
  const toGood = 1 / meanFrames;
  return { inGood: 0, inBad: 1, toBad: (toGood * share) / (1 - share), toGood };
}

/** The losses of one direction of one path. */
export class Losses {
  readonly #facts: LossFacts;
  readonly #random: Random;
  #isBad = false;

  constructor(facts: LossFacts, random: Random) {
    this.#facts = facts;
    this.#random = random;
  }

  /** Whether the next frame is lost. */
  takes(): boolean {
    const { inGood, inBad, toBad, toGood } = this.#facts;
    const isLost = this.#random.chance(this.#isBad ? inBad : inGood);
    if (this.#random.chance(this.#isBad ? toGood : toBad)) this.#isBad = !this.#isBad;
    return isLost;
  }
}
