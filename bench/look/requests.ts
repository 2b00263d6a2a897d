/** How long it takes to ask a busy daemon: its admin socket, and the verbs. */
import { adminOctets } from '../../test/support/admin.ts';
import type { TestNode } from '../../test/support/node.ts';
import { ratatoskMain } from '../../test/support/places.ts';
import { mustRun } from '../../test/support/process.ts';
import { summarise } from '../net/statistics.ts';

export type Asked = { readonly what: string; readonly ms: number; readonly octets: number };

const REQUESTS = ['getSelf', 'getStatus', 'getStats', 'getPeers', 'getSessions', 'getPaths', 'getTree'];
const VERBS = ['status', 'peers', 'sessions', 'paths', 'tree'];
const TIMES = 5;

export async function askAll(hub: TestNode): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const request of REQUESTS) {
    const text = JSON.stringify({ request });
    asked.push(await timed(request, () => adminOctets(hub.adminPath, text)));
  }
  for (const verb of VERBS) {
    const argv = [process.execPath, ratatoskMain, verb, '--socket', hub.adminPath];
    asked.push(await timed(`ratatosk ${verb}`, () => mustRun(argv)));
  }
  return asked;
}

/** The median. */
async function timed(what: string, ask: () => Promise<string>): Promise<Asked> {
  const times: number[] = [];
  let octets = 0;
  for (let i = 0; i < TIMES; i++) {
    const startMs = performance.now();
    octets = (await ask()).length;
    times.push(performance.now() - startMs);
  }
  return { what, ms: summarise(times).median, octets };
}
