import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WhyAnswer } from '../../daemon/host/path-answers.ts';
import { withLab } from '../support/lab.ts';
import { at, settle, startMesh, startPair } from '../support/mesh.ts';
import { needsMesh, needsTool } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { ping } from '../support/ping.ts';
import { ratatoskMain } from '../support/places.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk'), timeout: 120_000 };

function why(from: TestNode, to: { address: string } | string, probe = '3000'): Promise<WhyAnswer> {
  return from.admin<WhyAnswer>('why', { target: typeof to === 'string' ? to : to.address, probe });
}

/** Asks until the verdict is this one. */
function verdict(from: TestNode, to: { address: string } | string, wanted: string, probe = '3000'): Promise<WhyAnswer> {
  return waitFor(
    `${from.label} to say '${wanted}'`,
    async () => {
      const answer = await why(from, to, probe);
      return answer.verdict === wanted ? answer : undefined;
    },
    { limitMs: 40_000 },
  );
}

test(
  'why names the next hop that carries, and the other one when its link is cut',
  options,
  withLab(async (lab) => {
    // A ring of four: two ways from the first node to the third.
    const { nodes, cables } = await startMesh(lab, {
      kinds: ['ratatosk', 'ratatosk', 'ratatosk', 'ratatosk'],
      isRing: true,
    });
    const [first, , third] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)];
    await settle(nodes);
    await waitFor('both ways', async () => (await first.peers()).filter(({ up }) => up).length === 2);
    const before = await carried(first, third);
    assert.equal(before.key, third.identity.publicKeyHex);
    assert.ok((before.probe?.latency ?? 0) > 0);
    assert.ok(before.candidates.length >= 2);

    const index = nodes.findIndex(({ identity }) => identity.publicKeyHex === before.next_hop?.key);
    await at(cables, index === 1 ? 0 : 3).cut();
    const other = at(nodes, index === 1 ? 3 : 1).identity.publicKeyHex;
    assert.equal((await carried(first, third)).next_hop?.key, other);
  }),
);

test(
  'why says what stops a packet: nothing there, the node itself, no mesh address, no link',
  options,
  withLab(async (lab) => {
    const { a, b } = await startPair(lab, ['ratatosk', 'ratatosk']);
    await settle([a, b]);
    assert.equal((await why(a, a)).verdict, 'self');
    assert.equal((await why(a, '192.0.2.1')).verdict, 'not in the mesh');
    const ownSubnet = `3${a.address.slice(1).split(':').slice(0, 4).join(':')}::7`;
    assert.equal((await why(a, ownSubnet)).verdict, 'own subnet');
    // An address that is nobody's: the filters of two nodes hold few keys.
    assert.equal((await why(a, '200:1:2:3:4:5:6:7')).verdict, 'lookup nowhere');
    assert.equal((await verdict(a, b, 'reachable')).rule, 'direct');
    assert.equal((await why(a, b.identity.publicKeyHex, '0')).verdict, 'reachable');
    await b.kill();
    const none = await verdict(a, b, 'no links');
    assert.match(none.text, /^No link/);
    const lines = await a.netns.mustRun([process.execPath, ratatoskMain, 'why', b.address, '--socket', a.adminPath]);
    assert.equal(lines.split('\n')[0], none.text);
    for (const line of lines.split('\n')) assert.ok(line.length <= 80, line);
    const wrong = await a.netns.run([process.execPath, ratatoskMain, 'why', 'nobody', '--socket', a.adminPath]);
    assert.equal(wrong.code, 1);
  }),
);

test(
  'why sees a next hop that has died, before its link ends',
  options,
  withLab(async (lab) => {
    const { a, b, cable } = await startPair(lab, ['ratatosk', 'ratatosk']);
    await settle([a, b]);
    await verdict(a, b, 'reachable');
    await cable.cut();
    const dead = await verdict(a, b, 'next hop dead', '1000');
    assert.match(dead.text, /^The next hop does not answer: tcp:/);
  }),
);

test(
  'why finds a hole that swallows large packets',
  { ...options, skip: options.skip || needsTool('nft') || false },
  withLab(async (lab) => {
    const { nodes } = await startMesh(lab, { kinds: ['ratatosk', 'ratatosk', 'ratatosk'], link: { scheme: 'udp' } });
    const [first, second, third] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)];
    await settle(nodes);
    await verdict(first, third, 'reachable');
    // Behind the next hop: what is longer than 1 000 octets never leaves.
    const rule = 'table inet hole { chain out { type filter hook output priority 0; udp length > 1000 drop; }; }';
    await second.netns.mustRun(['nft', '-f', '-'], { input: rule });
    const hole = await verdict(first, third, 'mtu hole');
    assert.match(hole.text, /^Large packets vanish/);
  }),
);

/** Says why, and makes sure that packets go there; costs of young links change, so both are asked until they stay. */
function carried(from: TestNode, to: TestNode): Promise<WhyAnswer> {
  return waitFor(
    `${from.label} to keep to one way`,
    async () => {
      const before = await why(from, to);
      if (before.verdict !== 'reachable') return undefined;
      const key = await carrier(from, to);
      const after = await why(from, to);
      const isSettled = after.session?.open === true && after.probe?.large?.answered === true;
      if (!isSettled || after.next_hop?.key !== before.next_hop?.key) return undefined;
      assert.equal(key, after.next_hop?.key);
      return after;
    },
    { limitMs: 40_000 },
  );
}

/** The key of the peer whose link has taken most octets while packets went to a node: counters, not what `why` says. */
async function carrier(from: TestNode, to: TestNode): Promise<string | undefined> {
  const sent = async (): Promise<Map<string, number>> => {
    const rows = (await from.peers()) as { key: string; bytes_sent?: number }[];
    return new Map(rows.map(({ key, bytes_sent: octets }) => [key, octets ?? 0]));
  };
  const before = await sent();
  await ping(from, to, { count: 20, intervalMs: 20, size: 1_200 });
  const after = [...(await sent())].map(([key, octets]): [string, number] => [key, octets - (before.get(key) ?? 0)]);
  return after.sort(([, a], [, b]) => b - a)[0]?.[0];
}
