/** What processes have used, from /proc. */
import { readFileSync } from 'node:fs';
import type { Host } from './host.ts';

// sysconf(_SC_CLK_TCK): 100 on every Linux that Node runs on.
const TICKS_PER_SECOND = 100;

/** User and system time of all threads. */
export function cpuSeconds(pid: number): number {
  return secondsIn(`/proc/${pid}/stat`);
}

/** Of one; the main thread has the number of its process. */
export function threadSeconds(pid: number, thread: number): number {
  return secondsIn(`/proc/${pid}/task/${thread}/stat`);
}

function secondsIn(file: string): number {
  const stat = readFileSync(file, 'utf8');
  // The second field, the name, may hold blanks; the others do not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export function residentMib(pid: number, which: 'VmRSS' | 'VmHWM'): number {
  const found = new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1]) / 1024;
}

/** CPU seconds of the daemons in line; empty without daemons. */
export function cpuOf(hosts: readonly Host[]): number[] {
  return hosts.flatMap(({ daemon }) => (daemon === undefined ? [] : [cpuSeconds(daemon.pid)]));
}

export type CpuShares = { all: number; first: number; last: number; hop: number };

/** What was used since `before`; `hop` is the mean of those between the ends. */
export function cpuSince(before: readonly number[], hosts: readonly Host[]): CpuShares {
  const used = cpuOf(hosts).map((seconds, i) => seconds - (before[i] ?? 0));
  const sum = (list: readonly number[]): number => list.reduce((total, seconds) => total + seconds, 0);
  if (used.length === 0) return { all: Number.NaN, first: Number.NaN, last: Number.NaN, hop: Number.NaN };
  const inner = used.slice(1, -1);
  return { all: sum(used), first: used[0] ?? 0, last: used.at(-1) ?? 0, hop: sum(inner) / inner.length };
}
