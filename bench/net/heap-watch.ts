/**
 * Loaded into a daemon by NODE_OPTIONS: the heap of its other threads, after a collection, as lines in files of the folder
 * RTSK_BENCH_HEAP named by process and thread.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, threadId } from 'node:worker_threads';
import { loadIntoWorkers } from './into-workers.ts';

export type HeapLine = {
  readonly atUnixMs: number;
  readonly usedOctets: number;
  /** Sum of everything allocated on the heap so far, as far as samples between collections tell. */
  readonly allocatedOctets: number;
};

const SAMPLE_MS = 20;
const REPORT_MS = 2_000;

const folder = process.env.RTSK_BENCH_HEAP;
if (isMainThread) loadIntoWorkers(import.meta.filename);
else if (folder !== undefined) watch(join(folder, `${process.pid}-${threadId}`));

function watch(file: string): void {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let allocatedOctets = 0;
  let before = getHeapStatistics().used_heap_size;
  const sample = (): void => {
    const used = getHeapStatistics().used_heap_size;
    allocatedOctets += Math.max(0, used - before);
    before = used;
  };
  setInterval(sample, SAMPLE_MS).unref();
  setInterval(() => {
    sample();
    collect();
    before = getHeapStatistics().used_heap_size;
    const line: HeapLine = { atUnixMs: Date.now(), usedOctets: before, allocatedOctets };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
  }, REPORT_MS).unref();
}
