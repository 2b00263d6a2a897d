import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bucket } from '../../daemon/core/policy.ts';

/** How many tokens can be taken at one moment. */
function takeAll(bucket: Bucket, nowMs: number, reserve = 0): number {
  let taken = 0;
  while (bucket.take(nowMs, reserve)) taken++;
  return taken;
}

test('a new bucket is full', () => {
  assert.equal(takeAll(new Bucket({ perSecond: 5, burst: 8 }, 1_000), 1_000), 8);
});

test('an empty bucket gives its rate', () => {
  const bucket = new Bucket({ perSecond: 5, burst: 8 }, 0);
  takeAll(bucket, 0);
  assert.equal(takeAll(bucket, 1_000), 5);
});

test('a bucket never holds more than its burst', () => {
  const bucket = new Bucket({ perSecond: 5, burst: 8 }, 0);
  takeAll(bucket, 0);
  assert.equal(takeAll(bucket, 3_600_000), 8);
});

test('tokens come in parts of a second', () => {
  const bucket = new Bucket({ perSecond: 5, burst: 8 }, 0);
  takeAll(bucket, 0);
  assert.equal(takeAll(bucket, 199), 0);
  assert.equal(takeAll(bucket, 200), 1);
});

test('asking in vain costs nothing', () => {
  const bucket = new Bucket({ perSecond: 1, burst: 1 }, 0);
  takeAll(bucket, 0);
  for (let ms = 0; ms < 1_000; ms += 10) assert.ok(!bucket.take(ms));
  assert.ok(bucket.take(1_000));
});

test('a reserve is left to those who may use it', () => {
  const bucket = new Bucket({ perSecond: 1, burst: 10 }, 0);
  assert.equal(takeAll(bucket, 0, 4), 6);
  assert.equal(takeAll(bucket, 0), 4);
});

test('over a long time no more passes than rate and burst allow', () => {
  const bucket = new Bucket({ perSecond: 50, burst: 100 }, 0);
  let taken = 0;
  for (let ms = 0; ms <= 10_000; ms += 3) if (bucket.take(ms)) taken++;
  assert.ok(taken <= 600 && taken >= 599, `${taken}`);
});
