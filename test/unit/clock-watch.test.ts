import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockWatch } from '../../daemon/host/clock-watch.ts';

const YEAR_MS = 365 * 86_400_000;

test('a clock that is set is noticed once, by how much', () => {
  const watch = new ClockWatch(1_700_000_000_000, 5_000);
  assert.equal(watch.look(1_700_000_001_000, 6_000), undefined);
  assert.equal(watch.look(1_700_000_002_000 - YEAR_MS, 7_000), -YEAR_MS);
  assert.equal(watch.look(1_700_000_003_000 - YEAR_MS, 8_000), undefined);
  assert.equal(watch.look(1_700_000_004_000, 9_000), YEAR_MS);
});

test('slow corrections and the granularity of clocks are no step, whatever they add up to', () => {
  const watch = new ClockWatch(0, 0);
  for (let second = 1; second <= 1_000; second++) {
    assert.equal(watch.look(second * 1_000 + second * 100 + (second % 2) * 999, second * 1_000), undefined);
  }
});

test('time that passes while nothing looks is no step', () => {
  const watch = new ClockWatch(0, 0);
  assert.equal(watch.look(8 * 3_600_000, 8 * 3_600_000), undefined);
});
