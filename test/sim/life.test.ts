/** Two nodes of a mesh over time: silence, restarts, and tables at their caps. */
import assert from 'node:assert/strict';
import { equalOctets } from '../../daemon/core/octetmap.ts';
import { checkBounds, checkReachable, somePairs, untilAgreed } from './check.ts';
import type { Host } from './host.ts';
import { scenario } from './scenario.ts';
import { Sim } from './sim.ts';
import { grid } from './topology.ts';

function settledGrid(seed: number, width: number): Sim {
  const sim = new Sim({ seed, nodes: width * width, edges: grid(width, width) });
  sim.run(2_000);
  untilAgreed(sim, 30_000);
  sim.run(3 * width * 1_000);
  return sim;
}

/** Sends every 200 ms until something arrives; returns how long that took. */
function untilReached(sim: Sim, from: Host, to: Host, limitMs: number): number {
  const sent: { arrivedMs: number | undefined }[] = [];
  return sim.runUntil(`host ${from.index} reaches host ${to.index}`, limitMs, () => {
    if (sent.length === 0 || sim.nowMs % 200 < 100) sent.push(sim.send(from, to));
    return sent.some(({ arrivedMs }) => arrivedMs !== undefined);
  });
}

scenario('a session that was idle for five minutes carries its next packet within a second', (seed) => {
  const sim = settledGrid(seed, 5);
  const pairs = somePairs(sim, sim.hosts, 8);
  checkReachable(sim, pairs);
  sim.run(5 * 60_000);
  for (const [from, to] of pairs)
    assert.ok(!from.node.sessions().some(({ key }) => equalOctets(key, to.key)), 'the session has ended');
  for (const [from, to] of pairs) {
    const sent = sim.send(from, to);
    sim.run(2_000);
    const took = (sent.arrivedMs ?? Number.POSITIVE_INFINITY) - sent.sentMs;
    assert.ok(took < 1_000, `it took ${took} ms`);
  }
  checkBounds(sim);
});

/** New coordinates, every few minutes, may cost some packets; keys change every minute and cost none. */
scenario('a session that is used for ten minutes is never interrupted for six seconds', (seed) => {
  const sim = settledGrid(seed, 3);
  const [near, far] = [sim.host(0), sim.host(8)];
  checkReachable(sim, [[near, far]]);
  const sent = Array.from({ length: 600 }, () => {
    sim.run(1_000);
    return [sim.send(near, far), sim.send(far, near)] as const;
  });
  sim.run(2_000);
  for (const way of [0, 1]) {
    const arrived = sent.map((pair) => pair[way]?.arrivedMs !== undefined);
    const lost = arrived.filter((isThere) => !isThere).length;
    assert.ok(lost <= 8, `${lost} packets are lost`);
    assert.ok(
      arrived.every((_, i) => arrived.slice(i, i + 6).includes(true)),
      'six packets in a row are lost',
    );
  }
  checkBounds(sim);
});

for (const isNoticed of [true, false]) {
  const how = isNoticed ? 'whose process died' : 'that lost its power';
  scenario(`a node ${how} and returns with its key alone is reached within ten seconds`, (seed) => {
    const sim = settledGrid(seed, 5);
    for (let round = 0; round < 6; round++) {
      const [other, victim] = somePairs(sim, sim.hosts, 1)[0] as readonly [Host, Host];
      checkReachable(sim, [
        [other, victim],
        [victim, other],
      ]);
      victim.stop(isNoticed);
      for (let second = sim.random.below(20); second >= 0; second--) {
        sim.send(other, victim);
        sim.run(1_000);
      }
      victim.start();
      const startMs = sim.nowMs;
      untilReached(sim, other, victim, 10_000);
      untilReached(sim, victim, other, 10_000 - (sim.nowMs - startMs));
      untilAgreed(sim, 30_000);
      sim.run(15_000);
    }
    checkBounds(sim);
  });
}

scenario('a node with room for four sessions keeps four of each kind, and its queue keeps its cap', (seed) => {
  const leaves = 30;
  const sim = new Sim({
    seed,
    nodes: leaves + 1,
    edges: Array.from({ length: leaves }, (_, i) => [i + 1, 0] as const),
    limits: { sessions: 4, trafficQueueBytes: 200_000 },
    refusal: 1,
  });
  sim.run(2_000);
  untilAgreed(sim, 20_000);
  sim.run(5_000);
  const hub = sim.host(0);
  for (const leaf of sim.hosts.slice(1)) {
    sim.send(leaf, hub);
    sim.run(500);
    for (const kind of ['ironwood', 'e2e']) {
      assert.ok(hub.node.sessions().filter((session) => session.kind === kind).length <= 4);
    }
  }
  assert.ok((hub.node.stats().drops['sessions full'] ?? 0) > 0);
  const [first, second] = [sim.host(1), sim.host(2)];
  untilReached(sim, first, second, 5_000);
  const sent = Array.from({ length: 2_000 }, () => sim.send(first, second, 1_000));
  for (const host of sim.hosts) {
    for (const { queuedBytes } of host.node.links()) assert.ok(queuedBytes <= 200_000 + 256 * 1_024);
  }
  sim.run(5_000);
  const arrived = sent.filter(({ arrivedMs }) => arrivedMs !== undefined).length;
  const { drops } = first.node.stats();
  const dropped = (drops['tun queue full'] ?? 0) + (drops['traffic queue full'] ?? 0);
  assert.ok(dropped > 0);
  assert.ok(arrived > 0 && arrived + dropped <= sent.length, `${arrived} arrived, ${dropped} dropped`);
  checkBounds(sim);
});
