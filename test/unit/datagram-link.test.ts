/** Two nodes and a medium of datagrams between them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identities } from '../support/core.ts';
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
