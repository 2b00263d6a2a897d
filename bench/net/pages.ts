/** Many small HTTP transfers at once. */
import type { Place } from '../../test/support/iperf.ts';
import type { Lab } from '../../test/support/lab.ts';
import { program } from './traffic.ts';

const PORT = 8080;

/** Milliseconds of each page, ascending. */
export async function fetchPages(
  lab: Lab,
  from: Place,
  to: Place,
  connections: number,
  seconds: number,
): Promise<number[]> {
  const place = [to.address, String(PORT)];
  const server = lab.adopt(to.netns.start([program('pages'), 'serve', ...place]));
  await server.says('ready');
  const line = [program('pages'), 'fetch', ...place, String(connections), String(seconds)];
  const times: number[] = JSON.parse(await from.netns.mustRun(line, { limitMs: 120_000 }));
  await server.stop('SIGKILL');
  return times.sort((a, b) => a - b);
}
