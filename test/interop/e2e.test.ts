import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Lab, withLab } from '../support/lab.ts';
import { settle, startMesh, startPair } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings, firstAnswerMs } from '../support/ping.ts';
import { waitFor } from '../support/wait.ts';

const skip = needsMesh('ratatosk', 'yggdrasil');

type SessionRow = { address: string; kind?: string; bytes_sent: number; key_age?: number };

async function sessionsOf(node: TestNode, to: TestNode): Promise<SessionRow[]> {
  const { sessions } = (await node.admin('getsessions')) as { sessions: SessionRow[] };
  return sessions.filter(({ address }) => address === to.address);
}

async function statsOf(node: TestNode): Promise<{ counters: Record<string, number>; drops: Record<string, number> }> {
  return (await node.admin('getstats')) as { counters: Record<string, number>; drops: Record<string, number> };
}

describe('E2: a plain yggdrasil as the other end', { concurrency: 2 }, () => {
  for (const first of ['ratatosk', 'yggdrasil'] as const) {
    test(
      `${first} speaking first: it carries traffic, with one hello and nothing else of ours`,
      { skip, timeout: 60_000 },
      withLab(async (lab: Lab, t) => {
        const { a, b } = await startPair(lab, ['ratatosk', 'yggdrasil']);
        await settle([a, b]);
        const [from, to] = first === 'ratatosk' ? [a, b] : [b, a];
        const beforeMs = performance.now();
        await firstAnswerMs(from, to, 10_000);
        t.diagnostic(`first answer after ${Math.round(performance.now() - beforeMs)} ms`);
        await assertPings(a, b);
        const [session, ...more] = await sessionsOf(a, b);
        assert.equal(session?.kind, 'ironwood');
        assert.deepEqual(more, []);
        const [plain] = await sessionsOf(b, a);
        // What the plain node has opened and what it has sent back differ by the hello alone: type, kind, version, features.
        assert.equal((session?.bytes_sent ?? 0) - (plain?.bytes_sent ?? 0), 5);
        const { drops, counters } = await statsOf(a);
        assert.equal(counters.e2eDowngradeSuspected, 0);
        assert.equal(drops['session unreadable'], 0);
      }),
    );
  }
});

test(
  'two ratatosks speak e2e through a plain yggdrasil',
  { skip, timeout: 60_000 },
  withLab(async (lab: Lab) => {
    const { nodes } = await startMesh(lab, { kinds: ['ratatosk', 'yggdrasil', 'ratatosk'] });
    await settle(nodes);
    const [first, , last] = nodes as [TestNode, TestNode, TestNode];
    await assertPings(first, last);
    for (const [one, other] of [
      [first, last],
      [last, first],
    ] as const) {
      await waitFor(`${one.label} to have an e2e session`, async () =>
        (await sessionsOf(one, other)).some(({ kind, key_age }) => kind === 'e2e' && key_age !== undefined),
      );
    }
    await assertPings(first, last);
    const { counters } = await statsOf(first);
    assert.equal(counters.e2eDowngradeSuspected, 0);
  }),
);
