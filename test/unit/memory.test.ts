import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryPair } from '../../daemon/links/memory.ts';
import { linkFacts } from '../support/core.ts';
import { fill, linkSuite, started } from '../support/link-suite.ts';

const DIALLED = linkFacts({ isInbound: false, isConfigured: true });
const ACCEPTED = linkFacts();

linkSuite('memory', async () => memoryPair(DIALLED, ACCEPTED));

test('nothing moves but when the schedule says so', () => {
  const acts: (() => void)[] = [];
  const [near, far] = memoryPair(DIALLED, ACCEPTED, (act) => acts.push(act));
  const [ear, farEar] = [started(near), started(far)];
  near.write(Uint8Array.of(1, 2, 3));
  far.close();
  assert.deepEqual([ear.count, farEar.count], [0, 0]);
  for (const act of acts.splice(0)) act();
  assert.deepEqual([ear.reasons.length, farEar.count], [1, 0]);
});

test('256 KiB may be under way, one octet more is held', () => {
  const [near] = memoryPair(DIALLED, ACCEPTED);
  started(near);
  assert.equal(near.write(new Uint8Array(262_144)), true);
  assert.equal(near.write(new Uint8Array(1)), false);
  const [other] = memoryPair(DIALLED, ACCEPTED);
  started(other);
  assert.ok(fill(other) <= 2 * 262_144);
});
