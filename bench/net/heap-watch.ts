/**
 * Loaded into a daemon by NODE_OPTIONS: the heap of its other threads, after a collection, as lines in files of the folder
 * RTSK_BENCH_HEAP named by process and thread.
 */
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import threads, { isMainThread, threadId, Worker, type WorkerOptions } from 'node:worker_threads';

export type HeapLine = {
  readonly atUnixMs: number;
  readonly usedOctets: number;
  /** Sum of everything allocated on the heap so far, as far as samples between collections tell. */
  readonly allocatedOctets: number;
};

const SAMPLE_MS = 20;
const REPORT_MS = 2_000;

const folder = process.env.RTSK_BENCH_HEAP;
if (isMainThread) loadIntoWorkers();
else if (folder !== undefined) watch(join(folder, `${process.pid}-${threadId}`));

/** They are started without the options of the process. */
function loadIntoWorkers(): void {
  threads.Worker = class extends Worker {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      super(file, { ...options, execArgv: [...(options.execArgv ?? []), '--require', import.meta.filename] });
    }
  };
  syncBuiltinESMExports();
}

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
