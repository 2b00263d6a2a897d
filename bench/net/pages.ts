/** Many small HTTP transfers at once. */
import type { Place } from '../../test/support/iperf.ts';
import type { Lab } from '../../test/support/lab.ts';
import { repoRoot } from '../../test/support/places.ts';

const PORT = 8080;
const SCRIPT = `${repoRoot}/dist/bench/traffic/pages.js`;

/** Milliseconds of each page, ascending. */
export async function fetchPages(
  lab: Lab,
  from: Place,
  to: Place,
  connections: number,
  seconds: number,
): Promise<number[]> {
  const place = [to.address, String(PORT)];
  const server = lab.adopt(to.netns.start([process.execPath, SCRIPT, 'serve', ...place]));
  await server.says('ready');
  const line = [process.execPath, SCRIPT, 'fetch', ...place, String(connections), String(seconds)];
  const times: number[] = JSON.parse(await from.netns.mustRun(line, { limitMs: 120_000 }));
  await server.stop('SIGKILL');
  return times.sort((a, b) => a - b);
}
