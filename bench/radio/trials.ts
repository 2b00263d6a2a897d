import { STOP_AND_WAIT } from './stop-and-wait.ts';
import type { Trial } from './trial.ts';
import { LINE_TRIALS } from './trials-line.ts';
import { MANY_TRIALS } from './trials-many.ts';
import { PAIR_TRIALS } from './trials-pair.ts';

/** All trials, in the order they are shown. */
export const TRIALS: readonly Trial[] = [...PAIR_TRIALS, ...MANY_TRIALS, ...LINE_TRIALS, ...STOP_AND_WAIT].sort(
  (a, b) => (a.name[0] as string).localeCompare(b.name[0] as string),
);
