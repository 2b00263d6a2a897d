/** Radios in a mesh: what the tree costs on the air, and that nobody else notices. Streams lead to nodes as plain as can be. */
import assert from 'node:assert/strict';
import { allPairs, checkBounds, checkReachable, disagreement, somePairs, untilAgreed } from './check.ts';
import { DatagramCable, type DatagramWeather } from './datagram-cable.ts';
import type { Host } from './host.ts';
import { radioWeather } from './radio.ts';
import { scenario } from './scenario.ts';
import { Sim, type SimOptions } from './sim.ts';
import { line } from './topology.ts';

const MINUTE = 60_000;
/** A cable between nodes of ours. */
const CABLE: DatagramWeather = { loss: 0, repeat: 0, jitterMs: 0, mtu: 1_472 };
/** Octets a minute: a beacon of each end in ten minutes, and some chance. */
const QUIET = 30;
const PATIENT = { perSecond: 0.2, waitMs: 20_000 };

/** Host 0 is the root; `radios` are numbers of edges. It has run until all agreed, and a minute more. */
function settled(
  seed: number,
  radios: readonly number[],
  options: Pick<SimOptions, 'nodes' | 'edges' | 'datagrams'>,
): Sim {
  const weather = radioWeather();
  const sim = new Sim({ seed, isOrdered: true, latencyMs: [1, 1], radios: { numbers: radios, weather }, ...options });
  sim.run(2_000);
  untilAgreed(sim, MINUTE);
  sim.run(MINUTE);
  return sim;
}

function radioOf(sim: Sim, number: number): DatagramCable {
  const cable = sim.cables[number];
  assert.ok(cable instanceof DatagramCable);
  return cable;
}

/** Octets a minute in records of both directions, and that all agree all the time. */
function idleCost(sim: Sim, number: number, minutes: number): number {
  const radio = radioOf(sim, number);
  const before = radio.octets;
  for (let i = 0; i < 12 * minutes; i++) {
    sim.run(MINUTE / 12);
    assert.equal(disagreement(sim), undefined, 'the tree stands');
  }
  return (radio.octets - before) / minutes;
}

function changes(hosts: readonly Host[]): number {
  return hosts.reduce((sum, { node }) => {
    const { rootChanges = 0, parentChanges = 0 } = node.stats().counters;
    return sum + rootChanges + parentChanges;
  }, 0);
}

scenario(
  'a leaf joins for 2 000 octets, handshakes, beacons and a minute included, and costs nothing while it is quiet',
  (seed) => {
    const sim = settled(seed, [5], { nodes: 7, edges: line(7) });
    const radio = radioOf(sim, 5);
    assert.ok(radio.octets <= 2_000, `${radio.octets} octets`);
    assert.equal(sim.host(6).node.tree().length, 1, 'it knows no announcement but its own');
    const cost = idleCost(sim, 5, 20);
    assert.ok(cost <= QUIET, `${cost} octets a minute`);
    checkReachable(
      sim,
      [
        [sim.host(6), sim.host(0)],
        [sim.host(1), sim.host(6)],
      ],
      PATIENT,
    );
    checkBounds(sim);
  },
);

scenario('between nodes of ours with others of ours behind them a quiet radio carries next to nothing', (seed) => {
  const sim = settled(seed, [4], { nodes: 9, edges: line(9), datagrams: CABLE });
  const cost = idleCost(sim, 4, 20);
  assert.ok(cost <= QUIET, `${cost} octets a minute`);
  checkReachable(sim, somePairs(sim, sim.hosts, 10), PATIENT);
  checkBounds(sim);
});

scenario('a chain of radios is quiet', (seed) => {
  const sim = settled(seed, [2, 3, 4], { nodes: 6, edges: line(6) });
  for (const number of [2, 3, 4]) assert.ok(idleCost(sim, number, 10) <= QUIET);
  checkReachable(sim, somePairs(sim, sim.hosts, 4), PATIENT);
  checkBounds(sim);
});

scenario(
  'plain nodes behind a radio never lose the tree, and renewals reach them for less than they cost on a cable',
  (seed) => {
    const sim = settled(seed, [4], { nodes: 8, edges: line(8) });
    const before = changes(sim.hosts);
    // Five announcements and a signature in four minutes, in records; all seven and two signatures would be 413 without records.
    const cost = idleCost(sim, 4, 25);
    assert.ok(cost <= 400, `${cost} octets a minute`);
    assert.equal(changes(sim.hosts), before, 'nobody changed its parent');
    checkReachable(sim, somePairs(sim, sim.hosts, 10), PATIENT);
    checkBounds(sim);
  },
);

scenario(
  'a plain node that comes behind a quiet radio gets renewals from then on, and is forgotten when it goes',
  (seed) => {
    const sim = settled(seed, [3], { nodes: 6, edges: line(6) });
    const last = sim.host(5);
    last.stop(true);
    sim.run(20 * MINUTE);
    assert.ok(idleCost(sim, 3, 10) <= QUIET);
    last.start();
    sim.run(5_000);
    untilAgreed(sim, MINUTE);
    const before = changes(sim.hosts);
    assert.ok(idleCost(sim, 3, 25) > 100);
    assert.equal(changes(sim.hosts), before, 'nobody changed its parent');
    checkReachable(sim, [[last, sim.host(0)]], PATIENT);
    last.stop(true);
    sim.run(20 * MINUTE);
    assert.ok(idleCost(sim, 3, 10) <= QUIET);
    checkBounds(sim);
  },
);

scenario('when the root dies all agree on another, and when it returns on the first, over radio as well', (seed) => {
  const sim = settled(seed, [3, 5], { nodes: 7, edges: line(7) });
  sim.run(10 * MINUTE);
  const root = sim.host(0);
  root.stop(true);
  sim.run(10_000);
  untilAgreed(sim, MINUTE);
  root.start();
  sim.run(10_000);
  untilAgreed(sim, MINUTE);
  sim.run(MINUTE);
  checkReachable(sim, allPairs([root, sim.host(4), sim.host(6)]), PATIENT);
  checkBounds(sim);
});

scenario('a leaf whose gateway gets another place follows', (seed) => {
  // 0 - 1 - 2 - 3 = 4, and 0 - 3: the last hop is the radio.
  const edges = [...line(4), [0, 3], [3, 4]] as const;
  const sim = settled(seed, [4], { nodes: 5, edges });
  for (let i = 0; i < 4; i++) {
    const cable = sim.cables[i < 2 ? 3 : 2];
    if (i % 2 === 0) cable?.cut(true);
    else cable?.restore();
    sim.run(20_000);
    untilAgreed(sim, MINUTE);
    checkReachable(
      sim,
      [
        [sim.host(1), sim.host(4)],
        [sim.host(4), sim.host(0)],
      ],
      PATIENT,
    );
  }
  checkBounds(sim);
});

scenario(
  'a leaf that gets a neighbour on a cable learns its ancestry, and is a leaf again when the neighbour has gone',
  (seed) => {
    const sim = settled(seed, [2], { nodes: 5, edges: line(5) });
    const [leaf, neighbour] = [sim.host(3), sim.host(4)];
    for (let i = 0; i < 2; i++) {
      assert.equal(leaf.node.tree().length, 5);
      neighbour.stop(true);
      sim.run(10 * MINUTE);
      untilAgreed(sim, 1_000);
      assert.ok(leaf.node.tree().length <= 2, 'what it does not need is gone');
      neighbour.start();
      sim.run(10_000);
      untilAgreed(sim, MINUTE);
    }
    checkReachable(sim, [[neighbour, sim.host(0)]], PATIENT);
    checkBounds(sim);
  },
);

scenario('a radio beside a cable serves when the cable is cut', (seed) => {
  const edges = [...line(6), [2, 3]] as const;
  const sim = settled(seed, [5], { nodes: 6, edges });
  assert.ok(idleCost(sim, 5, 10) <= QUIET, 'the cable carries the gossip');
  sim.cables[2]?.cut(true);
  sim.run(30_000);
  untilAgreed(sim, MINUTE);
  checkReachable(sim, [[sim.host(5), sim.host(0)]], PATIENT);
  sim.cables[2]?.restore();
  sim.run(30_000);
  untilAgreed(sim, MINUTE);
  checkReachable(sim, [[sim.host(5), sim.host(0)]], PATIENT);
  checkBounds(sim);
});

scenario('in a ring with a radio in it any cable may be cut', (seed) => {
  const nodes = 6;
  const edges = [...line(nodes), [nodes - 1, 0]] as const;
  const sim = settled(seed, [2], { nodes, edges });
  for (const cut of [4, 1, 2]) {
    sim.cables[cut]?.cut(true);
    sim.run(30_000);
    untilAgreed(sim, MINUTE);
    // That a quiet radio is dead shows when somebody speaks, and takes it 90 s.
    checkReachable(sim, somePairs(sim, sim.hosts, 4), { ...PATIENT, tries: 12 });
    sim.cables[cut]?.restore();
    sim.run(30_000);
    untilAgreed(sim, MINUTE);
  }
  const before = changes(sim.hosts);
  idleCost(sim, 2, 25);
  // With a renewal a node may find a shorter way, once.
  assert.ok(changes(sim.hosts) <= before + 2);
  checkBounds(sim);
});
