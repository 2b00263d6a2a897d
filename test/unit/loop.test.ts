import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOOK_MS, LoopLag, watchLoop } from '../../daemon/host/loop.ts';
import { waitFor } from '../support/wait.ts';

test('a loop that has not been looked at yet is idle and on time', () => {
  assert.deepEqual(new LoopLag().info(), { busy: 0, lagMeanMs: 0, lagMaxMs: 0 });
});

test('tells the share of busy time, and the mean and the worst delay of a minute', () => {
  const lag = new LoopLag();
  lag.add({ passed: LOOK_MS, busy: 100 });
  lag.add({ passed: LOOK_MS + 40, busy: 100 });
  // A timer that fires early is on time.
  lag.add({ passed: LOOK_MS - 40, busy: 100 });
  assert.deepEqual(lag.info(), { busy: 0.1, lagMeanMs: 40 / 3, lagMaxMs: 40 });
});

test('forgets what is older than a minute', () => {
  const lag = new LoopLag();
  lag.add({ passed: LOOK_MS + 500, busy: 500 });
  for (let i = 0; i < 60; i++) lag.add({ passed: LOOK_MS, busy: 0 });
  assert.deepEqual(lag.info(), { busy: 0, lagMeanMs: 0, lagMaxMs: 0 });
});

test('sees that this thread was held up', async () => {
  const lag = watchLoop();
  const untilMs = performance.now() + LOOK_MS + 300;
  while (performance.now() < untilMs);
  await waitFor('a look', () => lag.info().lagMaxMs >= 250);
  assert.ok(lag.info().busy > 0.5);
});
