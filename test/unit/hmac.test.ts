/** HMAC-SHA256 in batches, each implementation against `node:crypto` and the vectors of RFC 4231. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MacJobs, MacSigner } from '../../daemon/core/port.ts';
import { nativeMacs } from '../../daemon/crypto/native.ts';
import { nodeMacs } from '../../daemon/crypto/node.ts';
import { macsProblem } from '../../daemon/crypto/selftest.ts';
import { findAddon } from '../../native-bindings/addon.ts';

const KEY = 32;
const STRIDE = 200;
const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const skipNative = problem ?? false;
const implementations: { name: string; skip: string | false; macs: MacSigner }[] = [
  { name: 'node:crypto', skip: false, macs: nodeMacs },
  { name: 'addon', skip: skipNative, macs: addon === undefined ? nodeMacs : nativeMacs(addon) },
];

function jobsOf(rows: readonly { key: Uint8Array; text: Uint8Array }[]): MacJobs {
  const jobs: MacJobs = {
    texts: new Uint8Array(rows.length * STRIDE),
    stride: STRIDE,
    lengths: Int32Array.from(rows, ({ text }) => text.length),
    keys: new Uint8Array(rows.length * KEY),
    macs: new Uint8Array(rows.length * KEY),
    count: rows.length,
  };
  rows.forEach(({ key, text }, i) => {
    jobs.keys.set(key, i * KEY);
    jobs.texts.set(text, i * STRIDE);
  });
  return jobs;
}

for (const { name, skip, macs } of implementations) {
  test(`${name} signs what RFC 4231 does`, { skip }, () => {
    assert.equal(macsProblem(macs), undefined);
    assert.match(macsProblem({ ...macs, sign: () => {} }) ?? '', /signs wrongly/);
  });

  test(`${name} signs rows of any length under equal and other keys`, { skip }, () => {
    const octets = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
    const row = fc.record({ keyIndex: fc.nat(2), text: fc.uint8Array({ maxLength: STRIDE }) });
    fc.assert(
      fc.property(fc.array(octets(KEY), { minLength: 3, maxLength: 3 }), fc.array(row), (keys, drawn) => {
        const rows = drawn.map(({ keyIndex, text }) => ({ key: keys[keyIndex] as Uint8Array, text }));
        const jobs = jobsOf(rows);
        macs.sign(jobs);
        rows.forEach(({ key, text }, i) => {
          const wanted = createHmac('sha256', key).update(text).digest();
          assert.deepEqual(Buffer.from(jobs.macs.subarray(i * KEY, (i + 1) * KEY)), wanted);
        });
      }),
    );
  });
}

test('the addon refuses a batch that lies outside of its columns, and writes nothing', { skip: skipNative }, () => {
  const macs = nativeMacs(addon as NonNullable<typeof addon>);
  const good = jobsOf([{ key: new Uint8Array(KEY), text: new Uint8Array(10) }]);
  const wrong: Partial<MacJobs>[] = [
    { count: 2 },
    { count: -1 },
    { count: 65_537 },
    { stride: STRIDE + 1 },
    { stride: -1 },
    { stride: 2 ** 31 },
    { lengths: Int32Array.of(-1) },
    { lengths: Int32Array.of(STRIDE + 1) },
    { lengths: new Int32Array(0) },
    { keys: new Uint8Array(KEY - 1) },
    { macs: new Uint8Array(KEY - 1) },
    { texts: new Uint8Array(STRIDE - 1) },
  ];
  for (const change of wrong) {
    assert.throws(() => macs.sign({ ...good, ...change }), RangeError, JSON.stringify(change));
  }
  assert.ok(good.macs.every((octet) => octet === 0));
});
