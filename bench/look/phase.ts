/** One stretch of pings through the hub while somebody looks at it. */
import type { Lab } from '../../test/support/lab.ts';
import { roundTrips } from '../net/rows.ts';
import { echo, idle } from '../net/traffic.ts';
import { cpuSeconds, threadSeconds } from '../net/usage.ts';
import type { Scene } from './scene.ts';
import type { Watcher } from './watchers.ts';

export type Phase = {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly lost: number;
  /** Shares of a core. */
  readonly hub: number;
  readonly hubHost: number;
  readonly watcher: number;
  readonly drawnMs: readonly number[];
};

const REST_MS = 1_500;
const INTERVAL_MS = 4;

export async function phase(lab: Lab, { hub, from, to }: Scene, watcher: Watcher, pings: number): Promise<Phase> {
  const watch = await watcher.open(lab, hub);
  try {
    // The first push is the whole table.
    await idle(REST_MS);
    watch.drawn();
    const usage = (): number[] => [
      cpuSeconds(hub.pid),
      threadSeconds(hub.pid, hub.pid),
      watch.pid === undefined ? 0 : cpuSeconds(watch.pid),
    ];
    const before = usage();
    const startMs = performance.now();
    const { sent, received, answers } = await echo(from, to, pings, INTERVAL_MS);
    const seconds = (performance.now() - startMs) / 1_000;
    const [all = 0, host = 0, watching = 0] = usage().map((value, i) => (value - (before[i] ?? 0)) / seconds);
    const { p50, p99 } = roundTrips(answers);
    return {
      p50Ms: p50,
      p99Ms: p99,
      maxMs: Math.max(...answers.map(({ rttMs }) => rttMs)),
      lost: sent - received,
      hub: all,
      hubHost: host,
      watcher: watching,
      drawnMs: watch.drawn(),
    };
  } finally {
    await watch.close();
  }
}
