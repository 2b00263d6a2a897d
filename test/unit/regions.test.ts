import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Emission, REGIONS, type Region, regionRules, regionSources } from '../../daemon/host/regions.ts';

const emission = (MHz: number, kHz = 125, powerDbm = 10, listens = true): Emission => ({
  frequencyHz: Math.round(MHz * 1e6),
  bandwidthHz: kHz * 1e3,
  powerDbm,
  listens,
});

/** Seconds of an hour, ms of one transmission; or the refusal. */
function told(region: Region, wish: Emission): string {
  const rules = regionRules(region, wish);
  if (rules.kind === 'refused') return rules.reason;
  const [limit] = rules.limits;
  return limit === undefined ? 'free' : `${limit.airMs / 1_000} s, ${limit.frameMs} ms`;
}

test('each band of Europe has its limit', () => {
  const rows: [MHz: number, told: string][] = [
    [864, '3.6 s, Infinity ms'],
    [866, '36 s, Infinity ms'],
    [868.1, '36 s, Infinity ms'],
    [869, '3.6 s, Infinity ms'],
    [869.525, '360 s, Infinity ms'],
    [869.85, '36 s, Infinity ms'],
    [433.5, '360 s, Infinity ms'],
  ];
  for (const [MHz, expected] of rows) {
    assert.equal(told(MHz < 500 ? 'EU433' : 'EU868', emission(MHz)), expected, `${MHz}`);
  }
  assert.equal(told('EU868', emission(869.85, 125, 5)), 'free');
  assert.equal(told('EU868', emission(869.525, 250, 27)), '360 s, Infinity ms');
});

test('a channel must lie within its band as a whole', () => {
  const reason = told('EU868', emission(868.58));
  assert.match(reason, /^868.58 MHz, 125 kHz wide: in no band of EU868/);
  assert.match(reason, /868 to 868.6 MHz \(14 dBm, 1 %\)/);
  assert.match(reason, /869.4 to 869.65 MHz \(27 dBm, 10 %\)/);
  assert.match(told('EU868', emission(869.525, 500)), /in no band/);
});

test('too much power is refused with what is allowed', () => {
  assert.equal(told('EU868', emission(868.1, 125, 22)), '22 dBm: EU868 allows 14 dBm at 868.1 MHz: set power=');
});

test('other regions ask for width, short frames, or listening', () => {
  assert.equal(told('US915', emission(915, 500, 22)), 'free');
  assert.match(told('US915', emission(915, 125)), /at least 500 kHz wide there: set bw=/);
  assert.match(told('IN865', emission(866, 250)), /at most 200 kHz/);
  assert.equal(told('AS923', emission(923.2)), '36 s, 400 ms');
  assert.equal(told('JP920', emission(921)), '360 s, 400 ms');
  assert.equal(told('KR920', emission(922.5)), '3600 s, 4000 ms');
  assert.match(told('KR920', emission(922.5, 125, 10, false)), /listen before they send/);
});

test('without a region nothing is sent, and the remedy is named', () => {
  assert.match(told('none', emission(869.525)), /^no region is set: add Radio: \{ Region: "EU868" \}/);
  assert.equal(told('laboratory', emission(100)), 'free');
});

test('who does not say its frequency is asked for it', () => {
  assert.match(told('EU868', { ...emission(1), frequencyHz: undefined }), /add freq= and MHz/);
  // The width of a modem that tells its rate alone is not known.
  assert.equal(told('EU868', { ...emission(868.1), bandwidthHz: undefined }), '36 s, Infinity ms');
});

test('every row says where it is written, and no wish is answered by anything else', () => {
  for (const region of REGIONS) for (const source of regionSources(region)) assert.match(source, /dBm.*\): .{10}/);
  fc.assert(
    fc.property(
      fc.constantFrom(...REGIONS),
      fc.record({
        frequencyHz: fc.option(fc.integer({ min: 1, max: 3e9 }), { nil: undefined }),
        bandwidthHz: fc.option(fc.integer({ min: 1, max: 2e6 }), { nil: undefined }),
        powerDbm: fc.option(fc.integer({ min: -9, max: 40 }), { nil: undefined }),
        listens: fc.boolean(),
      }),
      (region, wish) => {
        const rules = regionRules(region, wish);
        if (rules.kind === 'refused') assert.ok(rules.reason.length > 20 && !rules.reason.includes('\n'));
        else for (const { airMs, windowMs, frameMs } of rules.limits) assert.ok(airMs <= windowMs && frameMs > 0);
      },
    ),
  );
});
