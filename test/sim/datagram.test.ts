/** Meshes whose every link is one of datagrams: what holds over streams holds here, in bad weather too. */
import assert from 'node:assert/strict';
import { allPairs, checkBounds, checkReachable, somePairs, untilAgreed } from './check.ts';
import { scenario } from './scenario.ts';
import { Sim } from './sim.ts';
import { grid, scaleFree } from './topology.ts';

const FAIR = { loss: 0, repeat: 0, jitterMs: 0, mtu: 1_472 };

scenario('a mesh of datagram links agrees, and everyone reaches everyone', (seed) => {
  const sim = new Sim({ seed, nodes: 16, edges: grid(4, 4), datagrams: FAIR });
  sim.run(2_000);
  untilAgreed(sim, 30_000);
  sim.run(10_000);
  checkReachable(sim, allPairs(sim.hosts));
  checkBounds(sim);
});

scenario('packets of every size arrive over datagrams that overtake and repeat each other', (seed) => {
  const datagrams = { loss: 0, repeat: 0.1, jitterMs: 8, mtu: 1_280 };
  const sim = new Sim({ seed, nodes: 9, edges: grid(3, 3), datagrams });
  sim.run(2_000);
  untilAgreed(sim, 30_000);
  sim.run(15_000);
  const pairs = somePairs(sim, sim.hosts, 20);
  checkReachable(sim, pairs);
  const sent = pairs.flatMap(([from, to]) => [49, 1_280, 9_000, 65_535].map((size) => sim.send(from, to, size)));
  sim.run(5_000);
  assert.ok(sent.every(({ arrivedMs }) => arrivedMs !== undefined));
  checkBounds(sim);
});

scenario('a mesh agrees at 5 % loss, and forgets who died', (seed) => {
  const datagrams = { loss: 0.05, repeat: 0.01, jitterMs: 4, mtu: 1_472 };
  const sim = new Sim({ seed, nodes: 25, edges: (random) => scaleFree(25, random), datagrams });
  sim.run(2_000);
  untilAgreed(sim, 60_000);
  for (const host of sim.hosts.slice(20)) host.stop(false);
  sim.run(15_000);
  untilAgreed(sim, 60_000);
  for (const host of sim.hosts.slice(20)) host.start();
  sim.run(5_000);
  untilAgreed(sim, 60_000);
  checkBounds(sim);
});
