import assert from 'node:assert/strict';
import { test } from 'node:test';
import { airMs, bitRate, frameAirMs, rnodePreambleSymbols } from '../../daemon/core/radio/air-time.ts';
import type { AirFacts, Modulation } from '../../daemon/core/radio/facts.ts';

const lora = (spreadingFactor: number, kHz: number, preambleSymbols = 8, codingRate = 5): Modulation => ({
  kind: 'lora',
  spreadingFactor,
  bandwidthHz: kHz * 1_000,
  codingRate,
  preambleSymbols,
});

const OCTETS = [20, 50, 100, 200, 255];

/** The table of section 3: SF, kHz, bit/s; ms of 20, 50, 100, 200 and 255 octets; bit/s at 255. */
const TABLE = [
  [7, 125, 5469, 57, 97, 174, 318, 400, 5105],
  [8, 125, 3125, 103, 175, 308, 564, 707, 2885],
  [9, 125, 1758, 185, 329, 554, 1004, 1250, 1632],
  [10, 125, 977, 371, 616, 1026, 1845, 2296, 889],
  [11, 125, 537, 741, 1315, 2216, 4018, 5001, 408],
  [12, 125, 293, 1319, 2302, 3940, 7217, 9019, 226],
  [7, 250, 10938, 28, 49, 87, 159, 200, 10210],
  [8, 250, 6250, 51, 87, 154, 282, 354, 5770],
  [9, 250, 3516, 93, 164, 277, 502, 625, 3263],
  [10, 250, 1953, 185, 308, 513, 923, 1148, 1777],
  [11, 250, 1074, 330, 576, 944, 1681, 2091, 976],
  [12, 250, 586, 660, 1151, 1970, 3609, 4510, 452],
  [7, 500, 21875, 14, 24, 44, 79, 100, 20420],
  [8, 500, 12500, 26, 44, 77, 141, 177, 11541],
  [9, 500, 7031, 46, 82, 138, 251, 313, 6526],
  [10, 500, 3906, 93, 154, 256, 461, 574, 3554],
  [11, 500, 2148, 165, 288, 472, 841, 1045, 1951],
  [12, 500, 1172, 330, 535, 862, 1559, 1927, 1059],
] as const;

for (const [sf, kHz, rate, ...row] of TABLE) {
  test(`SF${sf} at ${kHz} kHz lasts as long as the table says`, () => {
    const modulation = lora(sf, kHz);
    for (const [index, octets] of OCTETS.entries()) {
      // The table was rounded to tenths first: 575.488 became 575.5 and then 576.
      const tenths = Number(airMs(modulation, octets).toFixed(1));
      assert.ok(Math.abs(tenths - (row[index] ?? 0)) <= 0.5, `${octets} octets: ${tenths} ms, not ${row[index]}`);
    }
    assert.equal(Math.round((255 * 8_000) / airMs(modulation, 255)), row[5]);
    assert.equal(Math.round(bitRate(modulation)), rate);
  });
}

test('the check values hold', () => {
  assert.equal(airMs(lora(9, 125), 12).toFixed(3), '144.384');
  assert.equal(airMs(lora(5, 500), 255).toFixed(1), '34.4');
  assert.equal(airMs(lora(7, 125), 255).toFixed(1), '399.6');
});

test('an RNode sends longer preambles', () => {
  const lasting = (sf: number, kHz: number): number => {
    const preamble = rnodePreambleSymbols(sf, kHz * 1_000, 5);
    return Math.round(airMs(lora(sf, kHz, preamble), 255));
  };
  const rows = [
    [7, 125],
    [9, 125],
    [12, 125],
    [7, 250],
    [7, 500],
  ] as const;
  assert.deepEqual(
    rows.map(([sf, kHz]) => lasting(sf, kHz)),
    [416, 1291, 9347, 220, 122],
  );
  assert.deepEqual(
    [125, 250, 500].map((kHz) => rnodePreambleSymbols(7, kHz * 1_000, 5)),
    [24, 47, 94],
  );
});

test('above 30 kbit/s an RNode is content with 6 ms', () => {
  // SF6 at 500 kHz is 37.5 kbit/s: 6 ms are 47 symbols of 0.128 ms.
  assert.equal(rnodePreambleSymbols(6, 500_000, 5), 47);
});

test('a transmission of two octets is far from free', () => {
  assert.deepEqual(
    [7, 9, 12].map((sf) => Math.round(airMs(lora(sf, 125), 2))),
    [31, 103, 827],
  );
});

test('a modem that tells its rate alone costs so much a frame and so much an octet', () => {
  assert.equal(airMs({ kind: 'rate', bitsPerSecond: 2_400, frameMs: 40 }, 240), 840);
});

test('a frame costs what the modem adds, and is cut where the transceiver cuts it', () => {
  const modulation = lora(7, 500, 94);
  const air: AirFacts = {
    modulation,
    frameOverhead: 1,
    accessMs: 216,
    sharesAccess: false,
    turnaroundMs: 20,
    limits: [],
    share: 1,
    ledger: 'r',
  };
  assert.equal(frameAirMs(air, 254), airMs(modulation, 255));
  assert.equal(frameAirMs(air, 255), airMs(modulation, 255) + airMs(modulation, 2));
  assert.equal(frameAirMs(air, 508), 2 * airMs(modulation, 255));
  const plain: AirFacts = { ...air, modulation: { kind: 'rate', bitsPerSecond: 9_600, frameMs: 0 } };
  assert.equal(frameAirMs(plain, 599), 500);
});
