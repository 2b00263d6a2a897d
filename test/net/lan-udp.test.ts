import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Lab, withLab } from '../support/lab.ts';
import { becomeNeighbours, linksBetween, type MulticastEntry, setLanDevice, startLan } from '../support/lan.ts';
import { at } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings, ping } from '../support/ping.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk'), timeout: 90_000 };

async function udpLink(a: TestNode, b: TestNode) {
  return (await linksBetween(a, b)).find(({ remote = '' }) => remote.startsWith('udp:'));
}

/** Waits for a datagram link between two; gives how long that took. */
async function linkedByUdp(a: TestNode, b: TestNode, limitMs = 20_000): Promise<number> {
  const startMs = performance.now();
  await waitFor(
    'a datagram link',
    async () => (await udpLink(a, b)) !== undefined && (await udpLink(b, a)) !== undefined,
    { limitMs },
  );
  return performance.now() - startMs;
}

async function pair(lab: Lab, a?: MulticastEntry, b?: MulticastEntry): Promise<[TestNode, TestNode]> {
  const nodes = await startLan(
    lab,
    [a, b].map((entry) => ({ kind: 'ratatosk' as const, ...(entry === undefined ? {} : { entry }) })),
  );
  return [at(nodes, 0), at(nodes, 1)];
}

type Counted = { bytes_sent?: number; remote?: string };

/** Octets that a ping of many large packets has put on links of each kind. */
async function growth(a: TestNode, b: TestNode): Promise<Record<'udp' | 'tls', number>> {
  const sums = async () => {
    const sum = { udp: 0, tls: 0 };
    for (const link of (await linksBetween(a, b)) as Counted[]) {
      sum[link.remote?.startsWith('udp:') === true ? 'udp' : 'tls'] += link.bytes_sent ?? 0;
    }
    return sum;
  };
  const before = await sums();
  await ping(a, b, { count: 50, intervalMs: 10, size: 1_200 });
  const after = await sums();
  return { udp: after.udp - before.udp, tls: after.tls - before.tls };
}

describe('neighbours on a LAN that speak datagrams', { concurrency: 3 }, () => {
  test(
    'are linked by them in seconds, and prefer them',
    options,
    withLab(async (lab, t) => {
      const [a, b] = await pair(lab);
      t.diagnostic(`linked ${Math.round(await linkedByUdp(a, b))} ms after both had started`);
      await becomeNeighbours([a, b]);
      await assertPings(a, b);
      const { udp, tls } = await growth(a, b);
      t.diagnostic(`${udp} octets by udp, ${tls} by tls`);
      assert.ok(udp > 2 * tls, 'pings went by tls');
    }),
  );

  test(
    'with a password and a port, whichever of them tells and listens',
    options,
    withLab(async (lab) => {
      const entry = { Password: 'four owls', Port: 4_040 };
      const [a, b] = await pair(lab, { ...entry, Listen: false }, { ...entry, Beacon: false });
      await linkedByUdp(a, b);
      assert.match((await udpLink(b, a))?.remote ?? '', /^udp:\/\/\[fe80::.*%lan0\]:4040$/);
    }),
  );

  test(
    'are linked again after the interface was down',
    options,
    withLab(async (lab, t) => {
      const [a, b] = await pair(lab);
      await linkedByUdp(a, b);
      await setLanDevice(a, 'down');
      await waitFor('the links to go', async () => (await a.peers()).length === 0);
      // Who says nothing need not notice for half a minute.
      await ping(b, a, { count: 3 });
      await waitFor('the other end', async () => (await b.peers()).length === 0, { limitMs: 15_000 });
      await setLanDevice(a, 'up');
      t.diagnostic(`back after ${Math.round(await linkedByUdp(a, b))} ms`);
      await assertPings(a, b);
    }),
  );
});
