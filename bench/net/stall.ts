/** Loaded into a daemon by NODE_OPTIONS: its host thread stalls 20 of every 100 ms, as a slow scrape would make it. */
import { isMainThread } from 'node:worker_threads';

const EVERY_MS = 100;
const STALL_MS = 20;

if (isMainThread) {
  setInterval(() => {
    const endMs = performance.now() + STALL_MS;
    while (performance.now() < endMs);
  }, EVERY_MS).unref();
}
