/**
 * The router thread. It is opened before anything else of a start, and loads its half of the daemon while this one reads
 * the configuration; it does nothing before it has its settings.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { RouterStart } from '../host/commands.ts';

/** Section 4 of the security rules: beyond it the router ends with an error, and a supervisor starts it again. */
const HEAP_MAX_MB = 512;
/** Nothing is allocated per packet, so what is young may be little: unused, the usual 48 MiB fill up before they are swept. */
const YOUNG_MAX_MB = 12;

export type RouterThread = {
  readonly worker: Worker;
  /** Questions, answers and notices: see `host/commands.ts`. */
  readonly line: MessagePort;
};

export function openThread(): RouterThread {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('../router.js', import.meta.url), {
    workerData: port2,
    transferList: [port2],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MB, maxYoungGenerationSizeMb: YOUNG_MAX_MB },
    execArgv: [],
  });
  return { worker, line: port1 };
}

export function startThread({ worker }: RouterThread, settings: RouterStart): void {
  worker.postMessage(settings);
}
