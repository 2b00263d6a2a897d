/** Tables and heaps that are near their caps. */
import type { LimitAnswer, StatsAnswer } from '../../host/answers.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './finding.ts';

const NEAR = 0.9;
/** Those that a configuration may raise; the others are what the software can bear. */
const REMEDIES: Readonly<Record<string, string>> = {
  links: 'raise Limits.links',
  sessions: 'raise Limits.sessions',
};

export const limits: Check = {
  name: 'limits',
  look: ({ daemon }) =>
    daemon === undefined ? [skipped('told by a running daemon only')] : limitFindings(daemon.stats),
};

export function limitFindings({ limits, memory }: Pick<StatsAnswer, 'limits' | 'memory'>): Finding[] {
  const heap = 'a larger --max-old-space-size, or fewer links and sessions';
  const rows: [name: string, limit: LimitAnswer, remedy: string | undefined][] = [
    ...Object.entries(limits).map(([name, limit]): [string, LimitAnswer, string | undefined] => [
      name,
      limit,
      REMEDIES[name],
    ]),
    ['memory of the router thread', memory.router, heap],
    ['memory of the host thread', memory.host, heap],
  ];
  const near = rows.filter(([, { used = 0, max }]) => max > 0 && used >= NEAR * max);
  if (near.length === 0) return [ok('nothing is near its cap')];
  return near.map(([name, { used = 0, max }, remedy]) => {
    const text = `${name}: ${used} of ${max}`;
    return used >= max ? failed(`${text}: more is refused or dropped`, remedy) : warning(text, remedy);
  });
}
