/** A node that comes to a mesh at rest: how soon it is part of it, and what that costs everybody. */
import assert from 'node:assert/strict';
import { FRAME } from '../../daemon/wire/frame.ts';
import { checkBounds, untilAgreed } from './check.ts';
import type { Host } from './host.ts';
import { scenario } from './scenario.ts';
import { Sim, type SimOptions } from './sim.ts';
import { line, scaleFree } from './topology.ts';

const LATENCY_MS = 5;

/** All have agreed, but for the last host, which is down. */
function withoutLast(seed: number, nodes: number, edges: SimOptions['edges']): { sim: Sim; last: Host } {
  const sim = new Sim({ seed, nodes, edges, latencyMs: [LATENCY_MS, LATENCY_MS] });
  sim.run(2_000);
  untilAgreed(sim, 30_000);
  const last = sim.host(nodes - 1);
  last.stop(true);
  sim.run(60_000);
  return { sim, last };
}

/** Starts it, and gives the time from its first link to the first packet that arrives. */
function joinMs(sim: Sim, last: Host, from: Host, to: Host): number {
  last.start();
  while (last.node.links().length === 0) sim.run(1);
  const startMs = sim.nowMs;
  const sent: { arrivedMs: number | undefined }[] = [];
  while (!sent.some(({ arrivedMs }) => arrivedMs !== undefined)) {
    assert.ok(sim.nowMs < startMs + 10_000, 'it never joins');
    sent.push(sim.send(from, to));
    sim.run(10);
  }
  return sim.nowMs - startMs;
}

for (const nodes of [2, 5, 12]) {
  const acrossMs = 2 * LATENCY_MS * (nodes - 1);
  // On the link: greeting, proof, place in the tree. From end to end: filter or lookup, answer, session.
  const limitMs = 6 * 2 * LATENCY_MS + 5 * acrossMs;
  scenario(`in a line of ${nodes} who joins at its end reaches the other end within ${limitMs} ms`, (seed) => {
    const { sim, last } = withoutLast(seed, nodes, line(nodes));
    const tookMs = joinMs(sim, last, last, sim.host(0));
    assert.ok(tookMs <= limitMs, `it took ${tookMs} ms`);
    checkBounds(sim);
  });

  scenario(`in a line of ${nodes} who joins at its end is reached from the other within ${limitMs} ms`, (seed) => {
    const { sim, last } = withoutLast(seed, nodes, line(nodes));
    const tookMs = joinMs(sim, last, sim.host(0), last);
    assert.ok(tookMs <= limitMs, `it took ${tookMs} ms`);
    checkBounds(sim);
  });
}

scenario('one more node costs every link one filter, and nobody but its peers much else', (seed) => {
  const nodes = 40;
  const { sim, last } = withoutLast(seed, nodes, (random) => scaleFree(nodes, random));
  const before = [...sim.observer.framesOfType];
  last.start();
  sim.run(30_000);
  const sent = (type: number): number => (sim.observer.framesOfType[type] as number) - (before[type] as number);
  assert.ok(sent(FRAME.bloomFilter) <= nodes + 20, `${sent(FRAME.bloomFilter)} filters`);
  assert.ok(sent(FRAME.sigReq) <= 4 * last.cables.length + 4, `${sent(FRAME.sigReq)} requests`);
  assert.ok(sent(FRAME.announce) <= 40, `${sent(FRAME.announce)} announcements`);
});

/** In rounds of a second it takes 40 s and 11 000 frames, in this minute and the next. */
scenario('a hundred nodes in a line that start together agree in seconds, for less than rounds would cost', (seed) => {
  const sim = new Sim({ seed, nodes: 100, edges: line(100), latencyMs: [0.2, 4] });
  sim.run(2_000);
  untilAgreed(sim, 3_000);
  sim.run(30_000);
  assert.ok(sim.observer.frames < 9_000, `${sim.observer.frames} frames`);
  const changes = sim.hosts.reduce((sum, host) => sum + (host.node.stats().counters.parentChanges ?? 0), 0);
  assert.ok(changes < 250, `${changes} changes of parents`);
});
