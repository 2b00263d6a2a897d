import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { identity } from '../support/core.ts';
import { addressRowOf, DatagramWorld } from '../support/datagram-world.ts';

const DATAGRAMS = 1_000_000;
const BATCH = 100;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const GROWTH_MAX = 8 * 1024 * 1024;

test('L5: a million random datagrams draw no answer, no exception and no memory', (t) => {
  const world = new DatagramWorld();
  const host = world.host(identity(1));
  let sent = 0;
  world.watch = () => ++sent < 0;
  host.open();
  const noise = world.chance.octets(1 << 20);
  const round = (): void => {
    const datagrams = Array.from({ length: BATCH }, () => {
      const at = world.chance.below(noise.length - 1_500);
      const octets = noise.slice(at, at + 1 + world.chance.below(1_500));
      if (world.chance.below(2) === 0) octets[0] = world.chance.pick([0xa1, 0xa2, 0xa3, 0xa4, 0xc0, 0xc1]);
      return { from: addressRowOf(world.chance.below(256), 1 + world.chance.below(60_000)), octets };
    });
    host.receiveMany(datagrams);
    world.run(5);
  };
  for (let i = 0; i < 1_000; i++) round();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < DATAGRAMS / BATCH; i++) round();
  collect();
  const growth = process.memoryUsage().heapUsed - before;
  t.diagnostic(`heap grew by ${growth} octets`);
  assert.equal(sent, 0);
  assert.ok(growth < GROWTH_MAX, `${growth} octets`);
});
