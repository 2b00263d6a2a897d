/** A real daemon with hundreds of links and thousands of sessions, and two more that talk through it. */
import { join } from 'node:path';
import { testIdentity } from '../../test/support/identity.ts';
import type { Lab } from '../../test/support/lab.ts';
import type { TestNode } from '../../test/support/node.ts';
import { repoRoot } from '../../test/support/places.ts';
import type { Running } from '../../test/support/process.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { CrowdLine } from './crowd.ts';

export type Size = { readonly links: number; readonly sessions: number; readonly intervalMs: number };

export type Scene = {
  readonly hub: TestNode;
  readonly from: TestNode;
  readonly to: TestNode;
  readonly crowd: Running;
};

const PORT = 9_000;
/** Of a test identity whose key begins with a zero octet. */
const STRONG = 18;
const CROWD = join(repoRoot, 'dist/bench/look/crowd.js');
/** Of the sessions that are wanted: some of the latest answers are always on their way. */
const ENOUGH = 0.99;
const LIMIT_MS = { least: 60_000, perSession: 50 };

export async function layScene(lab: Lab, size: Size, progress: (step: string) => void): Promise<Scene> {
  const [hubSpace, fromSpace, toSpace] = [await lab.netns('hub'), await lab.netns('from'), await lab.netns('to')];
  const near = await lab.cable(hubSpace, fromSpace);
  const far = await lab.cable(hubSpace, toSpace);
  const common = { kind: 'ratatosk', logLevel: 'info' } as const;
  const hub = lab.node('hub', {
    ...common,
    netns: hubSpace,
    identity: testIdentity(STRONG),
    listen: [`tcp://0.0.0.0:${PORT}`],
    // As it is by default.
    config: { Firewall: { Inbound: 'deny' } },
    env: { NODE_OPTIONS: `--import=${join(repoRoot, 'dist/bench/look/wide-budgets.js')}` },
  });
  const end = (label: string, number: number, netns: typeof fromSpace, hubAddress: string): TestNode => {
    return lab.node(label, {
      ...common,
      netns,
      identity: testIdentity(number),
      peers: [`tcp://${hubAddress}:${PORT}`],
    });
  };
  const from = end('from', 1, fromSpace, near.a.ipv4);
  const to = end('to', 2, toSpace, far.a.ipv4);
  for (const node of [hub, from, to]) await node.start();
  const words = ['127.0.0.1', PORT, hub.address, size.links, size.sessions, size.intervalMs].map(String);
  // 5 000 nodes have some octets each.
  const crowd = lab.adopt(hubSpace.start([process.execPath, '--max-old-space-size=8192', CROWD, ...words]));
  await gather(crowd, size, progress);
  return { hub, from, to, crowd };
}

async function gather(crowd: Running, { links, sessions }: Size, progress: (step: string) => void): Promise<void> {
  let told = '';
  await waitFor(
    `${sessions} sessions`,
    () => {
      if (crowd.end !== undefined) throw new Error(crowd.output.slice(-2_000));
      const line = crowd.stdout.trimEnd().split('\n').at(-1) ?? '';
      if (line === told || !line.endsWith('}')) return false;
      told = line;
      const now: CrowdLine = JSON.parse(line);
      progress(`${now.links} of ${links} links, ${now.answered} of ${sessions} sessions`);
      return now.links >= links && now.answered >= sessions * ENOUGH;
    },
    { everyMs: 1_000, limitMs: LIMIT_MS.least + LIMIT_MS.perSession * sessions },
  );
}
