/** Two nodes and a medium of datagrams between them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Identity, identities } from '../support/core.ts';
import { DatagramWorld } from '../support/datagram-world.ts';

const [LOW, HIGH] = identities(2);
if (LOW === undefined || HIGH === undefined) throw new Error('there are two');

test('two nodes get a link that both routers know', () => {
  const world = new DatagramWorld();
  const low = world.host(LOW);
  const high = world.host(HIGH);
  low.open();
  high.open();
  low.dial(high);
  assert.ok(world.runUntil(() => low.of('peerUp').length > 0 && high.of('peerUp').length > 0, 2_000));
  assert.equal(low.of('datagramLinkUp').length, 1);
});

/** Milliseconds from the dial until both have each other. */
function upAfterMs(seed: number, isConfigured: boolean): number {
  const world = new DatagramWorld(seed);
  const [low, high] = [world.host(LOW as Identity), world.host(HIGH as Identity)];
  for (const host of [low, high]) host.open();
  const startMs = world.nowMs;
  low.dial(high, { isConfigured });
  assert.ok(world.runUntil(() => low.of('peerUp').length > 0 && high.of('peerUp').length > 0, 2_000, 1));
  return world.nowMs - startMs;
}

test('a configured peer is called at once; what a beacon has caused waits, since others have heard it too', () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const seed of seeds) assert.ok(upAfterMs(seed, true) <= 30, 'three messages of 5 ms');
  assert.ok(Math.max(...seeds.map((seed) => upAfterMs(seed, false))) > 100);
});
