import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Lab, withLab } from '../support/lab.ts';
import { becomeNeighbours, droppedBeacons, linksBetween, type MulticastEntry, startLan } from '../support/lan.ts';
import { at, settle } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings } from '../support/ping.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 90_000 };

type Pair = { ours: TestNode; theirs: TestNode; tookMs: number };

async function pair(lab: Lab, ours: MulticastEntry = {}, theirs: MulticastEntry = {}, config = {}): Promise<Pair> {
  const nodes = await startLan(lab, [
    { kind: 'ratatosk', entry: ours, config },
    { kind: 'yggdrasil', entry: theirs, config },
  ]);
  const tookMs = await becomeNeighbours(nodes);
  return { ours: at(nodes, 0), theirs: at(nodes, 1), tookMs };
}

/** Of our links to them: `in` and `out`, sorted. */
async function waysOf(from: TestNode, to: TestNode): Promise<string[]> {
  return (await linksBetween(from, to)).map(({ inbound }) => (inbound ? 'in' : 'out')).sort();
}

describe('ratatosk and yggdrasil on one LAN', { concurrency: 3 }, () => {
  test(
    'are neighbours in seconds, each having dialled the other',
    options,
    withLab(async (lab, t) => {
      const { ours, theirs, tookMs } = await pair(lab);
      t.diagnostic(`neighbours ${Math.round(tookMs)} ms after both had started`);
      await waitFor('both links', async () => (await waysOf(ours, theirs)).join() === 'in,out', { limitMs: 30_000 });
      assert.deepEqual(await waysOf(theirs, ours), ['in', 'out']);
      await assertPings(ours, theirs);
      await assertPings(theirs, ours);
      type Rows = { multicast_interfaces: { address: string }[] };
      const tables = await Promise.all([ours, theirs].map((node) => node.admin<Rows>('getmulticastinterfaces')));
      const shapes = tables.map(({ multicast_interfaces: rows }) =>
        rows.map((row) => ({ ...row, address: row.address.replace(/fe80:[0-9a-f:]+|\d+$/g, 'x') })),
      );
      assert.deepEqual(shapes[0], shapes[1]);
    }),
  );

  for (const [what, ours, theirs, way] of [
    ['ratatosk listens, yggdrasil sends', { Beacon: false }, { Listen: false }, 'out'],
    ['yggdrasil listens, ratatosk sends', { Listen: false }, { Beacon: false }, 'in'],
  ] as const) {
    test(
      `${what}: one link`,
      options,
      withLab(async (lab) => {
        const { ours: node, theirs: other } = await pair(lab, ours, theirs);
        assert.deepEqual(await waysOf(node, other), [way]);
        await assertPings(node, other);
      }),
    );
  }

  for (const [what, ours, theirs] of [
    ['ratatosk listens', { Beacon: false }, { Listen: false }],
    ['yggdrasil listens', { Listen: false }, { Beacon: false }],
  ] as const) {
    test(
      `a password, a port and a priority are kept when ${what}`,
      options,
      withLab(async (lab) => {
        const Password = 'four owls & a bell';
        const { ours: node, theirs: other } = await pair(
          lab,
          { ...ours, Password, Port: 5_005, Priority: 4 },
          { ...theirs, Password, Port: 5_005, Priority: 7 },
        );
        const links = [...(await linksBetween(node, other)), ...(await linksBetween(other, node))];
        assert.deepEqual(
          links.map(({ priority }) => priority),
          [7, 7],
        );
        assert.match(links.find(({ inbound }) => !inbound)?.remote ?? '', /^tls:\/\/\[fe80::.*%(25)?lan0\]:5005$/);
      }),
    );
  }

  test(
    'with different passwords they are none',
    options,
    withLab(async (lab) => {
      const nodes = await startLan(lab, [
        { kind: 'ratatosk', entry: { Password: 'owls' } },
        { kind: 'yggdrasil', entry: { Password: 'cats' } },
        { kind: 'yggdrasil', entry: { Password: 'cats' } },
      ]);
      // The other two show how long it takes where it works.
      await becomeNeighbours(nodes.slice(1));
      const ours = at(nodes, 0);
      await waitFor('their beacons to be dropped', async () => (await droppedBeacons(ours, 'beacon password')) >= 4);
      assert.deepEqual(await ours.peers(), []);
      assert.equal(await at(nodes, 1).hasPeer(ours.identity), false);
    }),
  );

  test(
    'AllowedPublicKeys is not for neighbours, on neither side',
    options,
    withLab(async (lab) => {
      const { ours, theirs } = await pair(lab, {}, {}, { AllowedPublicKeys: ['ab'.repeat(32)] });
      await assertPings(ours, theirs);
    }),
  );

  test(
    'four nodes, two of each, all reach each other; ours by datagrams, the others by tls',
    options,
    withLab(async (lab) => {
      const kinds = ['ratatosk', 'yggdrasil', 'ratatosk', 'yggdrasil'] as const;
      const nodes = await startLan(
        lab,
        kinds.map((kind) => ({ kind })),
      );
      await becomeNeighbours(nodes);
      await settle(nodes, 20_000);
      for (const [i, node] of nodes.entries()) {
        for (const other of nodes.slice(i + 1)) await assertPings(node, other);
      }
      const schemes = async (from: TestNode, to: TestNode) =>
        new Set((await linksBetween(from, to)).map(({ remote }) => remote?.split(':')[0]));
      const [ours, theirs, alsoOurs] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)];
      assert.ok((await schemes(ours, alsoOurs)).has('udp'));
      assert.deepEqual(await schemes(ours, theirs), new Set(['tls']));
    }),
  );
});
