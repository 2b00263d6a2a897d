/** Several links to one peer: the best one carries, the next takes over, and the peer never goes down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkFacts } from '../../daemon/core/port.ts';
import { packetTo, root, us } from '../support/core-mesh.ts';
import { Cable, type Host, World } from '../support/core-world.ts';

const STEP_MS = 50;

/** Two nodes and their cables, in the order given; traffic flows. */
function joined(...cables: { delayMs: number; facts?: Partial<LinkFacts> }[]) {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us)];
  const laid = cables.map(({ delayMs, facts }) => new Cable(a, b, delayMs, facts));
  world.run(4_000);
  longestGapMs(world, a, b, 1_000);
  assert.ok(longestGapMs(world, a, b, 2_000) <= 2 * STEP_MS);
  return { world, a, b, cables: laid as [Cable, Cable] };
}

/** Packets both ways, one each step; the longest time in which none of them arrived at one of the two. */
function longestGapMs(world: World, a: Host, b: Host, ms: number): number {
  const lastMs = [world.nowMs, world.nowMs];
  let longest = 0;
  for (const endMs = world.nowMs + ms; world.nowMs < endMs; ) {
    a.sendPackets(packetTo(a.address, b.address));
    b.sendPackets(packetTo(b.address, a.address));
    world.run(STEP_MS);
    for (const [i, host] of [a, b].entries()) {
      if (host.delivered.splice(0).length > 0) lastMs[i] = world.nowMs;
      longest = Math.max(longest, world.nowMs - (lastMs[i] as number));
    }
  }
  return longest;
}

/** Which cable carries what the first host sends, by index. */
function carrier(world: World, a: Host, b: Host, cables: readonly Cable[]): number {
  const sent = (): number[] =>
    cables.map(({ ends: [{ link }] }) => a.node.links().find((info) => info.link === link)?.bytesSent ?? 0);
  const before = sent();
  for (let i = 0; i < 20; i++) a.sendPackets(packetTo(a.address, b.address, 1_000));
  world.run(100);
  const grown = sent().map((bytes, i) => bytes - (before[i] as number));
  return grown.indexOf(Math.max(...grown));
}

test('of two links the faster one carries', () => {
  const { world, a, b, cables } = joined({ delayMs: 60 }, { delayMs: 5 });
  assert.equal(carrier(world, a, b, cables), 1);
});

test('a configured cost counts instead of the round trip', () => {
  const { world, a, b, cables } = joined({ delayMs: 60, facts: { cost: 3 } }, { delayMs: 5, facts: { cost: 4 } });
  assert.equal(carrier(world, a, b, cables), 0);
  assert.deepEqual(
    a.node
      .links()
      .map(({ cost }) => cost)
      .sort(),
    [3, 4],
  );
});

test('priority counts before cost', () => {
  const facts = [
    { priority: 2, cost: 1 },
    { priority: 1, cost: 5_000 },
  ] as const;
  const { world, a, b, cables } = joined({ delayMs: 5, facts: facts[0] }, { delayMs: 60, facts: facts[1] });
  assert.equal(carrier(world, a, b, cables), 1);
});

test('when the best link falls silent the next one takes over within 2 s, and the peer stays up', () => {
  const { world, a, b, cables } = joined({ delayMs: 5 }, { delayMs: 30 });
  cables[0].isCarrying = false;
  const gapMs = longestGapMs(world, a, b, 10_000);
  assert.ok(gapMs <= 1_500 + 3 * STEP_MS, `${gapMs} ms without traffic`);
  assert.deepEqual([a.count('peerDown'), b.count('peerDown')], [0, 0]);
  assert.deepEqual(a.closes, ['peer silent']);
});

test('a probe finds the silent link after half a second', () => {
  const { world, a, b, cables } = joined({ delayMs: 5 }, { delayMs: 30 });
  cables[0].isCarrying = false;
  for (const host of [a, b]) host.feed({ kind: 'probeLinks' });
  const gapMs = longestGapMs(world, a, b, 10_000);
  assert.ok(gapMs <= 500 + 3 * STEP_MS, `${gapMs} ms without traffic`);
  assert.deepEqual([a.count('peerDown'), b.count('peerDown')], [0, 0]);
});

test('a link that answers late, but answers, carries again', () => {
  const { world, a, b, cables } = joined({ delayMs: 5 }, { delayMs: 30 });
  cables[0].isCarrying = false;
  longestGapMs(world, a, b, 2_000);
  assert.equal(carrier(world, a, b, cables), 1);
  cables[0].isCarrying = true;
  for (const host of [a, b]) host.feed({ kind: 'probeLinks' });
  world.run(100);
  assert.equal(carrier(world, a, b, cables), 0);
  assert.deepEqual(a.closes, []);
});

test('when the only link falls silent nothing else is tried, and it ends after 3 s', () => {
  const { world, a, b, cables } = joined({ delayMs: 5 });
  cables[0].isCarrying = false;
  longestGapMs(world, a, b, 2_900);
  assert.deepEqual(a.closes, []);
  longestGapMs(world, a, b, 200);
  assert.deepEqual(a.closes, ['peer silent']);
});
