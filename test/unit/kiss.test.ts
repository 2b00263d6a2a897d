import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kiss, type KissOptions } from '../../daemon/links/kiss.ts';
import { AX25_HEADER, ax25Header, isAx25Ui } from '../../daemon/wire/ax25.ts';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';
import { Channel } from '../support/radio/channel.ts';
import { DIALECT_TOOLS, DialectDesk } from '../support/radio/dialect-desk.ts';
import { KissModem } from '../support/radio/kiss-modem.ts';

const NO_PARAMETERS = { txDelay: undefined, persistence: undefined, slotTime: undefined };
const OPTIONS: KissOptions = { tnc: NO_PARAMETERS, rate: 1_200, mtu: undefined, call: undefined, isTcp: true };

function side(schedule: Schedule, channel: Channel, changes: Partial<KissOptions> = {}): DialectDesk {
  const modem = new KissModem(channel, new Random(channel.stations.length + 1));
  return new DialectDesk(schedule, modem, new Kiss({ ...OPTIONS, ...changes }, DIALECT_TOOLS));
}

test('tells the TNC what the user says, and nothing else', () => {
  const schedule = new Schedule();
  const channel = new Channel(schedule);
  const desk = side(schedule, channel, { tnc: { txDelay: 20, persistence: 255, slotTime: undefined } });
  assert.deepEqual(
    desk.written.map((octets) => Buffer.from(octets).toString('hex')),
    ['c00114c0', 'c002ffc0'],
  );
  assert.deepEqual([desk.ups[0]?.carrierClass, desk.ups[0]?.mtu], ['R', 240]);
  assert.equal(side(schedule, channel).written.length, 0);
  assert.equal(side(schedule, channel, { rate: 30_000 }).ups[0]?.carrierClass, 'S');
});

test('carries frames, with and without AX.25, and reckons when they have left', () => {
  for (const call of [undefined, 'N0CALL-7']) {
    const schedule = new Schedule();
    const channel = new Channel(schedule);
    const [a, b] = [side(schedule, channel, { call }), side(schedule, channel, { call })];
    const frames = [1, 2, 3].map((value) => new Uint8Array(100).fill(value));
    for (const frame of frames) assert.ok(a.send(frame));
    schedule.runTo(10_000);
    assert.deepEqual(
      b.frames.map(({ octets }) => octets),
      frames,
    );
    assert.equal(a.writableAtMs.length, 1);
    const lastMs = channel.stations[0]?.sent.at(-1)?.toMs ?? 0;
    assert.ok(Math.abs((a.writableAtMs[0] as number) - lastMs) < 1_500, `${a.writableAtMs[0]} against ${lastMs}`);
  }
});

test('takes a burst of 7 frames or 2 048 octets, and no more', () => {
  const schedule = new Schedule();
  const channel = new Channel(schedule);
  const count = (size: number): number => {
    const desk = side(schedule, channel);
    let frames = 0;
    while (desk.send(new Uint8Array(size))) frames++;
    return frames;
  };
  assert.deepEqual([count(10), count(292), count(293)], [7, 7, 6]);
});

test('writes the head of an AX.25 UI frame', () => {
  const header = ax25Header('N0CALL-7');
  assert.equal(header.length, AX25_HEADER);
  assert.equal(Buffer.from(header).toString('hex'), 'a4a8a6964040609c6086829898' + '6f03f0');
  assert.ok(isAx25Ui(header, 0));
  for (const at of [0, 5, 13, 14, 15]) assert.ok(!isAx25Ui(header.with(at, 0x55 & ~1), 0), String(at));
  for (let length = 0; length < AX25_HEADER; length++) assert.ok(!isAx25Ui(header.subarray(0, length), 0));
});
