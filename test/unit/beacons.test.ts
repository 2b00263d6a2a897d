import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import {
  BEACON_PACE,
  BEACON_PACE_SLOW,
  Beacons,
  type BeaconsOptions,
  type Heard,
  radioPace,
} from '../../daemon/core/link/beacons.ts';
import { readLinkBeacon, writeLinkBeacon } from '../../daemon/wire/link-beacon.ts';
import { octets } from './wire-vectors.ts';

const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  new Uint8Array(createHmac('sha256', key).update(data).digest());
const PSK: Uint8Array = new Uint8Array(32);
const OTHER_PSK = new Uint8Array(32).fill(9);
/** In the middle: half of all keys are lower. */
const OWN = new Uint8Array(32).fill(0x80);
const HOME = new Uint8Array(24).fill(1);

/** Higher keys than ours, and lower ones. */
const higher = (number: number): Uint8Array => keyOf(number).with(0, 0xff);
const lower = (number: number): Uint8Array => keyOf(number).with(0, 0x01);
const keyOf = (number: number): Uint8Array => new Uint8Array(createHash('sha256').update(String(number)).digest());
const beaconOf = (key: Uint8Array, psk = PSK): Uint8Array =>
  writeLinkBeacon(key, 1_452, (body) => hmac(hmac(psk, Buffer.from('ratatosk beacon v1')), body));

function start(changes: Partial<BeaconsOptions> = {}): Beacons {
  const options = {
    key: OWN,
    psk: PSK,
    rxMtu: 1_452,
    pace: BEACON_PACE,
    isMute: false,
    hmac,
    chance: () => 0.5,
    ...changes,
  };
  return new Beacons(options, 0);
}

const hear = (beacons: Beacons, key: Uint8Array, nowMs: number, psk = PSK): Heard =>
  beacons.heard(beaconOf(key, psk), HOME, () => false, nowMs);
const word = (heard: Heard): string => (heard.kind === 'dropped' ? heard.reason : heard.kind);

/** When beacons to everybody leave. */
function sendings(beacons: Beacons, untilMs: number): number[] {
  const times: number[] = [];
  for (let nowMs = beacons.deadline(); nowMs <= untilMs; nowMs = beacons.deadline()) {
    for (const { to } of beacons.due(nowMs)) if (to === undefined) times.push(nowMs);
  }
  return times;
}

// Telling

test('a beacon leaves at the start, 1, 3 and 7 s later, then every 15 s', () => {
  assert.deepEqual(sendings(start(), 60_000), [0, 1_000, 3_000, 7_000, 22_000, 37_000, 52_000]);
});

test('the pauses vary by 2 s in each direction', () => {
  for (const [chance, pause] of [
    [0, 13_000],
    [0.999_999, 17_000],
  ] as const) {
    const [, , , last = 0, next = 0] = sendings(start({ chance: () => chance }), 30_000);
    assert.equal(Math.round(next - last), pause);
  }
});

test('a slow carrier sends every 60 s', () => {
  const times = sendings(start({ pace: BEACON_PACE_SLOW }), 150_000);
  assert.deepEqual(times, [0, 1_000, 3_000, 7_000, 67_000, 127_000]);
});

test('a radio sends once more after 10 to 20 frames, then every 10 minutes, every hour with two links', () => {
  const beacons = start({ pace: radioPace(1_250, 0, 0.5) });
  assert.deepEqual(sendings(beacons, 1_300_000), [0, 18_750, 618_750, 1_218_750]);
  beacons.setPace(radioPace(1_250, 2, 0.5));
  assert.deepEqual(sendings(beacons, 10_000_000), [1_818_750, 5_418_750, 9_018_750]);
});

test('a late call sends one beacon, not those that were missed', () => {
  const beacons = start();
  assert.equal(beacons.due(100_000).length, 1);
  assert.deepEqual(beacons.due(100_000).length + beacons.due(100_000).length + beacons.due(100_000).length, 3);
  assert.equal(beacons.due(100_000).length, 0);
});

test('the beacon is that of the vectors', () => {
  const key = octets('03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8');
  const psk = octets('a1330e0e8955f9656b79c31d42b6cc5b0caaf5dde15349580856b838f3555e9e');
  const [out] = start({ key, psk, rxMtu: 255 }).due(0);
  assert.deepEqual(out?.packet, octets(`a400${Buffer.from(key).toString('hex')}00ffc882a53f021e01af41be0f7477840e6d`));
});

test('a mute one sends nothing, and dials lower keys too', () => {
  const beacons = start({ isMute: true });
  assert.deepEqual([beacons.deadline(), beacons.due(100_000)], [Number.POSITIVE_INFINITY, []]);
  assert.equal(word(hear(beacons, lower(1), 0)), 'dial');
  assert.equal(word(hear(beacons, higher(1), 0)), 'dial');
});

// Hearing

test('the lower key dials', () => {
  const beacons = start();
  assert.deepEqual(hear(beacons, higher(1), 0), { kind: 'dial', key: higher(1), rxMtu: 1_452 });
});

test('the higher key answers with its beacon, to the sender alone, after up to 1 s', () => {
  for (const [chance, afterMs] of [
    [0, 0],
    [0.5, 500],
    [0.999, 999],
  ] as const) {
    const beacons = start({ chance: () => chance });
    beacons.due(0);
    assert.deepEqual(hear(beacons, lower(1), 0), { kind: 'answer' });
    assert.equal(beacons.deadline(), afterMs);
    const [answer, ...others] = beacons.due(afterMs);
    assert.deepEqual([answer?.to, others], [HOME, []]);
    assert.deepEqual(readLinkBeacon(answer?.packet ?? PSK)?.key, OWN);
  }
});

test('two that hear each other agree on who dials, and the answer leads to it', () => {
  const [a, b] = [start({ key: lower(1) }), start({ key: higher(1) })];
  const say = (from: Beacons, to: Beacons, nowMs: number): Heard[] =>
    from.due(nowMs).map(({ packet }) => to.heard(packet, HOME, () => false, nowMs));
  assert.deepEqual(say(a, b, 0).map(word), ['answer']);
  assert.deepEqual(say(b, a, 0).map(word), ['dial']);
  assert.deepEqual(say(b, a, 500).map(word), ['known']);
});

test('an identity that is linked, that is dialled or that is ourselves is nothing new', () => {
  const beacons = start();
  assert.equal(word(hear(beacons, OWN, 0)), 'known');
  assert.equal(word(beacons.heard(beaconOf(higher(1)), HOME, () => true, 0)), 'known');
  assert.equal(word(hear(beacons, higher(1), 0)), 'dial');
  assert.equal(word(hear(beacons, higher(1), 90_000)), 'known');
});

test('one identity is dialled, or answered, once in 30 s', () => {
  const beacons = start();
  hear(beacons, higher(1), 0);
  beacons.ended(higher(1), false);
  assert.equal(word(hear(beacons, higher(1), 29_999)), 'beacon identity lately');
  assert.equal(word(hear(beacons, higher(1), 30_000)), 'dial');
  assert.equal(word(hear(beacons, lower(1), 40_000)), 'answer');
  beacons.due(69_999);
  assert.equal(word(hear(beacons, lower(1), 69_999)), 'beacon identity lately');
  assert.equal(word(hear(beacons, lower(1), 70_000)), 'answer');
});

test('an identity that was linked may be dialled again at once', () => {
  const beacons = start();
  hear(beacons, higher(1), 0);
  beacons.ended(higher(1), true);
  assert.equal(word(beacons.heard(beaconOf(higher(1)), HOME, () => true, 1_000)), 'known');
  assert.equal(word(hear(beacons, higher(1), 2_000)), 'dial');
  beacons.ended(higher(1), false);
  assert.equal(word(hear(beacons, higher(1), 3_000)), 'beacon identity lately');
});

test('8 dials and answers may wait, the 9th beacon leads to nothing', () => {
  const beacons = start();
  for (let i = 0; i < 8; i++) hear(beacons, i < 4 ? higher(i) : lower(i), 0);
  assert.equal(word(hear(beacons, higher(8), 0)), 'beacons pending');
  beacons.ended(higher(0), false);
  assert.equal(word(hear(beacons, higher(8), 0)), 'dial');
  assert.equal(word(hear(beacons, lower(9), 0)), 'beacons pending');
  beacons.due(1_000);
  assert.deepEqual(
    [10, 11, 12, 13, 14].map((number) => word(hear(beacons, lower(number), 1_000))),
    ['answer', 'answer', 'answer', 'answer', 'beacons pending'],
  );
});

test('the end of what was not dialled makes no room', () => {
  const beacons = start();
  for (let i = 0; i < 8; i++) hear(beacons, higher(i), 0);
  beacons.ended(higher(100), false);
  for (let i = 0; i < 3; i++) beacons.ended(higher(0), false);
  assert.equal(word(hear(beacons, higher(8), 0)), 'dial');
  assert.equal(word(hear(beacons, higher(9), 0)), 'beacons pending');
});

test('256 identities are remembered, and the 257th is heard when the time of one is over', () => {
  const beacons = start();
  for (let i = 0; i < 256; i++) {
    assert.equal(word(hear(beacons, higher(i), i < 255 ? 0 : 10_000)), 'dial');
    beacons.ended(higher(i), false);
  }
  assert.equal(word(hear(beacons, higher(300), 29_999)), 'beacon identities full');
  assert.equal(word(hear(beacons, higher(300), 30_000)), 'dial');
  beacons.ended(higher(300), false);
  assert.equal(word(hear(beacons, higher(255), 30_000)), 'beacon identity lately');
});

test('an identity that is being dialled is not forgotten', () => {
  const beacons = start();
  hear(beacons, higher(0), 0);
  for (let i = 1; i < 256; i++) {
    hear(beacons, higher(i), 0);
    beacons.ended(higher(i), false);
  }
  hear(beacons, higher(300), 60_000);
  assert.equal(word(hear(beacons, higher(0), 60_000)), 'known');
});

test('another password, a turned bit and other octets are dropped', () => {
  const beacons = start();
  assert.equal(word(hear(beacons, higher(1), 0, OTHER_PSK)), 'beacon mac');
  const good = beaconOf(higher(1));
  for (const at of [1, 2, 33, 34, 35, 36, 51]) {
    const packet = good.with(at, (good[at] as number) ^ 1);
    assert.equal(word(beacons.heard(packet, HOME, () => false, 0)), 'beacon mac', `octet ${at}`);
  }
  assert.equal(word(beacons.heard(good.subarray(1), HOME, () => false, 0)), 'beacon malformed');
  assert.equal(word(hear(beacons, higher(1), 0)), 'dial');
});

test('strangers cost at most 512 macs in a second', () => {
  let macs = 0;
  const beacons = start({
    hmac: (key, data) => {
      macs++;
      return hmac(key, data);
    },
  });
  macs = 0;
  for (let i = 0; i < 2_000; i++) hear(beacons, higher(i), 0, OTHER_PSK);
  assert.equal(macs, 512);
  assert.equal(word(hear(beacons, higher(1), 0)), 'beacon rate');
  assert.equal(word(hear(beacons, higher(1), 1_000)), 'dial');
});
