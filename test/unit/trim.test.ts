import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { trimHeap } from '../../daemon/host/trim.ts';

test('what is not used any more goes back to the system', async () => {
  let waste: number[][] | undefined = Array.from({ length: 100_000 }, (_, i) => [i, i, i, i]);
  const before = process.memoryUsage().heapTotal;
  assert.equal(waste.length, 100_000);
  waste = undefined;
  await trimHeap();
  for (let i = 0; i < 500 && process.memoryUsage().heapTotal >= before; i++) await sleep(10);
  assert.ok(process.memoryUsage().heapTotal < before);
});
