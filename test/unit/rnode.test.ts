import assert from 'node:assert/strict';
import { test } from 'node:test';
import { airMs } from '../../daemon/core/radio/air-time.ts';
import type { LoraOptions } from '../../daemon/links/modem-options.ts';
import { Rnode } from '../../daemon/links/rnode.ts';
import { rnodeAir } from '../../daemon/links/rnode-air.ts';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';
import { Channel } from '../support/radio/channel.ts';
import { DIALECT_TOOLS, DialectDesk } from '../support/radio/dialect-desk.ts';
import { rnodeAirFacts, rnodeModulation } from '../support/radio/frame-modem.ts';
import { type RnodeFacts, RnodeModem } from '../support/radio/rnode-modem.ts';

const LORA: LoraOptions = {
  frequencyHz: 869_525_000,
  bandwidthHz: 125_000,
  spreadingFactor: 7,
  codingRate: 5,
  powerDbm: 14,
};

type Air = { readonly schedule: Schedule; readonly channel: Channel };
type Side = { readonly modem: RnodeModem; readonly desk: DialectDesk };

function air(): Air {
  const schedule = new Schedule();
  return { schedule, channel: new Channel(schedule) };
}

function side(
  { schedule, channel }: Air,
  changes: Partial<RnodeFacts> = {},
  lora: Partial<LoraOptions> = {},
  hourShare?: number,
): Side {
  const modem = new RnodeModem(channel, new Random(channel.stations.length + 1), changes);
  const options = { lora: { ...LORA, ...lora }, mtu: undefined, hourShare, isTcp: false };
  return { modem, desk: new DialectDesk(schedule, modem, new Rnode(options, DIALECT_TOOLS)) };
}

function hexOf(octets: readonly Uint8Array[]): string {
  return octets.map((one) => Buffer.from(one).toString('hex')).join(' ');
}

test('sets the modem up as the reference has it, octet by octet', () => {
  const world = air();
  const { desk, modem } = side(world, {}, {}, 0.1);
  world.schedule.runTo(4_000);
  assert.equal(desk.failure, undefined);
  assert.equal(desk.ups.length, 1);
  // The boot takes 1.2 s, and its end is told: nobody waits for 2 s then.
  assert.equal(
    hexOf(desk.written),
    'c00873c0 c05000c0 c04800c0 c04900c0 c00133d3e608c0 c0020001e848c0 c0030ec0 c00407c0 c00505c0 ' +
      'c00b0000c0 c00c03e8c0 c00601c0',
  );
  assert.ok(modem.radio.isOn);
  assert.equal(modem.radio.airtimeLimits.long, 0.1);
  const [up] = desk.ups;
  assert.equal(up?.about, 'RNode 1.86, 869.525 MHz, SF7, 125 kHz, 4/5, 14 dBm');
  assert.deepEqual([up?.carrierClass, up?.mtu], ['R', 254]);
});

test('reckons with the same air and access as the laboratory does', () => {
  for (const [spreadingFactor, bandwidthHz] of [
    [7, 125_000],
    [7, 500_000],
    [9, 125_000],
    [12, 125_000],
    [5, 500_000],
  ] as const) {
    const {
      limits: _,
      share: __,
      ledger: ___,
      ...facts
    } = rnodeAirFacts(rnodeModulation(spreadingFactor, bandwidthHz));
    assert.deepEqual(rnodeAir({ ...LORA, spreadingFactor, bandwidthHz }), facts);
  }
});

test('frames arrive with their signal, of exactly the size of a packet as well', () => {
  const world = air();
  const [a, b] = [side(world), side(world)];
  world.schedule.runTo(4_000);
  const frames = [Uint8Array.of(0xc0, 0xdb, 0xdc, 0xdd, 0), new Uint8Array(254).fill(0xc0)];
  for (const frame of frames) assert.ok(a.desk.send(frame));
  world.schedule.runTo(8_000);
  assert.deepEqual(
    b.desk.frames.map(({ octets }) => octets),
    frames,
  );
  for (const { signal } of b.desk.frames) assert.ok(Number.isFinite(signal?.rssi) && Number.isFinite(signal?.snr));
});

test('signals whose octets are escaped are read right', () => {
  const dialect = new Rnode({ lora: LORA, mtu: undefined, hourShare: undefined, isTcp: true }, DIALECT_TOOLS);
  const world = air();
  const modem = new RnodeModem(world.channel, new Random(1), { resetsOnOpen: false });
  const desk = new DialectDesk(world.schedule, modem, dialect);
  world.schedule.runTo(2_000);
  assert.equal(desk.ups.length, 1);
  modem.output(Buffer.from('c023dbdcc0c024dbddc0c00001c0', 'hex'));
  world.schedule.runTo(2_100);
  assert.deepEqual(desk.frames.at(-1)?.signal, { rssi: 0xc0 - 157, snr: -9.25 });
});

for (const [spreadingFactor, bandwidthHz, frames] of [
  [7, 125_000, 8],
  [9, 125_000, 8],
  [12, 125_000, 3],
  [7, 500_000, 8],
] as const) {
  test(`says when a burst has left: ${frames} frames at SF${spreadingFactor}/${bandwidthHz / 1e3}`, () => {
    const world = air();
    const { desk, modem } = side(world, {}, { spreadingFactor, bandwidthHz });
    world.schedule.runTo(4_000);
    const startMs = world.schedule.nowMs;
    for (let round = 1; round <= 6; round++) {
      const before = desk.writableAtMs.length;
      const { length } = modem.radio.station.sent;
      for (let i = 0; i < frames; i++) assert.ok(desk.send(new Uint8Array(200).fill(i)), `frame ${i} of ${round}`);
      while (desk.writableAtMs.length === before) {
        assert.ok(world.schedule.nowMs < startMs + 900_000, 'it never says so');
        world.schedule.runTo(world.schedule.nowMs + 10);
      }
      const { sent } = modem.radio.station;
      assert.equal(sent.length - length, frames, `round ${round}: all of it has left`);
      const lateMs = world.schedule.nowMs - (sent.at(-1)?.toMs ?? 0);
      const modulation = rnodeModulation(spreadingFactor, bandwidthHz);
      // Where the modem's count has moved on, the time that it should have taken tells.
      assert.ok(lateMs >= 0 && lateMs < 1_500 + frames * 20 * 24 + airMs(modulation, 255), `late by ${lateMs} ms`);
    }
  });
}

test('without channel reports the time and an answer tell', () => {
  const world = air();
  const { desk, modem } = side(world, { hasChannelReports: false });
  world.schedule.runTo(4_000);
  for (let i = 0; i < 8; i++) assert.ok(desk.send(new Uint8Array(200)));
  world.schedule.runTo(9_000);
  assert.equal(modem.radio.station.sent.length, 8);
  assert.equal(desk.writableAtMs.length, 2);
  assert.ok((desk.writableAtMs[1] as number) >= (modem.radio.station.sent.at(-1)?.toMs ?? 0));
});

test('a modem that never answers is not waited for for ever', () => {
  const world = air();
  const { desk } = side(world, { hasChannelReports: false, isSilentOnReady: true });
  world.schedule.runTo(4_000);
  desk.send(new Uint8Array(200));
  world.schedule.runTo(14_000);
  assert.equal(desk.writableAtMs.length, 2);
});

test('where each packet waits for the channel, a packet is two transmissions', () => {
  for (const [spreadingFactor, bandwidthHz, mtu] of [
    [7, 500_000, 507],
    [8, 500_000, 254],
    [7, 250_000, 254],
  ] as const) {
    const world = air();
    const { desk } = side(world, {}, { spreadingFactor, bandwidthHz });
    world.schedule.runTo(4_000);
    assert.equal(desk.ups[0]?.mtu, mtu, `SF${spreadingFactor}`);
  }
});

test('takes a burst of 20 frames or 5 100 octets, and no more', () => {
  const world = air();
  const { desk } = side(world);
  world.schedule.runTo(4_000);
  let count = 0;
  while (desk.send(new Uint8Array(507))) count++;
  assert.equal(count, 10);
  const small = side(world).desk;
  world.schedule.runTo(60_000);
  count = 0;
  while (small.send(new Uint8Array(254))) count++;
  assert.equal(count, 20);
});

test('tells what the modem says of channel and air time', () => {
  const world = air();
  const { desk } = side(world);
  world.schedule.runTo(4_000);
  for (let i = 0; i < 8; i++) desk.send(new Uint8Array(254));
  world.schedule.runTo(9_000);
  const report = desk.reports.at(-1);
  assert.ok((report?.usedShort ?? 0) > 0.1 && (report?.usedShort ?? 0) < 0.5, JSON.stringify(report));
  assert.ok((report?.usedLong ?? 1) < 0.01 && (report?.noiseFloor ?? 0) < -90, JSON.stringify(report));
});

test('sets a modem up again that has begun anew, and goes on', () => {
  const world = air();
  const [a, b] = [side(world), side(world)];
  world.schedule.runTo(4_000);
  a.desk.send(new Uint8Array(200));
  world.schedule.runTo(4_100);
  a.modem.reset();
  world.schedule.runTo(5_000);
  assert.ok(!a.modem.radio.isOn);
  world.schedule.runTo(8_000);
  assert.equal(a.desk.ups.length, 2);
  assert.deepEqual(a.desk.notes, ['the modem began anew']);
  assert.ok(a.desk.send(new Uint8Array(100).fill(3)));
  world.schedule.runTo(10_000);
  assert.deepEqual(
    b.desk.frames.map(({ octets }) => octets.length),
    [100],
  );
});

const REFUSED: readonly [string, Partial<RnodeFacts>, Partial<LoraOptions>, RegExp][] = [
  ['one with an old firmware', { firmware: [1, 0x33] }, {}, /its firmware 1.51 is too old: 1.52 or newer is needed/],
  ['one without a radio', { refusal: 'No radio module found' }, {}, /No radio module found|refuses to start its radio/],
];

for (const [what, facts, lora, message] of REFUSED) {
  test(`gives up ${what}, and says why`, () => {
    const world = air();
    const { desk } = side(world, facts, lora);
    world.schedule.runTo(20_000);
    assert.match(desk.failure ?? '', message);
    assert.equal(desk.dialect.deadline(), Number.POSITIVE_INFINITY);
  });
}

test('gives up what only prints text, and repeats it', () => {
  const world = air();
  const { desk, modem } = side(world, { bootMs: 1e9, bootText: 'Device not provisioned\r\n' });
  assert.ok(!modem.radio.isOn);
  world.schedule.runTo(20_000);
  assert.match(desk.failure ?? '', /does not answer as an RNode.*it says: Device not provisioned/);
});

test('a board that gives less power is told of, and used', () => {
  const world = air();
  const { desk } = side(world, { mostDbm: 17 }, { powerDbm: 22 });
  world.schedule.runTo(4_000);
  assert.equal(desk.ups.length, 1);
  assert.deepEqual(desk.notes, ['power: asked for 22 dBm, the board gives 17; write power=17']);
});

test('a modem that falls silent is given up', () => {
  const world = air();
  const { desk } = side(world);
  world.schedule.runTo(4_000);
  desk.cable.toModem.facts = { ...desk.cable.toModem.facts, noise: { flip: 0, drop: 1, insert: 0 } };
  desk.cable.toHost.facts = { ...desk.cable.toHost.facts, noise: { flip: 0, drop: 1, insert: 0 } };
  world.schedule.runTo(40_000);
  assert.equal(desk.failure, 'the modem does not answer any more');
});

test('a client by TCP says something every 3 s', () => {
  const world = air();
  const modem = new RnodeModem(world.channel, new Random(1), { resetsOnOpen: false });
  const options = { lora: LORA, mtu: undefined, hourShare: undefined, isTcp: true };
  const desk = new DialectDesk(world.schedule, modem, new Rnode(options, DIALECT_TOOLS));
  world.schedule.runTo(1_000);
  assert.equal(desk.ups.length, 1);
  const before = desk.written.length;
  world.schedule.runTo(31_000);
  assert.ok(desk.written.length - before >= 9);
});

test('says farewell', () => {
  const world = air();
  const { desk } = side(world);
  world.schedule.runTo(4_000);
  desk.stop();
  assert.equal(hexOf(desk.written.slice(-1)), 'c00affc0');
});

test('a noisy cable costs frames and tries, not more', () => {
  const world = air();
  const [a, b] = [side(world), side(world)];
  for (const { desk } of [a, b]) {
    desk.cable.toModem.facts = { ...desk.cable.toModem.facts, noise: { flip: 0.0007, drop: 0.0007, insert: 0.0007 } };
    desk.cable.toHost.facts = { ...desk.cable.toHost.facts, noise: { flip: 0.0007, drop: 0.0007, insert: 0.0007 } };
  }
  world.schedule.runTo(15_000);
  for (let i = 0; i < 60; i++) {
    a.desk.send(new Uint8Array(100).fill(i));
    world.schedule.runTo(world.schedule.nowMs + 2_000);
  }
  assert.equal(a.desk.failure, undefined);
  assert.ok(b.desk.frames.length > 5, String(b.desk.frames.length));
});
