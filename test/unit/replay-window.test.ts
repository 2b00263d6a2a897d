import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplayWindow, reconstructCounter } from '../../daemon/core/replay-window.ts';
import { linkVectors } from '../support/link-vectors.ts';
import { anyU64, fc, U64_EDGES } from './wire-property.ts';

const WINDOW = 1_024n;

function isNew(window: ReplayWindow, nonce: bigint): boolean {
  return window.isNew(Number(nonce >> 32n), Number(nonce & 0xffff_ffffn));
}

/** Accepts a nonce if it is new; says whether it was. */
function see(window: ReplayWindow, nonce: bigint): boolean {
  if (!isNew(window, nonce)) return false;
  window.accept(Number(nonce >> 32n), Number(nonce & 0xffff_ffffn));
  return true;
}

test('takes every nonce of a growing count once', () => {
  const window = new ReplayWindow(Number(WINDOW));
  for (let nonce = 0n; nonce < 3_000n; nonce++) {
    assert.ok(see(window, nonce));
    assert.ok(!see(window, nonce));
  }
});

test('takes what comes late, once', () => {
  const window = new ReplayWindow(Number(WINDOW));
  see(window, 100n);
  for (const nonce of [99n, 1n, 50n]) {
    assert.ok(see(window, nonce));
    assert.ok(!see(window, nonce));
  }
});

test('a nonce may be late by 1023 and not by 1024', () => {
  const window = new ReplayWindow(Number(WINDOW));
  see(window, 5_000n);
  assert.ok(isNew(window, 5_000n - 1_023n));
  assert.ok(!isNew(window, 5_000n - 1_024n));
});

test('asking changes nothing', () => {
  const window = new ReplayWindow(Number(WINDOW));
  see(window, 10n);
  assert.ok(isNew(window, 2_000_000n));
  assert.ok(isNew(window, 9n));
});

test('a leap forgets what lies behind the window and nothing in it', () => {
  const window = new ReplayWindow(Number(WINDOW));
  for (const nonce of [1n, 2n, 3n]) see(window, nonce);
  see(window, 1_000n);
  assert.ok(!isNew(window, 3n));
  assert.ok(isNew(window, 4n));
  see(window, 1_000_000n);
  assert.ok(isNew(window, 1_000_000n - 1_000n), 'a slot used before is free');
});

for (const edge of U64_EDGES.filter((nonce) => nonce > 2n)) {
  test(`remembers nonces around ${edge}`, () => {
    const window = new ReplayWindow(Number(WINDOW));
    for (const nonce of [edge - 2n, edge, edge - 1n]) {
      assert.ok(see(window, nonce), `${nonce} is new`);
      assert.ok(!see(window, nonce), `${nonce} is seen`);
    }
  });
}

test('nothing follows the last nonce of all', () => {
  const window = new ReplayWindow(Number(WINDOW));
  see(window, 2n ** 64n - 1n);
  assert.ok(!isNew(window, 1n));
  assert.ok(isNew(window, 2n ** 64n - 2n));
});

test('agrees with a set of all that were seen', () => {
  const nonces = fc.tuple(
    anyU64,
    fc.array(fc.oneof(fc.bigInt(-1_500n, 1_500n), fc.bigInt(-20n, 40n)), { minLength: 1, maxLength: 300 }),
  );
  fc.assert(
    fc.property(nonces, ([start, steps]) => {
      const window = new ReplayWindow(Number(WINDOW));
      const seen = new Set<bigint>();
      let highest = 0n;
      let nonce = start;
      for (const step of steps) {
        nonce = BigInt.asUintN(64, nonce + step);
        const isLate = highest - nonce >= WINDOW;
        assert.equal(see(window, nonce), !isLate && !seen.has(nonce));
        if (!isLate) seen.add(nonce);
        if (nonce > highest) highest = nonce;
      }
    }),
  );
});

test('L8: the replay window does what the vectors say', () => {
  const { size, ops } = linkVectors.replay_window;
  const window = new ReplayWindow(size);
  for (const [counter, isAccepted] of ops) assert.equal(see(window, BigInt(counter)), isAccepted, `${counter}`);
});

test('expects the counter after the highest', () => {
  const window = new ReplayWindow(32);
  assert.equal(window.expected, 0);
  for (const [counter, expected] of [
    [0n, 1],
    [7n, 8],
    [6n, 8],
    [0xffff_ffffn, 0x1_0000_0000],
    [0x1_0000_0000n, 0x1_0000_0001],
  ] as const) {
    assert.ok(see(window, counter));
    assert.equal(window.expected, expected);
  }
});

test('counters are completed as the vectors say', () => {
  for (const { expected, truncated, bits, full } of linkVectors.counter_reconstruction) {
    assert.equal(reconstructCounter(expected, truncated, bits), full);
  }
});

test('a counter within half a cycle of the expected one is completed to itself', () => {
  const distance = fc.oneof(fc.constantFrom(-1, 0, 1), fc.double({ min: -1, max: 1, noNaN: true }));
  fc.assert(
    fc.property(fc.maxSafeNat(), distance, fc.constantFrom<16 | 32>(16, 32), (start, share, bits) => {
      const expected = start % 2 ** 40;
      const cycle = 2 ** bits;
      const counter = Math.max(0, expected + Math.trunc(share * (cycle / 2 - 1)));
      assert.equal(reconstructCounter(expected, counter % cycle, bits), counter);
    }),
  );
});

test('knows what share of the latest counters has not come', () => {
  const window = new ReplayWindow(Number(WINDOW));
  assert.equal(window.missingShare, 0, 'of none');
  for (let nonce = 0n; nonce < 8n; nonce++) if (nonce !== 3n) see(window, nonce);
  assert.equal(window.missingShare, 1 / 8);
  see(window, 3n);
  assert.equal(window.missingShare, 0, 'it has come late');
  for (let nonce = 8n; nonce < 4_096n; nonce++) if (nonce % 4n !== 0n) see(window, nonce);
  assert.equal(window.missingShare, 1 / 4);
  see(window, 1_000_000n);
  assert.equal(window.missingShare, 1 - 1 / 1_024);
});

test('counts any pattern of counters', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1_023), { minLength: 1 }), (nonces) => {
      const window = new ReplayWindow(1_024);
      for (const nonce of nonces) window.accept(0, nonce);
      const share = 1 - nonces.length / (Math.max(...nonces) + 1);
      assert.ok(Math.abs(window.missingShare - share) < 1e-9);
    }),
  );
});
