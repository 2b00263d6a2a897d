/** Every length that a packet may have, and more: each kernel beside two other implementations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portableBox } from '../../daemon/crypto/portable.ts';
import { assertEqual, implementations, jobsOf, noble, reversed, rowsOf } from '../support/boxes.ts';

const LONGEST = 70_000;
const AT_ONCE = 100;

const kernels = implementations.filter(({ name, skip }) => name !== 'portable' && skip === false);
const skip = kernels.length === 0 ? (implementations.at(-1)?.skip ?? 'no kernel') : false;

test(`${kernels.map(({ name }) => name).join(', ')}: every length from 0 to ${LONGEST}`, { skip }, (t) => {
  let lengths = 0;
  for (let from = 0; from <= LONGEST; from += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, LONGEST + 1 - from) }, (_, i) => from + i);
    const twins = rowsOf(batch);
    portableBox.seal(jobsOf(twins));
    for (const row of twins) assertEqual(noble(row), row.target, `the references agree on length ${row.length}`);
    for (const { name, box } of kernels) {
      const rows = rowsOf(batch);
      box().seal(jobsOf(rows));
      const back = reversed(rows);
      const jobs = jobsOf(back);
      box().open(jobs);
      assert.ok(jobs.ok.every((ok) => ok === 1));
      rows.forEach((row, i) => {
        assertEqual(row.target, twins[i]?.target ?? row.key, `${name} seals length ${row.length}`);
        assertEqual(back[i]?.target ?? row.key, row.source, `${name} opens length ${row.length}`);
      });
    }
    lengths += batch.length;
  }
  t.diagnostic(`${lengths} lengths, ${kernels.length} kernels`);
  assert.equal(lengths, LONGEST + 1);
});
