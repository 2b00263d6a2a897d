/** Daemons with radios: the real drivers at the laboratory's modems, a TUN on each, in real time. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Random } from '../sim/random.ts';
import { testIdentity } from '../support/identity.ts';
import { type Lab, withLab } from '../support/lab.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { Channel } from '../support/radio/channel.ts';
import { RealClock } from '../support/radio/clock.ts';
import { MeshcoreModem } from '../support/radio/meshcore-modem.ts';
import type { Modem } from '../support/radio/modem.ts';
import { PtyPort } from '../support/radio/ports.ts';
import { RnodeModem } from '../support/radio/rnode-modem.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needs(needsMesh('ratatosk') || undefined, needsTool('stty', 'flock')), timeout: 120_000 };

const MODEMS = {
  rnode: (channel: Channel, random: Random): Modem => new RnodeModem(channel, random),
  meshcore: (channel: Channel, random: Random): Modem => new MeshcoreModem(channel, random),
};

type Kind = keyof typeof MODEMS;

async function plugged(t: TestContext, kinds: readonly Kind[]): Promise<PtyPort[]> {
  const clock = new RealClock();
  const channel = new Channel(clock);
  const ports = kinds.map((kind, i) => new PtyPort(clock, MODEMS[kind](channel, new Random(i + 1))));
  t.after(async () => {
    await Promise.all(ports.map((port) => port.close()));
    clock.stop();
  });
  for (const port of ports) await port.plug();
  return ports;
}

async function radioNode(lab: Lab, number: number, uri: string, region: string): Promise<TestNode> {
  const netns = await lab.netns(`radio${number}`);
  const identity = testIdentity(910 + number);
  const config = { Radio: { Region: region, Share: 1 } };
  return lab.node(`r${number}`, { kind: 'ratatosk', netns, identity, peers: [uri], mtu: 1_280, config });
}

async function pings(from: TestNode, to: TestNode): Promise<boolean> {
  const { code } = await from.netns.run(['ping', '-6', '-c', '1', '-W', '5', to.address]);
  return code === 0;
}

/** On a busy machine. */
const START_MS = 60_000;
const PSK = '5a'.repeat(32);

describe('daemons with radios', { concurrency: 2 }, () => {
  for (const kinds of [
    ['rnode', 'rnode'],
    ['rnode', 'meshcore'],
  ] as const) {
    test(
      `${kinds.join(' and ')}: they find each other, and one answers the other`,
      options,
      withLab(async (lab, t) => {
        const ports = await plugged(t, kinds);
        const query = `freq=869.525&bw=500&sf=7&psk=${PSK}`;
        const nodes = [];
        for (const [i, kind] of kinds.entries()) {
          nodes.push(await radioNode(lab, i, `${kind}://${ports[i]?.path}?${query}`, 'laboratory'));
        }
        const [a, b] = nodes as [TestNode, TestNode];
        await Promise.all([a.start(START_MS), b.start(START_MS)]);
        await waitFor('an answer to a ping', () => pings(a, b), { limitMs: 60_000 });
        const { radios } = await a.admin<{ radios: { rssi?: number }[] }>('getradio');
        assert.ok(Number.isFinite(radios[0]?.rssi));
        // The board is pulled and put back.
        await ports[0]?.unplug();
        await waitFor('word of it', () => /waiting for .*: /.test(a.log));
        await ports[0]?.plug();
        await waitFor('an answer again', () => pings(b, a), { limitMs: 60_000 });
      }),
    );
  }

  test(
    'without a region a radio listens, says why, and never transmits',
    options,
    withLab(async (lab, t) => {
      const [port] = await plugged(t, ['rnode']);
      const node = await radioNode(lab, 2, `rnode://${port?.path}?freq=869.525`, 'none');
      await node.start(START_MS);
      await waitFor('the reason', () => node.log.includes('it does not transmit: no region is set'));
      const { modems } = await node.admin<{ modems: { state: string; silence: string }[] }>('getstatus');
      assert.equal(modems[0]?.state, 'open');
      assert.match(modems[0]?.silence ?? '', /no region is set/);
    }),
  );
});
