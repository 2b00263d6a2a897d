import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { testIdentity } from '../support/identity.ts';
import { iperf } from '../support/iperf.ts';
import { type Lab, withLab } from '../support/lab.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { SerialCable } from '../support/serial-cable.ts';
import { waitFor } from '../support/wait.ts';

const options = {
  skip: needs(needsMesh('ratatosk') || undefined, needsTool('socat', 'stty', 'flock')),
  timeout: 240_000,
};

/** On a busy machine. */
const START_MS = 60_000;

type Pair = { readonly cable: SerialCable; readonly a: TestNode; readonly b: TestNode };

async function pair(lab: Lab, query: string, isPinned: boolean): Promise<Pair> {
  const cable = new SerialCable(lab, join(lab.folder, 'ttyA'), join(lab.folder, 'ttyB'));
  const nodes: TestNode[] = [];
  const identities = [testIdentity(901), testIdentity(902)] as const;
  for (const [i, identity] of identities.entries()) {
    const netns = await lab.netns(`serial${i}`);
    const pinned = isPinned ? `&key=${identities[1 - i]?.publicKeyHex}` : '';
    const peers = [`serial://${cable.ends[i]}?${query}${pinned}`];
    nodes.push(lab.node(`s${i}`, { kind: 'ratatosk', netns, identity, peers }));
  }
  const [a, b] = nodes as [TestNode, TestNode];
  return { cable, a, b };
}

async function pings(from: TestNode, to: TestNode): Promise<boolean> {
  const { code } = await from.netns.run(['ping', '-6', '-c', '1', '-W', '2', to.address]);
  return code === 0;
}

describe('two daemons on a serial cable', { concurrency: 2 }, () => {
  test(
    'with the key of the other end: ping, TCP, a cable that is pulled out and put back',
    options,
    withLab(async (lab, t) => {
      const { cable, a, b } = await pair(lab, 'baud=115200', true);
      await Promise.all([a.start(START_MS), b.start(START_MS)]);
      await waitFor('word of the missing device', () => a.log.includes(`waiting for ${cable.ends[0]}: no such device`));
      await cable.plug();
      await waitFor('an answer to a ping', () => pings(a, b), { limitMs: 30_000 });
      const { bitsPerSecond } = await iperf(lab, a, b, { seconds: 15, patienceMs: 30_000 });
      t.diagnostic(`${Math.round(bitsPerSecond)} bit/s over 115200 Bd`);
      assert.ok(bitsPerSecond > 0.3 * 92_160, `${bitsPerSecond} bit/s`);
      await cable.unplug();
      await waitFor('word of the pulled cable', () => /waiting for .*the device is gone|EIO/.test(a.log));
      await cable.plug();
      await waitFor('an answer after the cable is back', () => pings(b, a), { limitMs: 40_000 });
    }),
  );

  test(
    'without keys: they find each other by their beacons, with the same password only',
    options,
    withLab(async (lab) => {
      const { cable, a, b } = await pair(lab, 'baud=460800&password=owl', false);
      await cable.plug();
      await Promise.all([a.start(START_MS), b.start(START_MS)]);
      await waitFor('an answer to a ping', () => pings(a, b), { limitMs: 30_000 });
      const uri = `serial://${cable.ends[1]}`;
      await b.admin('removepeer', { uri });
      await waitFor('the end of the link', async () => !(await a.hasPeer(b.identity)));
      await b.admin('addpeer', { uri: `${uri}?baud=460800&password=fox` });
      const word = 'radio beacon mac';
      await waitFor('beacons that are refused', async () => (await b.admin<Stats>('getstats')).drops[word] !== 0);
      assert.equal(await a.hasPeer(b.identity), false);
    }),
  );
});

type Stats = { drops: Record<string, number> };
