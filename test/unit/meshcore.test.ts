import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Meshcore } from '../../daemon/links/meshcore.ts';
import type { LoraOptions } from '../../daemon/links/modem-options.ts';
import { Rnode } from '../../daemon/links/rnode.ts';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';
import { Channel } from '../support/radio/channel.ts';
import { DIALECT_TOOLS, DialectDesk } from '../support/radio/dialect-desk.ts';
import { MeshcoreModem } from '../support/radio/meshcore-modem.ts';
import { RnodeModem } from '../support/radio/rnode-modem.ts';

const LORA: LoraOptions = {
  frequencyHz: 869_525_000,
  bandwidthHz: 125_000,
  spreadingFactor: 7,
  codingRate: 5,
  powerDbm: 14,
};

type Side = { readonly modem: MeshcoreModem; readonly desk: DialectDesk };

function side(schedule: Schedule, channel: Channel, lora: Partial<LoraOptions> = {}): Side {
  const modem = new MeshcoreModem(channel, new Random(channel.stations.length + 1));
  const dialect = new Meshcore({ lora: { ...LORA, ...lora }, mtu: undefined, isTcp: false }, DIALECT_TOOLS);
  return { modem, desk: new DialectDesk(schedule, modem, dialect) };
}

function pair(): { schedule: Schedule; channel: Channel; a: Side; b: Side } {
  const schedule = new Schedule();
  const channel = new Channel(schedule);
  const [a, b] = [side(schedule, channel), side(schedule, channel)];
  schedule.runTo(4_000);
  return { schedule, channel, a, b };
}

test('sets the modem up, compares, and takes its delays away', () => {
  const { a } = pair();
  assert.equal(a.desk.failure, undefined);
  assert.equal(a.desk.ups.length, 1);
  assert.equal(
    a.desk.written.map((octets) => Buffer.from(octets).toString('hex')).join(' '),
    'c00617c0 c0060908e6d33348e801000705c0 c0060bc0 c0060a0ec0 c0061901c0 c00100c0 c002ffc0',
  );
  assert.deepEqual([a.modem.parameters.frequency, a.modem.parameters.dbm], [869_525_000, 14]);
  assert.deepEqual([a.desk.ups[0]?.carrierClass, a.desk.ups[0]?.mtu], ['R', 254]);
});

test('carries frames one at a time, says when each has left, and tells their signal', () => {
  const { schedule, a, b } = pair();
  for (let i = 0; i < 10; i++) {
    assert.ok(a.desk.send(new Uint8Array(254).fill(i)));
    assert.ok(!a.desk.send(new Uint8Array(10)), 'one packet is pending');
    const before = a.desk.writableAtMs.length;
    while (a.desk.writableAtMs.length === before) schedule.runTo(schedule.nowMs + 5);
    const lateMs = schedule.nowMs - (a.modem.station.sent.at(-1)?.toMs ?? 0);
    assert.ok(lateMs >= 0 && lateMs < 20, `late by ${lateMs} ms`);
  }
  schedule.runTo(schedule.nowMs + 100);
  assert.deepEqual(
    b.desk.frames.map(({ octets }) => octets[0]),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  assert.ok(b.desk.frames.every(({ signal }) => Number.isFinite(signal?.rssi) && Number.isFinite(signal?.snr)));
  assert.equal(a.modem.refused, 0);
});

test('an RNode hears it, and it hears an RNode', () => {
  const { schedule, channel, a } = pair();
  const modem = new RnodeModem(channel, new Random(9));
  const options = { lora: LORA, mtu: undefined, hourShare: undefined, isTcp: false };
  const rnode = new DialectDesk(schedule, modem, new Rnode(options, DIALECT_TOOLS));
  schedule.runTo(9_000);
  assert.ok(a.desk.send(new Uint8Array(200).fill(1)));
  schedule.runTo(11_000);
  assert.ok(rnode.send(new Uint8Array(254).fill(2)));
  // Two LoRa frames: nobody but an RNode puts them together.
  assert.ok(rnode.send(new Uint8Array(300).fill(3)));
  schedule.runTo(15_000);
  assert.deepEqual(
    rnode.frames.map(({ octets }) => octets),
    [new Uint8Array(200).fill(1)],
  );
  assert.deepEqual(
    a.desk.frames.map(({ octets }) => octets),
    [new Uint8Array(254).fill(2)],
  );
});

test('a frame without its signal is not held back for long', () => {
  const { schedule, a } = pair();
  a.modem.output(Buffer.from('c00010aac0', 'hex'));
  schedule.runTo(schedule.nowMs + 100);
  assert.deepEqual(a.desk.frames.at(-1)?.octets, Uint8Array.of(0xaa));
});

test('a modem that says nothing of a frame is not waited for for ever', () => {
  const { schedule, a } = pair();
  a.desk.cable.toHost.facts = { ...a.desk.cable.toHost.facts, noise: { flip: 0, drop: 1, insert: 0 } };
  a.desk.send(new Uint8Array(10));
  schedule.runTo(schedule.nowMs + 5_000);
  assert.equal(a.desk.writableAtMs.length, 2);
});

test('a modem that lost its parameters gets them again', () => {
  const { schedule, a } = pair();
  a.modem.parameters.frequency = 915_000_000;
  schedule.runTo(schedule.nowMs + 30_000);
  assert.equal(a.modem.parameters.frequency, LORA.frequencyHz);
  assert.deepEqual(a.desk.notes, ['the modem has lost its parameters, and is set up anew']);
  assert.ok(a.desk.send(new Uint8Array(10)));
});

test('what the board does not do is told', () => {
  const schedule = new Schedule();
  const channel = new Channel(schedule);
  const strong = side(schedule, channel, { powerDbm: 30 });
  const far = side(schedule, channel, { frequencyHz: 2_999_000_000 });
  schedule.runTo(10_000);
  assert.match(strong.desk.failure ?? '', /^power: asked for 30 dBm, which the board does not give/);
  assert.match(far.desk.failure ?? '', /refuses its parameters: 2999 MHz/);
});

test('what does not answer is no such modem; one that falls silent is given up', () => {
  const { schedule, a } = pair();
  a.desk.cable.toHost.facts = { ...a.desk.cable.toHost.facts, noise: { flip: 0, drop: 1, insert: 0 } };
  schedule.runTo(schedule.nowMs + 60_000);
  assert.equal(a.desk.failure, 'the modem does not answer any more');
  const mute = { output: () => {}, opened: () => {}, reset: () => {}, input: () => {} };
  const dialect = new Meshcore({ lora: LORA, mtu: undefined, isTcp: true }, DIALECT_TOOLS);
  const desk = new DialectDesk(schedule, mute, dialect);
  schedule.runTo(schedule.nowMs + 10_000);
  assert.equal(desk.failure, 'it does not answer as a MeshCore KISS modem');
});
