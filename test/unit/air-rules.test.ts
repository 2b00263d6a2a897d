import assert from 'node:assert/strict';
import { test } from 'node:test';
import { airRules, frameMaxOf, slowness } from '../../daemon/air-rules.ts';
import type { AirFacts, AirLimit } from '../../daemon/core/port.ts';
import { frameAirMs, rnodePreambleSymbols } from '../../daemon/core/radio/air-time.ts';
import { HOUR_MS } from '../../daemon/core/radio/ledger.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { socketFacts } from '../support/datagram-world.ts';

const SETTINGS = { region: 'EU868', share: 0.25 } as const;
const rules = (uri: string, settings: Parameters<typeof airRules>[1] = SETTINGS): ReturnType<typeof airRules> =>
  airRules(parseUri(uri, 'listen'), settings);

function rnode(spreadingFactor: number, limits: readonly AirLimit[]): AirFacts {
  const preambleSymbols = rnodePreambleSymbols(spreadingFactor, 125_000, 5);
  return {
    modulation: { kind: 'lora', spreadingFactor, bandwidthHz: 125_000, codingRate: 5, preambleSymbols },
    frameOverhead: 1,
    accessMs: 216,
    sharesAccess: true,
    turnaroundMs: 20,
    limits,
    share: 1,
    ledger: 'r',
  };
}

const duty = (share: number, frameMs = Number.POSITIVE_INFINITY): AirLimit => {
  return { windowMs: HOUR_MS, airMs: share * HOUR_MS, frameMs };
};

test('a radio has the limits of its band, counted for it and the band', () => {
  const name = 'rnode:///dev/ttyUSB0';
  assert.deepEqual(rules(`${name}?freq=869.525&sf=8`), {
    limits: [duty(0.1)],
    share: 0.25,
    ledger: `${name} EU868 869.4-869.65 MHz`,
    refusal: undefined,
  });
  assert.deepEqual(rules(`${name}?freq=868.1&sf=8`).limits, [duty(0.01)]);
  assert.notEqual(rules(`${name}?freq=868.1`).ledger, rules(`${name}?freq=869.525`).ledger);
});

test('the station of an amateur with a call has no limits of devices without a licence', () => {
  const none = { region: 'none', share: 1 } as const;
  assert.match(rules('kiss:///dev/ttyS0', none).refusal ?? '', /^no region is set/);
  assert.equal(rules('kiss:///dev/ttyS0?call=N0CALL', none).refusal, undefined);
});

test('a radio on a frequency of no band, too strong, or of no region does not transmit', () => {
  assert.match(rules('rnode:///dev/ttyUSB0?freq=870.1').refusal ?? '', /^870.1 MHz, 125 kHz wide: in no band of EU868/);
  assert.match(rules('rnode:///dev/ttyUSB0?freq=868.1&power=22').refusal ?? '', /^22 dBm: EU868 allows 14 dBm/);
  const none = { region: 'none', share: 1 } as const;
  assert.match(rules('meshcore:///dev/ttyACM0?freq=869.525', none).refusal ?? '', /^no region is set/);
});

test('a module behind a pipe is a radio as well, a cable is none', () => {
  assert.match(rules('serial:///dev/ttyS0?baud=9600&rate=2400').refusal ?? '', /add freq=/);
  const module = rules('serial:///dev/ttyS0?baud=9600&rate=2400&freq=868.125');
  assert.deepEqual([module.refusal, module.limits], [undefined, [duty(0.01)]]);
  const cable = rules('serial:///dev/ttyS0?baud=9600', { region: 'none', share: 0.1 });
  assert.deepEqual(cable, { limits: [], share: 1, ledger: 'serial:///dev/ttyS0', refusal: undefined });
});

test('frames are as large as the limits let pass', () => {
  // Radio reference, section 4: RNode's preamble leaves 243 octets of 400 ms at SF7, one of them its own.
  const fits = frameMaxOf(rnode(7, [duty(1, 400)]), 254);
  assert.equal(fits, 242);
  assert.ok(frameAirMs(rnode(7, []), fits) <= 400 && frameAirMs(rnode(7, []), fits + 1) > 400);
  assert.equal(frameMaxOf(rnode(12, [duty(0.1)]), 254), 254);
  assert.equal(frameMaxOf(rnode(7, []), 508), 508);
});

test('a radio that no handshake gets through within its limits says what to change', () => {
  const told = (air: AirFacts): string | undefined => {
    return slowness(socketFacts({ carrierClass: 'R', mtu: frameMaxOf(air, 254), air }));
  };
  assert.equal(told(rnode(7, [duty(0.001)])), undefined);
  assert.match(
    told(rnode(12, [duty(0.001)])) ?? '',
    /take 6\.\d s on the air, and 3\.6 s an hour are allowed: use a lower sf=/,
  );
  assert.match(told(rnode(9, [duty(1, 400)])) ?? '', /take 0\.\d+ s on the air, and 0\.4 s at a time are allowed/);
});
