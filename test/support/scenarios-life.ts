/** What several cables between two nodes must do; the folders `net` and `interop` say of which kinds. */
import assert from 'node:assert/strict';
import { testIdentity } from './identity.ts';
import type { DaemonKind } from './kind.ts';
import { withLab } from './lab.ts';
import { settle } from './mesh.ts';
import type { CableEnd } from './netns.ts';
import type { TestNode } from './node.ts';
import { assertPings, type PingReport, ping, startPing } from './ping.ts';
import { waitFor } from './wait.ts';

const INTERVAL_MS = 50;
const COSTS = [10, 500] as const;

/** The second node dials the first over two cables with costs of their own; a ping runs while they are cut in turn. */
export function keepsPeerOverCables(kinds: readonly [DaemonKind, DaemonKind], gapMaxMs: number) {
  return withLab(async (lab, t) => {
    const [left, right] = [await lab.netns('a'), await lab.netns('b')];
    const cables = [await lab.cable(left, right), await lab.cable(left, right)] as const;
    const uris = cables.map(({ a }, i) => `tcp://${a.ipv4}:${9100 + i}`);
    const a = lab.node('a', { kind: kinds[0], netns: left, identity: testIdentity(0), listen: uris });
    const peers = uris.map((uri, i) => `${uri}?cost=${COSTS[i]}`);
    const b = lab.node('b', { kind: kinds[1], netns: right, identity: testIdentity(1), peers });
    await a.start();
    await b.start();
    await bothUp(b, a);
    await settle([a, b]);
    await assertPings(a, b);
    assert.deepEqual((await b.peers()).map(({ cost }) => cost).sort(), [...COSTS].sort());
    assert.equal(await carrierOf(b, a, [cables[0].b, cables[1].b]), 0);

    for (const cable of cables) {
      const pings = await startPing(lab, b, a, INTERVAL_MS);
      await waitFor('answers', async () => (await ping(b, a)).received === 1);
      await cable.cut();
      await waitFor('one link less', async () => (await b.peers()).filter(({ up }) => up).length === 1);
      await assertPings(b, a);
      const gapMs = longestGapMs(await pings.finish());
      t.diagnostic(`longest time without an answer: ${gapMs.toFixed(0)} ms`);
      assert.ok(gapMs <= gapMaxMs, `${gapMs} ms without an answer`);
      await cable.restore();
      await bothUp(b, a);
    }
    for (const node of [a, b].filter(({ kind }) => kind === 'ratatosk')) assert.doesNotMatch(node.log, /peer is gone/);
  });
}

async function bothUp(...nodes: readonly TestNode[]): Promise<void> {
  await waitFor(
    'both links',
    async () => {
      const counts = await Promise.all(nodes.map(async (node) => (await node.peers()).filter(({ up }) => up).length));
      return counts.every((count) => count === 2);
    },
    { limitMs: 20_000 },
  );
}

/** Over which of its cables a node sends, by octets. */
async function carrierOf(from: TestNode, to: TestNode, ends: readonly CableEnd[]): Promise<number> {
  const sent = () =>
    Promise.all(
      ends.map(async ({ netns, device }) => {
        const path = `/sys/class/net/${device}/statistics/tx_bytes`;
        return Number(await netns.mustRun(['cat', path]));
      }),
    );
  const before = await sent();
  await ping(from, to, { count: 20, intervalMs: 10, size: 1_200 });
  const after = await sent();
  const grown = after.map((octets, i) => octets - (before[i] ?? 0));
  return grown.indexOf(Math.max(...grown));
}

function longestGapMs({ answers }: PingReport): number {
  const times = answers.map(({ atMs, rttMs }) => atMs + rttMs).sort((x, y) => x - y);
  return Math.max(...times.slice(1).map((atMs, i) => atMs - (times[i] as number)));
}
