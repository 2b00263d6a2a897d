/** Following the next hops that nodes tell is following the packets. */
import assert from 'node:assert/strict';
import type { CoreEvent } from '../../daemon/core/port.ts';
import { checkReachable, somePairs, untilAgreed } from './check.ts';
import type { Host } from './host.ts';
import { scenario } from './scenario.ts';
import { Sim } from './sim.ts';
import { grid, scaleFree } from './topology.ts';

const PACKETS = 40;

type Told = Extract<CoreEvent, { kind: 'hopAnswered' }>;

for (const [name, edges] of [
  ['a grid', grid(4, 4)],
  ['a scale-free mesh', (random: Parameters<typeof scaleFree>[1]) => scaleFree(16, random)],
] as const) {
  scenario(`in ${name} the hops that nodes tell are those that forward, and the last one is the target`, (seed) => {
    const sim = new Sim({ seed, nodes: 16, edges });
    sim.run(2_000);
    untilAgreed(sim, 20_000);
    // Costs of young links are still changing.
    sim.run(30_000);
    const pairs = somePairs(sim, sim.hosts, 12);
    checkReachable(sim, pairs);
    sim.run(2_000);
    for (const [from, to] of pairs) {
      const way = follow(sim, from, to);
      const before = sim.hosts.map(forwarded);
      assert.ok(arrives(sim, from, to));
      const carriers = sim.hosts.filter((host, i) => forwarded(host) >= (before[i] ?? 0) + PACKETS);
      const told = way.slice(0, -1).sort((a, b) => a.index - b.index);
      assert.deepEqual(
        carriers.map(({ index }) => index),
        told.map(({ index }) => index),
        `from ${from.index} to ${to.index}`,
      );
    }
  });
}

/** All hosts behind the first one, the target included. */
function follow(sim: Sim, from: Host, to: Host): Host[] {
  const { candidates, distance } = from.node.why({ address: to.address, key: to.key });
  assert.equal(candidates[0]?.state, 'chosen');
  let watermark = distance ?? 0;
  let next: Uint8Array | undefined = candidates[0]?.key;
  const way: Host[] = [];
  while (next !== undefined) {
    const host = sim.hosts.find(({ key }) => Buffer.compare(key, next ?? key) === 0);
    assert.ok(host !== undefined && !way.includes(host));
    way.push(host);
    const told = ask(sim, from, host, to, watermark);
    assert.equal(told.state, host === to ? 'here' : 'next');
    assert.ok(told.distance < watermark, 'every hop is closer');
    watermark = told.distance;
    next = told.next;
  }
  assert.equal(way.at(-1), to);
  return way;
}

function ask(sim: Sim, from: Host, host: Host, to: Host, watermark: number): Told {
  const count = from.told.length;
  // What opens the session that the question waits for.
  from.give({ kind: 'query', key: host.key, topic: 'self' });
  from.give({ kind: 'askHop', request: { id: count, key: host.key, dest: to.key, watermark } });
  sim.runUntil(`${host.index} tells ${from.index}`, 6_000, () => from.told.length > count);
  return from.told.at(-1) as Told;
}

/** More than anybody else forwards meanwhile, sessions' own questions to each other. */
function arrives(sim: Sim, from: Host, to: Host): boolean {
  const sent = Array.from({ length: PACKETS }, () => sim.send(from, to));
  sim.run(1_000);
  return sent.every(({ arrivedMs }) => arrivedMs !== undefined);
}

function forwarded(host: Host): number {
  return host.node.stats().counters.framesForwarded ?? 0;
}
