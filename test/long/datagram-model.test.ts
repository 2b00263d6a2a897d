import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ModelReport, runModel } from '../support/datagram-model.ts';

const SEEDS = 10_000;

test('L13: 10 000 lives of two nodes that begin at once on a bad medium', (t) => {
  const failed: number[] = [];
  const reports: ModelReport[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      reports.push(runModel(seed));
    } catch (error) {
      failed.push(seed);
      t.diagnostic(`SEED=${seed}: ${error}`);
    }
  }
  const slowest = Math.max(...reports.map(({ upAfterMs }) => upAfterMs));
  t.diagnostic(`slowest link: ${slowest} ms; restarts: ${reports.reduce((sum, { restarts }) => sum + restarts, 0)}`);
  assert.deepEqual(failed, []);
});
