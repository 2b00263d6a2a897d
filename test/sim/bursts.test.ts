/** How two nodes share a radio channel while one of them has much to say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import { identities } from '../support/core.ts';
import { packetTo } from '../support/core-mesh.ts';
import { independent } from '../support/radio/loss.ts';
import type { RadioHost } from '../support/radio/radio-host.ts';
import { RadioWorld } from '../support/radio/radio-world.ts';

const EVERY_MS = 2_000;
const LOAD_MS = 120_000;

/** Frames of a station that left one behind the other in one access. */
function bursts({ modem }: RadioHost, sinceMs: number): number[] {
  const counts: number[] = [];
  let endMs = Number.NEGATIVE_INFINITY;
  for (const { fromMs, toMs } of modem.radio.station.sent) {
    if (fromMs >= sinceMs) {
      if (fromMs - endMs < 1) counts.push((counts.pop() ?? 0) + 1);
      else counts.push(1);
    }
    endMs = toMs;
  }
  return counts;
}

/** a sends b packets of 1280 octets, as many as go; `load` goes on with it. */
function loaded(
  seed: number,
  loss: number,
): { world: RadioWorld; a: RadioHost; b: RadioHost; load: (ms: number) => void } {
  const world = new RadioWorld({ seed });
  world.channel.setPaths({ loss: independent(loss) });
  const [a, b] = identities(2).map((owner) => world.host(owner)) as [RadioHost, RadioHost];
  for (const host of [a, b]) host.open();
  a.dial(b);
  const packet = packetTo(addressForKey(a.key), addressForKey(b.key), 1_280);
  const load = (ms: number): void => {
    for (const endMs = world.nowMs + ms; world.nowMs < endMs; world.run(EVERY_MS)) a.sendPacket(packet);
  };
  load(LOAD_MS);
  return { world, a, b, load };
}

test('where much is lost, an answer that is alone in its access is said twice', () => {
  const { world, b } = loaded(1, 0.3);
  const counts = bursts(b, world.nowMs - LOAD_MS + 30_000);
  const alone = counts.filter((count) => count === 1).length;
  assert.ok(counts.length > 10 && alone < counts.length / 10, `${counts}`);
});

test('one missing answer does not stop a long transfer, two do', () => {
  const { world, a, b, load } = loaded(1, 0);
  world.channel.setPath(b.modem.radio.station, a.modem.radio.station, { loss: independent(1) });
  const sinceMs = world.nowMs;
  load(40_000);
  const counts = bursts(a, sinceMs);
  const long = counts.filter((count) => count > 10).length;
  // An RNode is given a burst in two parts: what its cable has brought, and the rest.
  assert.ok(long >= 1 && long <= 2, `${counts}`);
  assert.ok(
    counts.slice(-4).every((count) => count <= 2),
    `${counts}`,
  );
});
