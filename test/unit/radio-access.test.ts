import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Modulation } from '../../daemon/core/radio/facts.ts';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';
import { Channel } from '../support/radio/channel.ts';
import { rnodeModulation } from '../support/radio/frame-modem.ts';
import { difsMs, slotMs } from '../support/radio/rnode-access.ts';
import { RNODE_MTU, RNODE_QUEUE, RnodeRadio } from '../support/radio/rnode-radio.ts';

type Desk = { schedule: Schedule; channel: Channel; radios: RnodeRadio[]; received: Uint8Array[]; sent: number[] };

function desk(count: number, modulation: Modulation = rnodeModulation(7), mendsWindow = false, seed = 1): Desk {
  const schedule = new Schedule();
  const channel = new Channel(schedule, seed);
  const random = new Random(seed);
  const received: Uint8Array[] = [];
  const sent: number[] = [];
  const radios = Array.from({ length: count }, () => {
    const events = { received: (packet: Uint8Array) => received.push(packet), sent: () => sent.push(schedule.nowMs) };
    const radio = new RnodeRadio(channel, random.fork(), events, mendsWindow);
    radio.on({ frequencyHz: 869_525_000, modulation });
    return radio;
  });
  return { schedule, channel, radios, received, sent };
}

/** When each transmission of a station began. */
function begins(radio: RnodeRadio | undefined): number[] {
  return radio?.station.sent.map(({ fromMs }) => fromMs) ?? [];
}

test('slots and DIFS are those of the firmware', () => {
  const rows = [
    [7, 125_000, 24],
    [8, 125_000, 24.576],
    [9, 125_000, 49.152],
    [11, 125_000, 100],
    [7, 500_000, 24],
    [5, 500_000, 6],
  ] as const;
  for (const [spreading, bandwidth, slot] of rows) {
    const modulation = rnodeModulation(spreading, bandwidth);
    assert.equal(slotMs(modulation), slot);
    assert.equal(difsMs(modulation), 2 * slot);
  }
});

test('the first access waits a DIFS and a window, later ones a DIFS: the window is never begun anew', () => {
  const { schedule, radios } = desk(1);
  for (let i = 0; i < 20; i++) {
    radios[0]?.push(new Uint8Array(20));
    schedule.runTo((i + 1) * 20_000);
  }
  const waits = begins(radios[0]).map((atMs, i) => atMs - i * 20_000);
  for (const wait of waits.slice(1)) assert.ok(wait >= 48 && wait <= 51.1, `${wait}`);
});

test('with a window that works, accesses wait the mean of a DIFS and half a window', () => {
  const { schedule, radios } = desk(1, rnodeModulation(7), true);
  for (let i = 0; i < 200; i++) {
    radios[0]?.push(new Uint8Array(20));
    schedule.runTo((i + 1) * 20_000);
  }
  const waits = begins(radios[0]).map((atMs, i) => atMs - i * 20_000);
  const mean = waits.reduce((sum, wait) => sum + wait) / waits.length;
  assert.ok(Math.abs(mean - (48 + 6.5 * 24)) < 15, `${mean}`);
  assert.ok(Math.max(...waits) <= 48 + 13 * 24 + 6.1);
});

test('who sends much waits longer, if the window works', () => {
  const { schedule, radios } = desk(1, rnodeModulation(7), true);
  // Ten of fifteen seconds: the third band, 30 slots and more.
  for (let i = 0; i < 24; i++) radios[0]?.push(new Uint8Array(254));
  schedule.runTo(11_000);
  radios[0]?.push(new Uint8Array(254));
  schedule.runTo(60_000);
  const wait = (begins(radios[0])[24] as number) - 11_000;
  assert.ok(wait >= 48 + 30 * 24 && wait <= 48 + 43 * 24 + 6.1, `${wait}`);
});

test('stations whose queues fill while the channel is busy begin together, one DIFS after it is free', () => {
  const { schedule, channel, radios } = desk(3);
  for (const radio of radios) radio.push(new Uint8Array(10));
  schedule.runTo(20_000);
  radios[0]?.push(new Uint8Array(200));
  schedule.runTo(20_100);
  for (const radio of radios.slice(1)) radio.push(new Uint8Array(200));
  const collided = channel.counts.collided;
  schedule.runTo(40_000);
  const [first, second] = radios.slice(1).map((radio) => begins(radio).at(-1)) as [number, number];
  assert.ok(Math.abs(first - second) <= 3);
  assert.ok(channel.counts.collided > collided);
});

test('one access sends the whole queue below 14 kbit/s, one packet above', () => {
  for (const [modulation, leastMs, mostMs] of [
    [rnodeModulation(7), 0, 0],
    [rnodeModulation(7, 500_000), 48, 48 + 13 * 24 + 6],
  ] as const) {
    const { schedule, radios, received } = desk(2, modulation);
    for (let i = 0; i < 3; i++) radios[0]?.push(new Uint8Array(200));
    schedule.runTo(10_000);
    assert.equal(received.length, 3);
    const { sent } = (radios[0] as RnodeRadio).station;
    for (const [i, { fromMs }] of sent.slice(1).entries()) {
      const gap = fromMs - (sent[i]?.toMs as number);
      assert.ok(gap >= leastMs && gap <= mostMs, `${gap}`);
    }
  }
});

test('packets of more than 254 octets leave as two frames and arrive as one, or not at all', () => {
  for (const [length, frames] of [
    [254, 1],
    [255, 2],
    [507, 2],
    // The firmware begins a third frame after a full second one.
    [508, 3],
  ] as const) {
    const { schedule, radios, received } = desk(2, rnodeModulation(7, 500_000));
    const packet = new Random(1).octets(length);
    radios[0]?.push(packet);
    schedule.runTo(10_000);
    assert.deepEqual(received, [packet]);
    assert.equal(begins(radios[0]).length, frames);
  }
});

test('more than a packet may hold is not sent', () => {
  const { schedule, radios } = desk(2);
  radios[0]?.push(new Uint8Array(RNODE_MTU + 1));
  schedule.runTo(10_000);
  assert.deepEqual(begins(radios[0]), []);
});

test('a queue that overflows cuts the packet that did not fit', () => {
  const { schedule, radios, received } = desk(2);
  for (let i = 0; i < 31; i++) radios[0]?.push(new Uint8Array(200));
  schedule.runTo(60_000);
  assert.equal(received.length, 31);
  assert.equal(received.at(-1)?.length, RNODE_QUEUE.octets - 30 * 200);
});

test('an air-time limit holds back what is queued until the share has sunk', () => {
  const { schedule, radios } = desk(1);
  const radio = radios[0] as RnodeRadio;
  radio.airtimeLimits.short = 0.02;
  radio.push(new Uint8Array(254));
  schedule.runTo(3_000);
  radio.push(new Uint8Array(10));
  for (let ms = 4_000; ms <= 30_000; ms += 1_000) {
    schedule.runTo(ms);
    radio.look();
  }
  const [first, second] = begins(radio) as [number, number];
  assert.ok(first < 1_000);
  assert.ok(second >= 15_000 && second < 17_000, `${second}`);
});
