/** For modules that NODE_OPTIONS loads into a daemon: its other threads are started without the options of the process. */
import { syncBuiltinESMExports } from 'node:module';
import threads, { isMainThread, Worker, type WorkerOptions } from 'node:worker_threads';

/** `file` loads itself into every thread that is started from now on. */
export function loadIntoWorkers(file: string): void {
  if (!isMainThread) return;
  threads.Worker = class extends Worker {
    constructor(script: string | URL, options: WorkerOptions = {}) {
      super(script, { ...options, execArgv: [...(options.execArgv ?? []), '--require', file] });
    }
  };
  syncBuiltinESMExports();
}
