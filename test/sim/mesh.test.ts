/** Meshes that are left alone: they agree, and everyone reaches everyone. */
import assert from 'node:assert/strict';
import { allPairs, checkBounds, checkReachable, somePairs, untilAgreed } from './check.ts';
import { scenario } from './scenario.ts';
import { Sim, type SimOptions } from './sim.ts';
import { grid, line, randomTree, ring, scaleFree } from './topology.ts';

const NODES = 100;
/** Short enough that five journeys along a line of 100 take less than a second or two. */
const NEAR: readonly [number, number] = [0.2, 4];
/** Filters travel at once while few change, and one hop a second while all do. */
const FILTER_HOP_MS = 300;

const SHAPES: readonly {
  name: string;
  edges: SimOptions['edges'];
  agreedWithinMs: number;
  /** Hops from end to end. */
  across: number;
}[] = [
  { name: 'a line', edges: line(NODES), agreedWithinMs: 6_000, across: 99 },
  { name: 'a ring', edges: ring(NODES), agreedWithinMs: 6_000, across: 99 },
  { name: 'a grid', edges: grid(10, 10), agreedWithinMs: 6_000, across: 40 },
  { name: 'a scale-free mesh', edges: (random) => scaleFree(NODES, random), agreedWithinMs: 6_000, across: 15 },
  { name: 'a random tree', edges: (random) => randomTree(NODES, random), agreedWithinMs: 6_000, across: 30 },
];

for (const { name, edges, agreedWithinMs, across } of SHAPES) {
  scenario(`${NODES} nodes in ${name} agree on the lowest key as root and reach each other`, (seed) => {
    const sim = new Sim({ seed, nodes: NODES, edges, latencyMs: NEAR });
    sim.run(2_000);
    untilAgreed(sim, agreedWithinMs);
    sim.run(across * FILTER_HOP_MS);
    const late = checkReachable(sim, somePairs(sim, sim.hosts, 300), { perSecond: 30 });
    assert.ok(late <= 6, `${late} pairs lost their first packet`);
    checkBounds(sim);
    assert.ok(sim.observer.longestWay <= across + 20, `a packet took ${sim.observer.longestWay} hops`);
  });
}

scenario('in a small grid everyone reaches everyone with the first packet or soon after', (seed) => {
  const sim = new Sim({ seed, nodes: 16, edges: grid(4, 4) });
  sim.run(2_000);
  untilAgreed(sim, 20_000);
  sim.run(10_000);
  const late = checkReachable(sim, allPairs(sim.hosts));
  assert.ok(late <= 5, `${late} pairs lost their first packet`);
  checkBounds(sim);
});

scenario('nothing is lost, doubled or damaged when the system often refuses a write', (seed) => {
  const sim = new Sim({ seed, nodes: 16, edges: grid(4, 4), refusal: 0.4 });
  sim.run(2_000);
  untilAgreed(sim, 20_000);
  sim.run(10_000);
  const pairs = somePairs(sim, sim.hosts, 60);
  checkReachable(sim, pairs);
  const sizes = [49, 1_280, 9_000, 65_535];
  const sent = pairs.flatMap(([from, to]) => sizes.map((size) => sim.send(from, to, size)));
  sim.run(5_000);
  assert.ok(sent.every(({ arrivedMs }) => arrivedMs !== undefined));
  checkBounds(sim);
});

scenario('several cables between two nodes are one peer with one port', (seed) => {
  const sim = new Sim({
    seed,
    nodes: 3,
    edges: [
      [0, 1],
      [1, 0],
      [0, 1],
      [1, 2],
    ],
  });
  sim.run(2_000);
  untilAgreed(sim, 10_000);
  sim.run(5_000);
  const links = sim.host(0).node.links();
  assert.equal(links.length, 3);
  assert.equal(new Set(links.map(({ port }) => port)).size, 1);
  checkReachable(sim, allPairs(sim.hosts));
  sim.cables[0]?.cut(true);
  checkReachable(sim, allPairs(sim.hosts));
  checkBounds(sim);
});

scenario('a node answers the echo of another, and reports its own', (seed) => {
  for (const hasTun of [true, false]) {
    const sim = new Sim({ seed, nodes: 9, edges: grid(3, 3), hasTun });
    sim.run(2_000);
    untilAgreed(sim, 20_000);
    sim.run(5_000);
    const asker = sim.host(0);
    for (let sequence = 1; sequence < 9; sequence++) {
      asker.give({ kind: 'echo', target: sim.host(sequence).address, sequence, size: 64 });
      sim.run(1_000);
    }
    const replies = asker.echoReplies.map(({ sequence }) => sequence).sort((a, b) => a - b);
    assert.deepEqual(replies, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.ok(asker.echoReplies.every(({ rttMs }) => rttMs > 0 && rttMs < 1_000));
  }
});
