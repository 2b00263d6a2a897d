import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Sending, usedMs, violations } from '../support/radio/air-check.ts';

const HOUR = { windowMs: 3_600_000, airMs: 36_000, frameMs: Number.POSITIVE_INFINITY };

test('an hour that is full to the millisecond is lawful, one more is not', () => {
  const sent = Array.from({ length: 36 }, (_, i) => ({ fromMs: i * 100_000, toMs: i * 100_000 + 1_000 }));
  const next = (atMs: number): Sending[] => [...sent, { fromMs: atMs, toMs: atMs + 1_000 }];
  assert.deepEqual(violations(sent, [HOUR]), []);
  assert.deepEqual(violations(next(3_600_000), [HOUR]), []);
  const [found] = violations(next(3_599_999), [HOUR]);
  assert.equal(found?.what, 'window');
  assert.equal(found?.usedMs, 36_001);
  assert.equal(found?.atMs, 3_600_999);
});

test('a window that cuts a transmission counts what is inside', () => {
  const long = [
    { fromMs: 0, toMs: 30_000 },
    { fromMs: 3_590_000, toMs: 3_606_000 },
  ];
  assert.equal(violations(long, [HOUR])[0]?.usedMs, 40_000);
  assert.deepEqual(violations(long, [{ ...HOUR, airMs: 40_000 }]), []);
});

test('a frame that is too long is found', () => {
  const sent = [
    { fromMs: 0, toMs: 400 },
    { fromMs: 1_000, toMs: 1_401 },
  ];
  assert.equal(violations(sent, [{ ...HOUR, frameMs: 400 }])[0]?.what, 'frame');
  assert.deepEqual(violations(sent, [{ ...HOUR, frameMs: 401 }]), []);
});

test('finds what a look at every millisecond finds', () => {
  const gaps = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 15 })), { maxLength: 20 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 5, max: 60 }), fc.integer({ min: 1, max: 40 }), (steps, windowMs, airMs) => {
      let atMs = 0;
      const sent = steps.map(([gap, length]) => {
        const fromMs = atMs + gap;
        atMs = fromMs + length;
        return { fromMs, toMs: atMs };
      });
      const most = Math.max(0, ...Array.from({ length: atMs + windowMs }, (_, ms) => usedMs(sent, ms, windowMs)));
      const found = violations(sent, [{ windowMs, airMs, frameMs: Number.POSITIVE_INFINITY }]);
      assert.equal(found.length > 0, most > airMs);
    }),
  );
});
