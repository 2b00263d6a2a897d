import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplayWindow } from '../../daemon/core/session/replay.ts';
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
  const window = new ReplayWindow();
  for (let nonce = 1n; nonce < 3_000n; nonce++) {
    assert.ok(see(window, nonce));
    assert.ok(!see(window, nonce));
  }
});

test('the nonce zero is never new', () => {
  const window = new ReplayWindow();
  assert.ok(!isNew(window, 0n));
  see(window, 5n);
  assert.ok(!isNew(window, 0n));
});

test('takes what comes late, once', () => {
  const window = new ReplayWindow();
  see(window, 100n);
  for (const nonce of [99n, 1n, 50n]) {
    assert.ok(see(window, nonce));
    assert.ok(!see(window, nonce));
  }
});

test('a nonce may be late by 1023 and not by 1024', () => {
  const window = new ReplayWindow();
  see(window, 5_000n);
  assert.ok(isNew(window, 5_000n - 1_023n));
  assert.ok(!isNew(window, 5_000n - 1_024n));
});

test('asking changes nothing', () => {
  const window = new ReplayWindow();
  see(window, 10n);
  assert.ok(isNew(window, 2_000_000n));
  assert.ok(isNew(window, 9n));
});

test('a leap forgets what lies behind the window and nothing in it', () => {
  const window = new ReplayWindow();
  for (const nonce of [1n, 2n, 3n]) see(window, nonce);
  see(window, 1_000n);
  assert.ok(!isNew(window, 3n));
  assert.ok(isNew(window, 4n));
  see(window, 1_000_000n);
  assert.ok(isNew(window, 1_000_000n - 1_000n), 'a slot used before is free');
});

for (const edge of U64_EDGES.filter((nonce) => nonce > 2n)) {
  test(`remembers nonces around ${edge}`, () => {
    const window = new ReplayWindow();
    for (const nonce of [edge - 2n, edge, edge - 1n]) {
      assert.ok(see(window, nonce), `${nonce} is new`);
      assert.ok(!see(window, nonce), `${nonce} is seen`);
    }
  });
}

test('nothing follows the last nonce of all', () => {
  const window = new ReplayWindow();
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
      const window = new ReplayWindow();
      const seen = new Set<bigint>();
      let highest = 0n;
      let nonce = start;
      for (const step of steps) {
        nonce = BigInt.asUintN(64, nonce + step);
        const isLate = highest - nonce >= WINDOW;
        assert.equal(see(window, nonce), nonce !== 0n && !isLate && !seen.has(nonce));
        if (!isLate) seen.add(nonce);
        if (nonce > highest) highest = nonce;
      }
    }),
  );
});
