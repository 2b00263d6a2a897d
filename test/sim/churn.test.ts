/** Meshes that fall apart and come together again. */
import assert from 'node:assert/strict';
import { allPairs, checkBounds, checkReachable, components, somePairs, untilAgreed } from './check.ts';
import { scenario } from './scenario.ts';
import { Sim, type SimOptions } from './sim.ts';
import { grid, scaleFree } from './topology.ts';

/** Nodes die and return, cables break and are mended; somebody always sends. Checks what must hold all the time. */
function churn(sim: Sim, seconds: number): void {
  const { random } = sim;
  for (let second = 0; second < seconds; second++) {
    const cable = random.pick(sim.cables);
    const host = random.pick(sim.hosts);
    const dice = random.below(6);
    if (dice === 0) cable.cut(random.chance(0.5));
    else if (dice === 1) cable.restore();
    else if (dice === 2 && host.isUp) host.stop(random.chance(0.7));
    else if (dice === 3 && !host.isUp) host.start();
    else if (sim.up.length > 1) for (const [from, to] of somePairs(sim, sim.up, 5)) sim.send(from, to);
    sim.run(1_000);
    checkBounds(sim);
  }
}

function mend(sim: Sim): void {
  for (const cable of sim.cables) cable.restore();
  for (const host of sim.hosts) if (!host.isUp) host.start();
}

const MESH: Omit<SimOptions, 'seed'> = { nodes: 40, edges: (random) => scaleFree(40, random), refusal: 0.05 };

scenario('after minutes of churn everything agrees and everyone is reachable again', (seed) => {
  const sim = new Sim({ ...MESH, seed });
  sim.run(10_000);
  churn(sim, 240);
  mend(sim);
  untilAgreed(sim, 40_000);
  sim.run(20_000);
  checkReachable(sim, somePairs(sim, sim.hosts, 200));
  checkBounds(sim);
});

scenario('a seed reproduces a run to the last octet, and another seed does not', (seed) => {
  const run = (ofSeed: number): string => {
    const sim = new Sim({ ...MESH, nodes: 20, edges: (random) => scaleFree(20, random), seed: ofSeed });
    sim.run(2_000);
    churn(sim, 60);
    return sim.observer.digest();
  };
  const first = run(seed);
  assert.equal(run(seed), first);
  assert.notEqual(run(seed + 1), first);
});

/** The cables between the left and the right half of a grid. */
function seam(sim: Sim, width: number): Sim['cables'] {
  const isLeft = (index: number): boolean => index % width < width / 2;
  return sim.cables.filter(({ dialler, acceptor }) => isLeft(dialler.index) !== isLeft(acceptor.index));
}

scenario('both halves of a partition go on alone, and are one mesh again when it heals', (seed) => {
  const sim = new Sim({ seed, nodes: 36, edges: grid(6, 6) });
  sim.run(2_000);
  untilAgreed(sim, 30_000);
  for (const cable of seam(sim, 6)) cable.cut(true);
  assert.equal(components(sim).length, 2);
  untilAgreed(sim, 30_000);
  sim.run(15_000);
  for (const half of components(sim)) checkReachable(sim, somePairs(sim, half, 60));
  for (const cable of seam(sim, 6)) cable.restore();
  untilAgreed(sim, 30_000);
  sim.run(15_000);
  checkReachable(sim, somePairs(sim, sim.hosts, 120));
  checkBounds(sim);
});

scenario('a partition that no system reports is noticed before announcements expire twice', (seed) => {
  const sim = new Sim({ seed, nodes: 16, edges: grid(4, 4) });
  sim.run(2_000);
  untilAgreed(sim, 20_000);
  for (const cable of seam(sim, 4)) cable.cut(false);
  untilAgreed(sim, 10 * 60_000);
  sim.run(10_000);
  for (const half of components(sim)) checkReachable(sim, somePairs(sim, half, 30));
  for (const cable of seam(sim, 4)) cable.restore();
  untilAgreed(sim, 30_000);
  sim.run(10_000);
  checkReachable(sim, allPairs(sim.hosts));
  checkBounds(sim);
});
