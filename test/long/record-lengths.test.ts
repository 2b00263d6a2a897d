/** Every length that a record may have, and more: each implementation beside another one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { implementations, noble, opening, recordJobsOf, rowsIn } from '../support/aeads.ts';
import { assertEqual, TAG } from '../support/boxes.ts';

const LONGEST = 70_000;
const AT_ONCE = 100;

for (const { name, skip, take } of implementations.filter((one) => one.name !== 'portable')) {
  test(`${name}: every length from 0 to ${LONGEST}`, { skip }, () => {
    const aead = take();
    for (let from = 0; from <= LONGEST; from += AT_ONCE) {
      const lengths = Array.from({ length: Math.min(AT_ONCE, LONGEST + 1 - from) }, (_, i) => from + i);
      const { arena, rows } = rowsIn(lengths, from);
      const texts = arena.slice();
      aead.seal(recordJobsOf(rows));
      for (const row of rows) {
        const wanted = noble(row, texts.subarray(row.at, row.at + row.length));
        assertEqual(arena.subarray(row.to, row.to + row.length + TAG), wanted, `${name} seals length ${row.length}`);
      }
      const jobs = opening(rows);
      aead.open(jobs);
      assert.ok(jobs.ok.every((ok) => ok === 1));
      for (const { at, length } of rows) {
        assertEqual(arena.subarray(at, at + length), texts.subarray(at, at + length), `${name} opens length ${length}`);
      }
    }
  });
}
