/** Loaded into the dashboard by NODE_OPTIONS: how long it took to draw, in ms, a line each, in a file of RTSK_BENCH_DRAWN named by its process. */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.RTSK_BENCH_DRAWN;
if (folder !== undefined) {
  const file = join(folder, `${process.pid}`);
  subscribe('ratatosk:drawn', (ms) => appendFileSync(file, `${Number(ms).toFixed(2)}\n`));
}
