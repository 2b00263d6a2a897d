import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseCrypto } from '../../daemon/crypto/choose.ts';
import { nodeAead } from '../../daemon/crypto/node-aead.ts';
import { aeadProblem } from '../../daemon/crypto/selftest.ts';
import {
  addon,
  fastest,
  implementations,
  noble,
  opening,
  type RecordRow,
  recordJobsOf,
  rowsIn,
  skipNative,
} from '../support/aeads.ts';
import { TAG } from '../support/boxes.ts';
import { Chance } from '../support/core.ts';
import { fromHex, linkVectors, toHex } from '../support/link-vectors.ts';

const slice = (octets: Uint8Array, at: number, length: number) => Buffer.from(octets.subarray(at, at + length));

const EVERY_LENGTH = Array.from({ length: 2001 }, (_, i) => i);
const LARGE = [4096, 16_384, 65_535, 65_536, 69_999, 70_000];
const FEW = [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1400];

for (const { name, skip, isNative, take } of implementations) {
  const lengths = isNative ? [...EVERY_LENGTH, ...LARGE] : [...FEW, 70_000];

  test(`${name} seals in place as the second implementation does, and touches nothing else`, { skip }, () => {
    const aead = take();
    const { arena, rows } = rowsIn(lengths, 1);
    const before = arena.slice();
    aead.seal(recordJobsOf(rows));
    const wanted = before.slice();
    for (const row of rows) wanted.set(noble(row, before.subarray(row.at, row.at + row.length)), row.to);
    for (const { to, length } of rows) {
      assert.ok(slice(arena, to - 32, length + 64).equals(slice(wanted, to - 32, length + 64)), `length ${length}`);
    }
    assert.ok(Buffer.compare(arena, wanted) === 0);
  });

  test(`${name} opens in place what the second implementation sealed`, { skip }, () => {
    const aead = take();
    const { arena, rows } = rowsIn(lengths, 2);
    const before = arena.slice();
    for (const row of rows) arena.set(noble(row, before.subarray(row.at, row.at + row.length)), row.to);
    const jobs = opening(rows);
    aead.open(jobs);
    rows.forEach(({ at, length }, i) => {
      assert.equal(jobs.ok[i], 1, `length ${length}`);
      assert.ok(slice(arena, at, length).equals(slice(before, at, length)), `length ${length}`);
    });
  });

  test(`${name} refuses whatever was changed, and opens its neighbours`, { skip }, () => {
    const aead = take();
    for (const length of [0, 1, 64, 300, 1400]) {
      const { arena, rows } = rowsIn([length, length, length], 3);
      for (const row of rows) row.adLength = 9;
      aead.seal(recordJobsOf(rows));
      const sealed = arena.slice();
      const [, { to } = { to: 0 }] = rows;
      for (let at = to - 9; at < to + length + TAG; at += at < to + 20 ? 1 : 13) {
        arena.set(sealed);
        arena[at] = (arena[at] ?? 0) ^ 0x80;
        const jobs = opening(rows);
        aead.open(jobs);
        assert.deepEqual([...jobs.ok], [1, 0, 1], `length ${length}, octet ${at - to}`);
      }
    }
  });

  test(`${name} refuses another key, nonce, length or associated data`, { skip }, () => {
    const aead = take();
    const { arena, rows } = rowsIn([500], 4);
    const [row] = rows;
    assert.ok(row !== undefined);
    row.adLength = 5;
    aead.seal(recordJobsOf([row]));
    const sealed = arena.slice();
    const changes: Partial<RecordRow>[] = [
      { key: new Uint8Array(32) },
      { nonce: row.nonce + 1n },
      { nonce: row.nonce + (1n << 32n) },
      { length: 499 },
      { adLength: 6 },
      {},
    ];
    const outcomes = changes.map((change) => {
      arena.set(sealed);
      const jobs = opening([{ ...row, ...change }]);
      aead.open(jobs);
      return jobs.ok[0];
    });
    assert.deepEqual(outcomes, [0, 0, 0, 0, 0, 1]);
  });

  test(`${name} takes any batch of any buffers and keys`, { skip }, () => {
    const aead = take();
    const job = fc.record({
      length: fc.oneof(fc.nat(150), fc.nat(2000)),
      adLength: fc.nat(40),
      source: fc.nat(3),
      target: fc.nat(3),
      key: fc.nat(2),
      nonce: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    });
    fc.assert(
      fc.property(fc.array(job, { maxLength: 40 }), (list) => {
        const chance = new Chance(5);
        const sources = [0, 1, 2, 3].map(() => chance.octets(2000));
        const targets = [0, 1, 2, 3].map(() => chance.octets(40 * 2056));
        const rows = list.map((one, i): RecordRow => {
          const source = sources[one.source] ?? new Uint8Array();
          const target = targets[one.target] ?? new Uint8Array();
          const key = new Uint8Array(32).fill(one.key);
          return { ...one, source, at: 2000 - one.length, target, to: i * 2056 + 40, key };
        });
        aead.seal(recordJobsOf(rows));
        for (const row of rows) {
          const wanted = Buffer.from(noble(row, row.source.subarray(row.at, row.at + row.length)));
          assert.ok(slice(row.target, row.to, row.length + TAG).equals(wanted), `length ${row.length}`);
        }
        const texts = rows.map((row) => new Uint8Array(row.length));
        const back = rows.map((row, i) => ({ ...row, source: row.target, at: row.to, length: row.length + TAG, i }));
        const jobs = recordJobsOf(back.map((row) => ({ ...row, target: texts[row.i] ?? row.key, to: 0 })));
        aead.open(jobs);
        assert.ok(jobs.ok.every((ok) => ok === 1));
        rows.forEach((row, i) => {
          assert.ok(slice(row.source, row.at, row.length).equals(texts[i] ?? row.key));
        });
      }),
      { numRuns: isNative ? 30 : 5 },
    );
  });

  test(`${name} seals and opens the records of the vectors`, { skip }, () => {
    const aead = take();
    const records = linkVectors.link.flatMap(({ DATA, key_i2r, key_r2i }) =>
      DATA.map(({ from, ...record }) => ({ ...record, key: from === 'A' ? key_i2r : key_r2i })),
    );
    const sessionRecords = linkVectors.e2e.map(({ DATA, key_i2r }) => ({ ...DATA, key: key_i2r }));
    for (const { counter, plaintext, packet, key } of [...records, ...sessionRecords]) {
      const target = fromHex(packet);
      const source = fromHex(plaintext);
      const adLength = target.length - source.length - TAG;
      target.fill(0, adLength);
      const place = { source, at: 0, length: source.length, target, to: adLength, adLength };
      const row = { ...place, key: fromHex(key), nonce: BigInt(counter) };
      aead.seal(recordJobsOf([row]));
      assert.equal(toHex(target), packet);
      const jobs = recordJobsOf([{ ...row, source: target, at: adLength, length: source.length + TAG }]);
      aead.open(jobs);
      assert.equal(jobs.ok[0], 1);
      assert.equal(toHex(target.subarray(adLength, adLength + source.length)), plaintext);
    }
  });

  test(`${name} passes its self-test, and fails it when it does anything wrong`, { skip }, () => {
    const aead = take();
    assert.equal(aeadProblem(aead), undefined);
    const throwing = () => {
      throw new Error('no such thing');
    };
    assert.match(aeadProblem({ ...aead, seal: () => {} }) ?? '', /seals wrongly/);
    assert.match(aeadProblem({ ...aead, open: (jobs) => void jobs.ok.fill(1) }) ?? '', /changed/);
    assert.match(aeadProblem({ ...aead, open: (jobs) => void jobs.ok.fill(0) }) ?? '', /opens wrongly/);
    assert.match(aeadProblem({ ...aead, seal: throwing }) ?? '', /no such thing/);
  });
}

test('takes the fastest that works, and says why it is not the fastest of all', { skip: skipNative }, () => {
  assert.ok(addon !== undefined && fastest !== undefined);
  addon.kernel(fastest);
  assert.equal(chooseCrypto({ addon }).crypto.aead.name, `addon ${fastest}`);
  assert.deepEqual(chooseCrypto({ addon }).slower, []);
  const wrong = chooseCrypto({ addon: { ...addon, aeadSeal: () => {} } });
  assert.equal(wrong.crypto.aead, nodeAead);
  assert.match(wrong.slower.join(), /seals wrongly/);
});

test('leaves long records to OpenSSL only where it is there and wanted', { skip: skipNative }, () => {
  assert.ok(addon !== undefined);
  assert.equal(addon.aeadLibrary(false), undefined);
  const version = addon.aeadLibrary(true);
  assert.match(version ?? 'OpenSSL none', /^OpenSSL /);
  assert.equal(addon.aeadLibrary(), version);
  const native = addon;
  assert.throws(() => native.aeadLibrary(Object(1)), RangeError);
});

test('works without the addon', () => {
  const chosen = chooseCrypto({ problem: 'it is not there' });
  assert.equal(chosen.crypto.aead, nodeAead);
  assert.deepEqual(chosen.slower, ['it is not there']);
});
