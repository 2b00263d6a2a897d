import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Codel } from '../../daemon/core/codel.ts';

const codelOf = () => new Codel({ targetMs: 5, intervalMs: 100 });

/** Asks once a millisecond while the oldest packet has always waited so long; the moments of the drops. */
function dropsAt(codel: Codel, waitedMs: number, fromMs: number, toMs: number): number[] {
  const drops: number[] = [];
  for (let nowMs = fromMs; nowMs < toMs; nowMs++) while (codel.mustDrop(waitedMs, false, nowMs)) drops.push(nowMs);
  return drops;
}

test('a short wait costs nothing', () => {
  assert.deepEqual(dropsAt(codelOf(), 4.9, 0, 10_000), []);
});

test('a wait that ends within the interval costs nothing', () => {
  const codel = codelOf();
  assert.deepEqual(dropsAt(codel, 50, 0, 100), []);
  assert.equal(codel.mustDrop(1, false, 100), false);
  assert.deepEqual(dropsAt(codel, 50, 101, 200), []);
});

test('a lasting wait costs one packet after the interval, then more and more often', () => {
  const [first, second, third, fourth] = dropsAt(codelOf(), 50, 0, 400);
  assert.deepEqual([first, second, third, fourth], [100, 200, 271, 329]);
});

test('it stops at once when the queue is short again, and resumes faster', () => {
  const codel = codelOf();
  const before = dropsAt(codel, 50, 0, 1_000).length;
  assert.ok(before > 10);
  assert.equal(codel.mustDrop(1, false, 1_000), false);
  const again = dropsAt(codel, 50, 1_001, 1_300);
  assert.equal(again[0], 1_101);
  assert.ok((again[1] as number) - (again[0] as number) < 50);
});

test('the last packet is never dropped', () => {
  const codel = codelOf();
  for (let nowMs = 0; nowMs < 1_000; nowMs++) assert.equal(codel.mustDrop(500, true, nowMs), false);
});
