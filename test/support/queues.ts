/** A queue that counts what it loses. */
import type { CodelTimes } from '../../daemon/core/codel.ts';
import type { BufferPool } from '../../daemon/core/pool.ts';
import { FairQueue, type LossWatcher } from '../../daemon/core/queue.ts';

export type Losses = { full: number; late: number };

export function countLosses(): { losses: Losses; lost: LossWatcher } {
  const losses = { full: 0, late: 0 };
  return {
    losses,
    lost: (why) => {
      losses[why]++;
    },
  };
}

export function queueOf(maxBytes: number, pool: BufferPool, times?: CodelTimes): FairQueue & { losses: Losses } {
  const { losses, lost } = countLosses();
  return Object.assign(new FairQueue(maxBytes, pool, lost, times), { losses });
}
