/** Counters, queues, limits and loops as the admin socket tells them. */
import type { CallContext } from './admin-call.ts';
import type { LimitAnswer, LoopAnswer, StatsAnswer } from './answers.ts';
import { heapInfo } from './heap.ts';
import type { LoopInfo } from './loop.ts';

export async function statsAnswer(context: Pick<CallContext, 'ask' | 'limits' | 'loop'>): Promise<StatsAnswer> {
  const { counters, drops, closes, sizes, loop, memory } = await context.ask('stats', {});
  const used: Partial<Record<string, number>> = {
    links: sizes.links,
    sessions: sizes.sessions.ironwood + sizes.sessions.e2e,
  };
  const limits = Object.entries(context.limits()).map(([name, max]): [string, LimitAnswer] => [
    name,
    { used: used[name], max },
  ]);
  return {
    counters,
    drops,
    closes,
    loops: { router: loopJson(loop), host: loopJson(context.loop()) },
    queues: sizes.queuedBytes,
    limits: Object.fromEntries(limits),
    memory: { rss: process.memoryUsage.rss(), router: memory, host: heapInfo() },
  };
}

function loopJson({ busy, lagMeanMs, lagMaxMs }: LoopInfo): LoopAnswer {
  return { busy, lag_mean_ms: lagMeanMs, lag_max_ms: lagMaxMs };
}
