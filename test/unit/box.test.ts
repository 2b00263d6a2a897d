import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { portableBox } from '../../daemon/crypto/portable.ts';
import {
  assertEqual,
  type BoxRow,
  implementations,
  jobsOf,
  noble,
  pattern,
  reversed,
  rowsOf,
  TAG,
} from '../support/boxes.ts';

const EVERY_LENGTH = Array.from({ length: 2201 }, (_, i) => i);
const LARGE = [4080, 4096, 8191, 8192, 16_384, 16_401, 32_767, 65_535, 65_536, 69_999, 70_000];
const AT_EDGES = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 95, 96, 97, 191, 192, 193, 224, 225, 480, 481, 992, 993, 2016];

for (const { name, skip, box } of implementations) {
  test(`${name} seals as the second implementation does`, { skip }, () => {
    const rows = rowsOf([...AT_EDGES, 1400, ...LARGE]);
    box().seal(jobsOf(rows));
    for (const row of rows) assertEqual(row.target, noble(row), `length ${row.length}`);
  });

  test(`${name} opens what the second implementation sealed`, { skip }, () => {
    const rows = rowsOf([...AT_EDGES, 1400, 65_535]);
    for (const row of rows) row.target.set(noble(row));
    const back = reversed(rows);
    const jobs = jobsOf(back);
    box().open(jobs);
    back.forEach((row, i) => {
      assert.equal(jobs.ok[i], 1, `length ${row.length}`);
      assertEqual(row.target, rows[i]?.source ?? row.key, `length ${row.length}`);
    });
  });

  test(`${name} refuses a box with any octet changed, and opens its neighbours`, { skip }, () => {
    for (const length of [0, 1, 64, 300, 1400, 2500]) {
      const rows = rowsOf([length, length, length]);
      box().seal(jobsOf(rows));
      const sealed = rows[1]?.target ?? new Uint8Array();
      for (let at = 0; at < sealed.length; at += at < 40 ? 1 : 13) {
        sealed[at] = (sealed[at] ?? 0) ^ 0x80;
        const jobs = jobsOf(reversed(rows));
        box().open(jobs);
        assert.deepEqual([...jobs.ok], [1, 0, 1], `length ${length}, octet ${at}`);
        sealed[at] = (sealed[at] ?? 0) ^ 0x80;
      }
    }
  });

  test(`${name} refuses another key, another nonce and a shortened box`, { skip }, () => {
    const [row] = rowsOf([500]);
    assert.ok(row !== undefined);
    box().seal(jobsOf([row]));
    const [back] = reversed([row]);
    assert.ok(back !== undefined);
    const jobs = jobsOf([
      { ...back, key: pattern(32, 99) },
      { ...back, nonce: back.nonce + 1n },
      { ...back, nonce: back.nonce + (1n << 32n) },
      { ...back, length: back.length - 1 },
      back,
    ]);
    box().open(jobs);
    assert.deepEqual([...jobs.ok], [0, 0, 0, 0, 1]);
  });

  test(`${name} carries through tags of ciphertext that is all ones`, { skip }, () => {
    const lengths = [16, 31, 64, 191, 256, 511, 512, 600, 1100, 2500];
    for (let round = 0; round < 8; round++) {
      const zeros = lengths.map((length, i): BoxRow => {
        const key = pattern(32, round * 16 + i);
        return {
          source: new Uint8Array(length),
          at: 0,
          length,
          target: new Uint8Array(length + TAG),
          to: 0,
          key,
          nonce: 5n,
        };
      });
      box().seal(jobsOf(zeros));
      const rows = zeros.map((row) => ({
        ...row,
        source: row.target.slice(TAG).map((octet) => ~octet),
        target: new Uint8Array(row.length + TAG),
      }));
      box().seal(jobsOf(rows));
      for (const row of rows) {
        assert.ok(row.target.subarray(TAG).every((octet) => octet === 0xff));
        assertEqual(row.target, noble(row), `length ${row.length}`);
      }
    }
  });

  test(`${name} works in place and leaves the octets around alone`, { skip }, () => {
    const lengths = [...AT_EDGES, ...EVERY_LENGTH.filter((length) => length % 37 === 0), ...LARGE];
    const arena = new Uint8Array(lengths.reduce((sum, length) => sum + length + 64, 64)).fill(0xaa);
    let at = 32;
    const rows = lengths.map((length, i): BoxRow => {
      arena.set(pattern(length, i), at + TAG);
      const row = {
        source: arena,
        at: at + TAG,
        length,
        target: arena,
        to: at,
        key: pattern(32, i >> 1),
        nonce: BigInt(i),
      };
      at += length + 64;
      return row;
    });
    const before = arena.slice();
    box().seal(jobsOf(rows));
    for (const row of rows) {
      assertEqual(
        arena.subarray(row.to, row.to + row.length + TAG),
        noble({ ...row, source: before }),
        `${row.length}`,
      );
      assert.equal(arena[row.to - 1], 0xaa);
      assert.equal(arena[row.to + row.length + TAG], 0xaa);
    }
    const jobs = jobsOf(rows.map((row) => ({ ...row, at: row.to, length: row.length + TAG, to: row.at })));
    box().open(jobs);
    assert.ok(jobs.ok.every((ok) => ok === 1));
    for (const row of rows) {
      assertEqual(arena.subarray(row.at, row.at + row.length), before.subarray(row.at, row.at + row.length), 'text');
    }
  });

  test(`${name} takes any batch of any buffers and keys`, { skip }, () => {
    const job = fc.record({
      length: fc.oneof(fc.nat(150), fc.nat(2200)),
      source: fc.nat(3),
      target: fc.nat(3),
      key: fc.nat(2),
      nonce: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    });
    fc.assert(
      fc.property(fc.array(job, { maxLength: 40 }), (list) => {
        const sources = [0, 1, 2, 3].map((i) => pattern(2200, i));
        const targets = [0, 1, 2, 3].map(() => new Uint8Array(40 * 2216));
        const rows = list.map(
          (one, i): BoxRow => ({
            source: sources[one.source] ?? new Uint8Array(),
            at: 2200 - one.length,
            length: one.length,
            target: targets[one.target] ?? new Uint8Array(),
            to: i * 2216,
            key: pattern(32, one.key),
            nonce: one.nonce,
          }),
        );
        box().seal(jobsOf(rows));
        for (const row of rows) {
          assertEqual(row.target.subarray(row.to, row.to + row.length + TAG), noble(row), `length ${row.length}`);
        }
        const jobs = jobsOf(reversed(rows));
        box().open(jobs);
        assert.ok(jobs.ok.every((ok) => ok === 1));
      }),
      { numRuns: name === 'portable' ? 5 : 30 },
    );
  });

  if (name === 'portable') continue;
  test(`${name} agrees with its portable twin at every length up to 2200`, { skip }, () => {
    const mine = rowsOf(EVERY_LENGTH);
    const twins = rowsOf(EVERY_LENGTH);
    box().seal(jobsOf(mine));
    portableBox.seal(jobsOf(twins));
    mine.forEach((row, i) => {
      assertEqual(row.target, twins[i]?.target ?? row.key, `length ${row.length}`);
    });
    const back = reversed(mine);
    const jobs = jobsOf(back);
    box().open(jobs);
    back.forEach((row, i) => {
      assert.equal(jobs.ok[i], 1, `length ${row.length - TAG}`);
      assertEqual(row.target, mine[i]?.source ?? row.key, `length ${row.length - TAG}`);
    });
  });
}
