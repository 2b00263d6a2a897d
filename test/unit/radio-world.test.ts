import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identities } from '../support/core.ts';
import { independent } from '../support/radio/loss.ts';
import type { RadioHost } from '../support/radio/radio-host.ts';
import { RadioWorld } from '../support/radio/radio-world.ts';

function pair(seed: number, loss = 0): [RadioWorld, RadioHost, RadioHost] {
  const world = new RadioWorld({ seed });
  world.channel.setPaths({ loss: independent(loss) });
  const [a, b] = identities(2).map((owner) => world.host(owner)) as [RadioHost, RadioHost];
  for (const host of [a, b]) host.open();
  a.dial(b);
  return [world, a, b];
}

const isUp = (host: RadioHost): boolean => host.of('peerUp').length > 0;

test('two nodes find each other over the radio', () => {
  const [world, a, b] = pair(1);
  assert.ok(world.runUntil(() => isUp(a) && isUp(b), 60_000));
});

test('the same seed gives the same frames at the same times', () => {
  const trace = (seed: number): string => {
    const [world, a] = pair(seed, 0.2);
    world.run(120_000);
    return JSON.stringify([a.modem.radio.station.sent, world.channel.counts]);
  };
  assert.equal(trace(3), trace(3));
  assert.notEqual(trace(3), trace(4));
});
