import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AirLimit } from '../../daemon/core/radio/facts.ts';
import { HOUR_MS, Ledger } from '../../daemon/core/radio/ledger.ts';
import { airFacts, duty } from '../support/radio/air-facts.ts';

const MINUTE = 60_000;

function newLedger(limits: readonly AirLimit[], share = 1, nowMs = 0): Ledger {
  const ledger = new Ledger('test', nowMs);
  ledger.configure(airFacts({ limits, share }), 0, nowMs);
  return ledger;
}

/** What the ledger lets through by every limit, whatever is kept back. */
function leftMs(ledger: Ledger): number {
  return Math.min(...ledger.budgets.map((budget) => budget.leftMs));
}

function freeMs(ledger: Ledger): number {
  return Math.min(...ledger.budgets.map((budget) => budget.freeMs));
}

/** Transmissions as they really were, and the most of them in any window: a sliding one over their ends and beginnings. */
class Witness {
  readonly #sent: { startMs: number; endMs: number }[] = [];

  add(startMs: number, airMs: number): void {
    this.#sent.push({ startMs, endMs: startMs + airMs });
  }

  most(windowMs: number): number {
    let most = 0;
    const inWindow = (fromMs: number): number => {
      let sum = 0;
      for (const { startMs, endMs } of this.#sent) {
        sum += Math.max(Math.min(endMs, fromMs + windowMs) - Math.max(startMs, fromMs), 0);
      }
      return sum;
    };
    for (const { startMs, endMs } of this.#sent) {
      for (const fromMs of [startMs, endMs - windowMs]) most = Math.max(most, inWindow(fromMs));
    }
    return most;
  }

  total(fromMs: number, toMs: number): number {
    return this.#sent.reduce(
      (sum, { startMs, endMs }) => (startMs >= fromMs && endMs <= toMs ? sum + endMs - startMs : sum),
      0,
    );
  }
}

/** Steps of traffic: a pause, a wish, how greedy it is, and how long the modem waits before it sends. */
const steps = (
  count: number,
): fc.Arbitrary<{ pauseMs: number; airMs: number; isBold: boolean; waitMs: number; event: number }[]> =>
  fc.array(
    fc.record({
      pauseMs: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 20 * MINUTE })),
      airMs: fc.integer({ min: 1, max: 8_000 }),
      isBold: fc.boolean(),
      waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })),
      event: fc.integer({ min: 0, max: 19 }),
    }),
    { minLength: count, maxLength: count },
  );

const LIMITS: readonly (readonly AirLimit[])[] = [
  [duty(0.001)],
  [duty(0.01)],
  [duty(0.1)],
  [duty(0.1), { windowMs: 20_000, airMs: 4_000, frameMs: 4_000 }],
  [{ windowMs: HOUR_MS, airMs: 100_000, frameMs: 1_000 }],
];

test('whatever is wished for, no window of any limit holds more than it may', () => {
  fc.assert(
    fc.property(fc.constantFrom(...LIMITS), steps(250), (limits, wishes) => {
      const ledger = newLedger(limits);
      const witness = new Witness();
      let nowMs = 0;
      for (const { pauseMs, airMs, isBold, waitMs } of wishes) {
        nowMs += pauseMs;
        ledger.advance(nowMs);
        if (airMs > (isBold ? leftMs(ledger) : freeMs(ledger))) continue;
        ledger.take(airMs, nowMs);
        witness.add(nowMs + waitMs, airMs);
        nowMs += waitMs + airMs;
        ledger.settle(nowMs);
      }
      for (const { windowMs, airMs } of limits) assert.ok(witness.most(windowMs) <= airMs + 1e-6);
    }),
    { numRuns: 60 },
  );
});

test('restarts at any moment, crashes and clocks that jumped free no air', () => {
  fc.assert(
    fc.property(fc.constantFrom(...LIMITS.slice(0, 3)), steps(250), (limits, wishes) => {
      let ledger = newLedger(limits);
      let written = ledger.takeRecord(0);
      let writtenMs = 0;
      const witness = new Witness();
      let nowMs = 0;
      for (const { pauseMs, airMs, isBold, waitMs, event } of wishes) {
        nowMs += pauseMs;
        if (event < 3) {
          if (event === 0) written = ledger.record(nowMs);
          if (event === 0) writtenMs = nowMs;
          // Of the time that has passed, what is known for sure: all of it, some of it, nothing.
          const elapsedMs = [nowMs - writtenMs, (nowMs - writtenMs) / 2, 0][event] as number;
          ledger = new Ledger('test', nowMs, written, elapsedMs);
          ledger.configure(airFacts({ limits }), 0, nowMs);
          written = ledger.takeRecord(nowMs) ?? written;
          writtenMs = nowMs;
        }
        ledger.advance(nowMs);
        if (airMs > (isBold ? leftMs(ledger) : freeMs(ledger))) continue;
        ledger.take(airMs, nowMs);
        const record = ledger.takeRecord(nowMs);
        if (record !== undefined) [written, writtenMs] = [record, nowMs];
        witness.add(nowMs + waitMs, airMs);
        nowMs += waitMs + airMs;
        ledger.settle(nowMs);
      }
      for (const { windowMs, airMs } of limits) assert.ok(witness.most(windowMs) <= airMs + 1e-6);
    }),
    { numRuns: 60 },
  );
});

for (const share of [0.01, 0.1]) {
  test(`under load nine tenths and more of ${100 * share} % are used, hour after hour`, () => {
    const ledger = newLedger([duty(share)]);
    const witness = new Witness();
    const airMs = 400;
    for (let nowMs = 0; nowMs < 5 * HOUR_MS; ) {
      ledger.advance(nowMs);
      if (freeMs(ledger) < airMs) {
        nowMs += 250;
        continue;
      }
      ledger.take(airMs, nowMs);
      witness.add(nowMs, airMs);
      nowMs += airMs;
      ledger.settle(nowMs);
    }
    for (let hour = 0; hour < 5; hour++) {
      const used = witness.total(hour * HOUR_MS, (hour + 1) * HOUR_MS) / (HOUR_MS * share);
      assert.ok(used >= 0.95 && used <= 1, `hour ${hour}: ${used}`);
    }
    assert.ok(witness.most(HOUR_MS) <= HOUR_MS * share);
  });
}

test('a burst of ten minutes is free at once, then the mean rate', () => {
  const ledger = newLedger([duty(0.01)]);
  const [budget] = ledger.budgets;
  assert.equal(budget?.freeMs, 6_000);
  ledger.take(6_000, 0);
  ledger.settle(6_000);
  ledger.advance(66_000);
  // 30 s of the hour are spread over it.
  assert.ok(Math.abs((budget?.freeMs ?? 0) - 550) < 10);
  assert.equal(budget?.leftMs, 30_000);
});

test('what will be free, and when, is foretold', () => {
  fc.assert(
    fc.property(steps(60), fc.integer({ min: 1, max: 6_000 }), fc.constantFrom(0, 0.5, 1), (wishes, wishMs, part) => {
      const ledger = newLedger([duty(0.01)]);
      let nowMs = 0;
      for (const { pauseMs, airMs } of wishes) {
        nowMs += pauseMs;
        ledger.advance(nowMs);
        if (airMs > (part === 0 ? freeMs(ledger) : leftMs(ledger))) continue;
        ledger.take(airMs, nowMs);
        ledger.settle(nowMs);
      }
      const [budget] = ledger.budgets;
      if (budget === undefined) return;
      const atMs = budget.freeAtMs(wishMs, 0, part, nowMs);
      assert.ok(atMs <= nowMs + HOUR_MS + MINUTE);
      // Nothing is asked in between: only what the present tells counts.
      ledger.advance(atMs + 1);
      const thereMs = budget.freeMs + part * budget.keptBackMs;
      assert.ok(thereMs >= wishMs - 1e-6, `${thereMs} of ${wishMs}`);
    }),
    { numRuns: 200 },
  );
});

test('what waits in the modem counts as long as it waits', () => {
  const ledger = newLedger([duty(0.01)]);
  ledger.take(5_000, 0);
  ledger.advance(3 * HOUR_MS);
  assert.equal(ledger.usedLongMs, 5_000);
  assert.equal(leftMs(ledger), 31_000);
  ledger.settle(3 * HOUR_MS);
  ledger.advance(4 * HOUR_MS - 1);
  assert.equal(leftMs(ledger), 31_000);
  ledger.advance(4 * HOUR_MS + MINUTE);
  assert.equal(leftMs(ledger), 36_000);
});

test('a lower limit counts what was sent before it', () => {
  const ledger = newLedger([duty(0.1)]);
  ledger.take(50_000, 0);
  ledger.settle(50_000);
  ledger.configure(airFacts({ limits: [duty(0.01)] }), 0, 120_000);
  assert.ok(freeMs(ledger) < 0);
  assert.equal(leftMs(ledger), -14_000);
  ledger.advance(HOUR_MS + MINUTE);
  assert.ok(freeMs(ledger) > 0);
});

test('the share of the channel is kept but for one frame', () => {
  const ledger = newLedger([], 0.25);
  assert.equal(ledger.shareMs, 3_750);
  ledger.take(9_000, 0);
  ledger.settle(9_000);
  ledger.advance(20_000);
  assert.ok(ledger.shareMs < 0);
  ledger.advance(22_000);
  assert.ok(ledger.shareMs > 0);
  assert.equal(newLedger([], 1).shareMs, Number.POSITIVE_INFINITY);
});

test('records are made rarely, and each covers what is sent before the next', () => {
  const ledger = newLedger([duty(0.1)]);
  let records = 0;
  let covered = 0;
  let sent = 0;
  for (let nowMs = 0; nowMs < 2 * HOUR_MS; nowMs += 500) {
    const record = ledger.takeRecord(nowMs);
    if (record !== undefined) {
      records++;
      covered = sent + record.reserveMs;
    }
    ledger.advance(nowMs);
    if (freeMs(ledger) < 1_000) continue;
    assert.ok(sent + 1_000 <= covered);
    ledger.take(1_000, nowMs);
    ledger.settle(nowMs);
    sent += 1_000;
  }
  assert.ok(sent > 600_000 && records < 90, `${records} records for ${sent} ms`);
});

test('a transmitter without a limit by law needs no record', () => {
  const ledger = newLedger([], 0.25);
  ledger.take(1_000, 0);
  assert.equal(ledger.takeRecord(0), undefined);
});
