/** Counters of records as links use them: cut on the way, completed, and accepted once (link document, section 5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplayWindow, reconstructCounter } from '../../daemon/core/replay-window.ts';
import { fc } from './wire-property.ts';

const TWO_32 = 2 ** 32;

/** What a receiver makes of a counter of which `bits` were sent; undefined if it drops it. */
function receive(window: ReplayWindow, counter: number, bits: 16 | 32): number | undefined {
  const full = reconstructCounter(window.expected, counter % 2 ** bits, bits);
  const high = Math.floor(full / TWO_32);
  const low = full % TWO_32;
  if (!window.isNew(high, low)) return undefined;
  window.accept(high, low);
  return full;
}

test('L9: counters of 16 bits survive the loss of 32 767 in a row, wherever it begins', () => {
  const anyStart = fc.oneof(
    fc.nat({ max: 200_000 }),
    fc.nat({ max: 200_000 }).map((at) => TWO_32 - 100_000 + at),
  );
  fc.assert(
    fc.property(
      anyStart,
      fc.array(fc.oneof(fc.constant(32_767), fc.nat({ max: 32_767 })), { maxLength: 30 }),
      (start, losses) => {
        const window = new ReplayWindow(8_192);
        window.accept(Math.floor(start / TWO_32), start % TWO_32);
        let counter = start;
        for (const lost of losses) {
          counter += lost + 1;
          assert.equal(receive(window, counter, 16), counter);
          assert.equal(receive(window, counter, 16), undefined, 'and once');
        }
      },
    ),
  );
});

test('counters that overtake each other within the window are all completed, with 16 bits and with 32', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(16 as const, 32 as const),
      fc.nat({ max: 2 ** 33 }),
      fc.infiniteStream(fc.nat({ max: 4_000 })),
      (bits, start, jitter) => {
        const window = new ReplayWindow(8_192);
        window.accept(Math.floor(start / TWO_32), start % TWO_32);
        const counters = Array.from({ length: 500 }, (_, i) => ({
          counter: start + 1 + i * 7,
          at: i * 7 + (jitter.next().value ?? 0),
        }));
        counters.sort((a, b) => a.at - b.at);
        for (const { counter } of counters) assert.equal(receive(window, counter, bits), counter);
        for (const { counter } of counters) assert.equal(receive(window, counter, bits), undefined);
      },
    ),
    { numRuns: 50 },
  );
});
