import { test } from 'node:test';
import { runModel } from '../support/datagram-model.ts';

const SEEDS = 60;

test('L13: both sides begin at once on a bad medium, and always agree on one link (short)', () => {
  const only = Number(process.env.SEED ?? 0);
  const seeds = only > 0 ? [only] : Array.from({ length: SEEDS }, (_, i) => 1 + i);
  for (const seed of seeds) runSeed(seed);
});

function runSeed(seed: number): void {
  try {
    runModel(seed);
  } catch (cause) {
    throw new Error(`SEED=${seed}`, { cause });
  }
}
