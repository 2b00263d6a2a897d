/** Honest nodes in a line, traffic between its ends, and strangers at the one in the middle. */
import assert from 'node:assert/strict';
import { Chance, type Identity, identities, identity } from '../support/core.ts';
import { packetTo } from '../support/core-mesh.ts';
import { Cable, type Host, World } from '../support/core-world.ts';

const [root, second, third, ...strangers] = identities(20) as [Identity, Identity, Identity, ...Identity[]];

/** Keys of strangers, all higher than those of the honest: they do not become the root by themselves. */
export { strangers };

/** A key lower than that of any honest node, as a strong attacker would have it. */
export const strongest: Identity = Array.from({ length: 400 }, (_, i) => identity(i)).reduce((a, b) =>
  Buffer.compare(a.key, b.key) < 0 ? a : b,
);

/** `SEED=` replays a failure; without it every run is another one. */
export const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Runs with chance of its own, and says how to do so again when it fails. */
export function seeded(body: (chance: Chance) => void): void {
  try {
    body(new Chance(seed));
  } catch (error) {
    throw new Error(`SEED=${seed} replays this: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

export class Scene {
  readonly world = new World();
  readonly west: Host;
  /** Where strangers connect. */
  readonly middle: Host;
  readonly east: Host;

  constructor(changes: Parameters<World['host']>[1] = {}) {
    this.west = this.world.host(second);
    this.middle = this.world.host(third, changes);
    this.east = this.world.host(root);
    new Cable(this.west, this.middle, 3, { isConfigured: true });
    new Cable(this.middle, this.east, 3, { isConfigured: true });
    this.world.run(4_000);
    this.checkTraffic();
  }

  get honest(): Host[] {
    return [this.west, this.middle, this.east];
  }

  /** Every packet of some seconds arrives, both ways, once there are sessions. */
  checkTraffic(): void {
    const { west, east, world } = this;
    for (let i = 0; i < 3; i++) this.#exchange();
    for (const host of [west, east]) host.delivered.length = 0;
    for (let i = 0; i < 5; i++) this.#exchange();
    assert.equal(east.delivered.length, 5, 'traffic flows eastwards');
    assert.equal(west.delivered.length, 5, 'traffic flows westwards');
    world.run(100);
  }

  /** Nobody honest is thought ill of, and no table is larger than it may be. */
  checkBounds(): void {
    const honestKeys = new Set(this.honest.map((host) => Buffer.from(host.key).toString('hex')));
    const up = this.middle.node.links().filter(({ key }) => key && honestKeys.has(Buffer.from(key).toString('hex')));
    assert.equal(up.length, 2, 'the honest links are up');
    for (const host of [this.west, this.east]) assert.deepEqual(host.closes, []);
    for (const { node } of this.honest) {
      assert.ok(node.tree().length <= 2_048, `tree ${node.tree().length}`);
      assert.ok(node.paths().length <= 16_384, `paths ${node.paths().length}`);
      assert.ok(node.sessions().length <= 1_100, `sessions ${node.sessions().length}`);
      assert.ok(node.links().length <= 512);
      for (const { queuedBytes } of node.links()) assert.ok(queuedBytes <= 2 * 1024 * 1024);
    }
  }

  #exchange(): void {
    const { west, east, world } = this;
    west.sendPackets(packetTo(west.address, east.address));
    east.sendPackets(packetTo(east.address, west.address));
    world.run(1_000);
  }
}
