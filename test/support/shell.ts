/** Nodes with everything around them but the process, in this one. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Node } from '../../daemon/core/node.ts';
import type { NodeOptions } from '../../daemon/core/port.ts';
import { Driver } from '../../daemon/driver.ts';
import type { PeerRow } from '../../daemon/host/commands.ts';
import { Peering, type PeerSetting, type Report } from '../../daemon/peering.ts';
import { identity, nodeOptions } from './core.ts';
import { serve } from './dial-suite.ts';
import { linksOf } from './links.ts';
import { turns } from './virtual-time.ts';

/** Turns of the event loop; nothing here takes longer than a few round trips over loopback. */
const TURNS_MAX = 20_000;

export const setting = (uri: string, sourceInterface = ''): PeerSetting => ({ uri, sourceInterface });

export type Shell = {
  peering: Peering;
  driver: Driver;
  reports: string[];
  rows: () => PeerRow[];
  /** Rows of configured peers. */
  peers: () => PeerRow[];
};

/** Ends with the test. */
export function shell(t: TestContext, number: number, changes: Partial<NodeOptions> = {}): Shell {
  const node = new Node(nodeOptions(identity(number), changes));
  const driver = new Driver(node, undefined, () => {});
  const reports: string[] = [];
  const report: Report = (level, message, fields) => {
    reports.push(`${level} ${[message, ...Object.values(fields ?? {})].join(' ')}`);
  };
  const { allowedKeys = [], requiresBound = false } = changes;
  const policy = { hasAllowList: allowedKeys.length > 0, requiresBound };
  const peering = new Peering(driver, linksOf(identity(number).seed), report, policy);
  t.after(async () => {
    await peering.stop();
    driver.stop();
  });
  driver.start();
  const rows = () => peering.rows(node.links());
  return { peering, driver, reports, rows, peers: () => rows().filter(({ isConfigured }) => isConfigured) };
}

/** Waits without a clock: the tests have their own. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let i = 0; i < TURNS_MAX && !condition(); i++) await turns(1);
  assert.ok(condition(), `waited in vain for ${what}`);
}

/** Two shells, the second listening, the first with it as a peer; up. */
export async function pair(t: TestContext, scheme = 'tcp'): Promise<{ a: Shell; b: Shell; uri: string }> {
  const [a, b] = [shell(t, 0), shell(t, 1)];
  await b.peering.reload([], [`${scheme}://127.0.0.1:0`]);
  const uri = b.peering.listening[0] as string;
  await a.peering.reload([setting(uri)], []);
  await until('the link', () => a.rows()[0]?.isUp === true && b.rows()[0]?.isUp === true);
  return { a, b, uri };
}

/** A server that counts who comes and answers as told. */
export async function counter(t: TestContext, answer: (socket: Socket) => void = (socket) => socket.destroy()) {
  const counted = { count: 0, port: 0, sockets: [] as Socket[] };
  counted.port = await serve(
    t,
    (socket) => {
      counted.count++;
      counted.sockets.push(socket);
      answer(socket);
    },
    '0.0.0.0',
  );
  return counted;
}
