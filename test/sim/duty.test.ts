/** Two hours of more traffic than the law lets pass, seen from outside: no hour with too much, and little of it unused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import type { AirLimit } from '../../daemon/core/port.ts';
import { identities } from '../support/core.ts';
import { packetTo } from '../support/core-mesh.ts';
import { usedMs, violations } from '../support/radio/air-check.ts';
import { duty } from '../support/radio/air-facts.ts';
import { independent } from '../support/radio/loss.ts';
import type { RadioHost } from '../support/radio/radio-host.ts';
import { RadioWorld } from '../support/radio/radio-world.ts';

const HOUR = 3_600_000;
const SECOND = 1_000;
/** Much more than may leave. */
const EVERY_MS = 3 * SECOND;

type Side = { readonly host: RadioHost; readonly sent: { readonly fromMs: number; readonly toMs: number }[] };

function linked(seed: number, limits: readonly AirLimit[], loss: number): [RadioWorld, RadioHost, RadioHost] {
  const world = new RadioWorld({ seed, air: { limits, share: 1 } });
  world.channel.setPaths({ loss: independent(loss) });
  const [a, b] = identities(2).map((owner) => world.host(owner)) as [RadioHost, RadioHost];
  for (const host of [a, b]) host.open();
  a.dial(b);
  return [world, a, b];
}

const side = (host: RadioHost): Side => ({ host, sent: host.modem.radio.station.sent });

/** Offers packets of 1280 octets from a to b, more than the channel carries, for so long. */
function load(world: RadioWorld, a: RadioHost, b: RadioHost, ms: number): void {
  const packet = packetTo(addressForKey(a.key), addressForKey(b.key), 1_280);
  for (const endMs = world.nowMs + ms; world.nowMs < endMs; world.run(EVERY_MS)) a.sendPacket(packet);
}

for (const { share, loss } of [
  { share: 0.01, loss: 0 },
  { share: 0.1, loss: 0 },
  { share: 0.1, loss: 0.2 },
]) {
  test(`two hours at ${100 * share} % and ${100 * loss} % loss: never too much, and nine tenths are used`, () => {
    const limits = [duty(share)];
    const [world, a, b] = linked(1, limits, loss);
    let delivered = 0;
    b.delivered = () => void delivered++;
    load(world, a, b, 2 * HOUR);
    for (const { host, sent } of [a, b].map(side)) {
      assert.deepEqual(violations(sent, limits), [], `${host.owner.key[0]}`);
    }
    const { sent } = side(a);
    // Of both together: at 1 % one packet is a fifteenth of an hour's budget, and goes whole or waits.
    const used = [1, 2].map((hours) => usedMs(sent, 1_000 + hours * HOUR, HOUR) / (share * HOUR));
    assert.ok(used.reduce((sum, part) => sum + part, 0) >= 2 * 0.9, `of each hour ${used}, ${delivered} packets`);
    assert.ok(delivered > 0);
    assert.equal(a.of('peerDown').length, 0, 'whoever must be silent is not taken for dead');
  });
}

test('a node that is restarted again and again sends no more than one that is not', () => {
  const limits = [duty(0.01)];
  const [world, a, b] = linked(2, limits, 0);
  for (let i = 0; i < 12; i++) {
    load(world, a, b, 10 * 60 * SECOND);
    a.restart();
  }
  assert.deepEqual(violations(side(a).sent, limits), []);
  assert.ok(usedMs(side(a).sent, world.nowMs, HOUR) > 0.5 * 36_000);
});
