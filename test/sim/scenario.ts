/**
 * A test that runs on a seed. Without SEED in the environment it is always the same one, so that a failure in `npm test`
 * is never luck; `SEED=…` replays another run, or looks for one that fails.
 */
import { test } from 'node:test';

const SEED = Number(process.env.SEED ?? 1);

export function scenario(name: string, run: (seed: number) => void): void {
  test(name, () => {
    try {
      run(SEED);
    } catch (error) {
      throw new Error(`SEED=${SEED}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  });
}
