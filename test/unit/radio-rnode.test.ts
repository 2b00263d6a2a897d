import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';
import { Channel } from '../support/radio/channel.ts';
import { KissReader, kissFrame } from '../support/radio/kiss-octets.ts';
import { type RnodeFacts, RnodeModem } from '../support/radio/rnode-modem.ts';

type Host = {
  modem: RnodeModem;
  said: number[];
  frames: { type: number; payload: number[] }[];
  ask(text: string): string;
};
type Desk = { schedule: Schedule; channel: Channel; hosts: Host[] };

function desk(count: number, facts: Partial<RnodeFacts> = {}): Desk {
  const schedule = new Schedule();
  const channel = new Channel(schedule);
  const random = new Random(1);
  return {
    schedule,
    channel,
    hosts: Array.from({ length: count }, () => host(new RnodeModem(channel, random, facts))),
  };
}

function host(modem: RnodeModem): Host {
  const said: number[] = [];
  const frames: Host['frames'] = [];
  const reader = new KissReader((type, payload) => frames.push({ type, payload: [...payload] }));
  modem.output = (octets) => {
    said.push(...octets);
    reader.read(octets);
  };
  const ask = (text: string): string => {
    said.length = 0;
    modem.input(octetsOf(text));
    return textOf(said);
  };
  return { modem, said, frames, ask };
}

function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (octet) => Number.parseInt(octet, 16));
}

function textOf(octets: readonly number[]): string {
  return octets.map((octet) => octet.toString(16).padStart(2, '0').toUpperCase()).join(' ');
}

/** 869.525 MHz, 125 kHz, 22 dBm, SF7, 4/5, on. */
const START = [
  'C0 01 33 D3 E6 08 C0',
  'C0 02 00 01 E8 48 C0',
  'C0 03 16 C0',
  'C0 04 07 C0',
  'C0 05 05 C0',
  'C0 06 01 C0',
];

function start({ hosts }: Desk): void {
  for (const { ask, modem, frames } of hosts) {
    for (const command of START) ask(command);
    assert.ok(modem.radio.isOn);
    frames.length = 0;
  }
}

test('answers the first burst of a host octet by octet', () => {
  const { hosts } = desk(1);
  const [{ ask }] = hosts as [Host];
  assert.equal(ask('C0 08 73 C0 50 00 C0 48 00 C0 49 00 C0'), 'C0 08 46 C0 C0 50 01 56 C0 C0 48 80 C0 C0 49 81 C0');
});

test('echoes each parameter as it is in force', () => {
  const { hosts } = desk(1);
  const [{ ask }] = hosts as [Host];
  assert.equal(ask('C0 01 33 D3 E6 08 C0'), 'C0 01 33 D3 E6 08 C0');
  assert.equal(ask('C0 02 00 01 E8 48 C0'), 'C0 02 00 01 E8 48 C0');
  assert.equal(ask('C0 02 00 00 00 00 C0'), 'C0 02 00 01 E8 48 C0');
  assert.equal(ask('C0 03 1E C0'), 'C0 03 16 C0');
  assert.equal(ask('C0 04 04 C0'), 'C0 04 05 C0');
  assert.equal(ask('C0 05 09 C0'), 'C0 05 08 C0');
  assert.equal(ask('C0 04 FF C0'), 'C0 04 05 C0');
  assert.equal(ask('C0 0B 00 64 C0'), 'C0 0B 00 64 C0');
  assert.equal(ask('C0 0C 27 10 C0'), 'C0 0C 00 00 C0');
  // A value with octets that need escaping.
  assert.equal(ask('C0 02 00 07 DB DC DB DD C0'), 'C0 02 00 07 DB DC DB DD C0');
});

test('does not start before all parameters are set', () => {
  const { hosts } = desk(1);
  const [{ ask, modem }] = hosts as [Host];
  assert.equal(ask('C0 06 01 C0'), 'C0 06 00 C0 C0 06 00 C0');
  assert.equal(ask('C0 07 00 C0'), 'C0 07 01 C0');
  for (const command of START.slice(0, 5)) ask(command);
  assert.equal(ask('C0 07 00 C0'), 'C0 07 00 C0');
  assert.match(ask('C0 06 01 C0'), /C0 06 01 C0 C0 06 01 C0$/);
  assert.ok(modem.radio.isOn);
  assert.equal(ask('C0 06 FF C0'), 'C0 06 01 C0');
  assert.equal(ask('C0 06 00 C0'), 'C0 06 00 C0');
});

test('reports its physical parameters when it starts', () => {
  const { hosts } = desk(1);
  const [{ ask, frames }] = hosts as [Host];
  for (const command of START) ask(command);
  const report = frames.find(({ type }) => type === 0x26)?.payload as number[];
  const values = Array.from({ length: 6 }, (_, i) => (report[2 * i] as number) * 256 + (report[2 * i + 1] as number));
  assert.deepEqual(values, [1024, 977, 24, 25, 24, 48]);
});

test('carries a frame, with strength before it and a channel report after it', () => {
  const room = desk(2);
  start(room);
  const [a, b] = room.hosts as [Host, Host];
  a.ask('C0 00 DB DC DB DD C0');
  room.schedule.runTo(900);
  assert.deepEqual(
    b.frames.filter(({ type }) => type !== 0x25),
    [
      { type: 0x23, payload: [77] },
      { type: 0x24, payload: [48] },
      { type: 0x00, payload: [0xc0, 0xdb] },
    ],
  );
  const report = a.frames.find(({ type }) => type === 0x25)?.payload as number[];
  assert.equal(report.length, 11);
  const airMs = (((report[0] as number) * 256 + (report[1] as number)) / 10_000) * 15_000;
  assert.ok(Math.abs(airMs - 48) < 2, `${airMs}`);
});

test('says something about the channel once a second', () => {
  const room = desk(1);
  start(room);
  room.schedule.runTo(10_000);
  assert.equal(room.hosts[0]?.frames.filter(({ type }) => type === 0x25).length, 10);
});

test('does nothing else while it transmits', () => {
  const room = desk(1);
  start(room);
  const [{ ask, said }] = room.hosts as [Host];
  for (let i = 0; i < 4; i++) ask(textOf([...kissFrame(0, new Uint8Array(200))]));
  room.schedule.runTo(600);
  assert.equal(ask('C0 0F 00 C0'), '');
  room.schedule.runTo(1_500);
  assert.ok(!textOf(said).includes('C0 0F 01 C0'));
  room.schedule.runTo(2_500);
  assert.ok(textOf(said).includes('C0 0F 01 C0'));
});

test('READY says when the queue is full, if it says anything', () => {
  const room = desk(1);
  start(room);
  const [{ ask, modem }] = room.hosts as [Host];
  assert.equal(ask('C0 0F 00 C0'), 'C0 0F 01 C0');
  for (let i = 0; i < 13; i++) ask(textOf([...kissFrame(0, new Uint8Array(500))]));
  assert.equal(ask('C0 0F 00 C0'), 'C0 0F 00 C0');
  modem.facts = { ...modem.facts, isSilentOnReady: true };
  assert.equal(ask('C0 0F 00 C0'), '');
});

test('a delimiter that ends data begins no frame, others do', () => {
  const room = desk(1);
  start(room);
  const [{ ask }] = room.hosts as [Host];
  assert.equal(ask('C0 0F 00 C0 0F 00 C0'), 'C0 0F 01 C0 C0 0F 01 C0');
  assert.equal(ask('C0 00 01 C0 0F 00 C0'), '');
});

test('a board that is opened boots first, prints its text and says that it was reset', () => {
  const { schedule, hosts } = desk(1);
  const [{ modem, said, ask }] = hosts as [Host];
  modem.opened();
  assert.ok(new TextDecoder().decode(Uint8Array.from(said)).startsWith('ESP-ROM'));
  assert.equal(ask('C0 08 73 C0'), '');
  schedule.runTo(1_200);
  assert.equal(textOf(said), 'C0 55 F8 C0');
  assert.equal(ask('C0 08 73 C0'), 'C0 08 46 C0');
});

test('a reset in the middle of a burst loses the rest and all parameters', () => {
  const room = desk(2);
  start(room);
  const [a, b] = room.hosts as [Host, Host];
  for (let i = 0; i < 4; i++) a.ask(textOf([...kissFrame(0, new Uint8Array(200))]));
  room.schedule.runTo(800);
  a.modem.reset();
  room.schedule.runTo(5_000);
  const received = b.frames.filter(({ type }) => type === 0).length;
  assert.ok(received >= 1 && received < 4, `${received}`);
  assert.equal(a.ask('C0 07 00 C0'), 'C0 07 01 C0');
});

test('a board that is not provisioned says so in words and does not start', () => {
  const { schedule, hosts } = desk(1, { refusal: 'Device unprovisioned, no device configuration found in EEPROM' });
  const [{ modem, said, ask }] = hosts as [Host];
  modem.reset();
  schedule.runTo(2_000);
  assert.match(new TextDecoder().decode(Uint8Array.from(said)), /unprovisioned/);
  for (const command of START) ask(command);
  assert.ok(!modem.radio.isOn);
});

test('what came before the radio was on goes out when it is', () => {
  const room = desk(2);
  const [a, b] = room.hosts as [Host, Host];
  a.ask('C0 00 01 02 C0');
  start(room);
  room.schedule.runTo(2_000);
  assert.deepEqual(b.frames.find(({ type }) => type === 0)?.payload, [1, 2]);
});
