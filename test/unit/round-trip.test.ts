import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constantsOf } from '../../daemon/core/link/datagram/classes.ts';
import { RoundTrip } from '../../daemon/core/link/datagram/round-trip.ts';

const classU = () => new RoundTrip(constantsOf('U', false));

test('before the first sample a second is waited, and nothing is known', () => {
  const roundTrip = classU();
  assert.equal(roundTrip.smoothedMs, undefined);
  assert.equal(roundTrip.retransmitMs, 1_000);
});

test('samples are smoothed by an eighth', () => {
  const roundTrip = classU();
  roundTrip.sample(80);
  assert.equal(roundTrip.smoothedMs, 80);
  roundTrip.sample(160);
  assert.equal(roundTrip.smoothedMs, 90);
});

test('the wait is the round trip, four times its spread, and the other side’s delay of 25 ms', () => {
  const roundTrip = classU();
  roundTrip.sample(200);
  assert.equal(roundTrip.retransmitMs, 200 + 4 * 100 + 25);
  for (let i = 0; i < 100; i++) roundTrip.sample(200);
  assert.equal(Math.round(roundTrip.retransmitMs), 200 + 10 + 25);
});

test('the wait is never below 100 ms nor above 10 s', () => {
  const roundTrip = classU();
  roundTrip.sample(1);
  assert.equal(roundTrip.retransmitMs, 100);
  for (let i = 0; i < 50; i++) roundTrip.sample(20_000);
  assert.equal(roundTrip.retransmitMs, 10_000);
});

test('an answer that may have been held back counts without the delay, but never below the least seen', () => {
  const roundTrip = classU();
  roundTrip.sample(10);
  for (let i = 0; i < 100; i++) roundTrip.sampleDelayed(35, 25);
  assert.equal(roundTrip.smoothedMs, 10);
  for (let i = 0; i < 100; i++) roundTrip.sampleDelayed(12, 25);
  assert.equal(roundTrip.smoothedMs, 10);
  for (let i = 0; i < 200; i++) roundTrip.sampleDelayed(135, 25);
  assert.equal(Math.round(roundTrip.smoothedMs as number), 110);
});

test('on another path everything is unknown again', () => {
  const roundTrip = classU();
  roundTrip.sample(10);
  roundTrip.reset();
  assert.deepEqual([roundTrip.smoothedMs, roundTrip.retransmitMs], [undefined, 1_000]);
});
