import assert from 'node:assert/strict';
import { test } from 'node:test';
import { airMs } from '../../daemon/core/radio/air-time.ts';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';
import { Channel, type Station } from '../support/radio/channel.ts';
import { rnodeModulation } from '../support/radio/frame-modem.ts';
import { bursty, independent, Losses } from '../support/radio/loss.ts';

const MODULATION = rnodeModulation(7);
const TUNING = { frequencyHz: 869_525_000, modulation: MODULATION };
const FRAME = Uint8Array.of(1, 2, 3);

function field(
  count: number,
  seed = 1,
): { schedule: Schedule; channel: Channel; stations: Station[]; heard: string[] } {
  const schedule = new Schedule();
  const channel = new Channel(schedule, seed);
  const heard: string[] = [];
  const stations = Array.from({ length: count }, (_, i) =>
    channel.join({ heard: (octets) => heard.push(`${i}:${octets.join(' ')}`), sensed: () => {} }, TUNING),
  );
  return { schedule, channel, stations, heard };
}

function send(channel: Channel, from: Station | undefined, octets = FRAME): void {
  channel.transmit(from as Station, octets, () => {});
}

test('a frame arrives everywhere but at its sender, when its air time is over', () => {
  const { schedule, channel, stations, heard } = field(3);
  send(channel, stations[0]);
  const durationMs = airMs(MODULATION, FRAME.length);
  schedule.runTo(durationMs - 0.001);
  assert.deepEqual(heard, []);
  schedule.runTo(durationMs);
  assert.deepEqual(heard, ['1:1 2 3', '2:1 2 3']);
});

test('who transmits hears nothing', () => {
  const { schedule, channel, stations, heard } = field(2);
  send(channel, stations[0], new Uint8Array(100));
  schedule.runTo(50);
  send(channel, stations[1]);
  schedule.runTo(1_000);
  assert.deepEqual(heard, []);
  assert.equal(channel.counts.deaf, 2);
});

test('a transmission that ends within the part of a preamble that nobody needs costs nothing', () => {
  for (const [spareMs, expected] of [
    [22, 0],
    [15, 1],
  ] as const) {
    const { schedule, channel, stations, heard } = field(2);
    send(channel, stations[0]);
    // 24 symbols of 1.024 ms, of which the last five must be heard, by who is deaf for 1 ms after sending.
    schedule.runTo(airMs(MODULATION, FRAME.length) - spareMs);
    send(channel, stations[1], Uint8Array.of(9));
    schedule.runTo(1_000);
    assert.equal(heard.filter((text) => text.startsWith('0:')).length, expected, `${spareMs} ms`);
  }
});

test('frames that overlap spoil each other, unless one is 6 dB stronger', () => {
  for (const [leadDb, expected] of [
    [5.9, []],
    [6, ['2:1']],
  ] as const) {
    const { schedule, channel, stations, heard } = field(3);
    const [near, far, listener] = stations as [Station, Station, Station];
    channel.setPath(near, listener, { rssi: -90 + leadDb });
    channel.setPath(far, listener, { rssi: -90 });
    send(channel, far, Uint8Array.of(2));
    schedule.runTo(10);
    send(channel, near, Uint8Array.of(1));
    schedule.runTo(1_000);
    assert.deepEqual(heard, expected);
  }
});

test('hidden stations do not sense each other, others do', () => {
  const { schedule, channel, stations } = field(3);
  const [a, b, c] = stations as [Station, Station, Station];
  channel.hide(a, c);
  send(channel, a);
  assert.ok(channel.isBusy(a));
  assert.ok(!channel.isBusy(b), 'not before the modem has looked');
  schedule.runTo(3);
  assert.ok(channel.isBusy(b));
  assert.ok(!channel.isBusy(c));
  schedule.runTo(1_000);
  assert.ok(!channel.isBusy(b));
});

test('weak frames are sensed by their preamble, weaker ones not at all', () => {
  const { schedule, channel, stations, heard } = field(3);
  const [a, b, c] = stations as [Station, Station, Station];
  channel.setPath(a, b, { rssi: -123 });
  channel.setPath(a, c, { rssi: -126 });
  send(channel, a);
  schedule.runTo(4);
  assert.ok(!channel.isBusy(b));
  schedule.runTo(5.2);
  assert.ok(channel.isBusy(b));
  assert.ok(!channel.isBusy(c));
  schedule.runTo(1_000);
  assert.deepEqual(heard, ['1:1 2 3']);
  assert.equal(channel.counts.weak, 1);
});

test('modems with different parameters do not hear each other', () => {
  for (const other of [
    { frequencyHz: 868_100_000, modulation: MODULATION },
    { ...TUNING, modulation: rnodeModulation(8) },
    { ...TUNING, modulation: rnodeModulation(7, 250_000) },
  ]) {
    const { schedule, channel, stations, heard } = field(2);
    (stations[1] as Station).tuning = other;
    send(channel, stations[0]);
    schedule.runTo(5);
    assert.equal(channel.isBusy(stations[1] as Station), other.frequencyHz === TUNING.frequencyHz);
    schedule.runTo(1_000);
    assert.deepEqual(heard, []);
  }
});

test('losses have their share and their length', () => {
  for (const [facts, share, run] of [
    [independent(0.2), 0.2, 1.25],
    [bursty(0.2, 4), 0.2, 4],
  ] as const) {
    const losses = new Losses(facts, new Random(7));
    const taken = Array.from({ length: 100_000 }, () => losses.takes());
    const count = taken.filter(Boolean).length;
    const runs = taken.filter((isLost, i) => isLost && taken[i - 1] !== true).length;
    assert.ok(Math.abs(count / taken.length - share) < 0.01, `${count}`);
    assert.ok(Math.abs(count / runs - run) < 0.1 * run, `${count / runs}`);
  }
});
