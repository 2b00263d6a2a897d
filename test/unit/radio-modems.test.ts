import assert from 'node:assert/strict';
import { test } from 'node:test';
import { airMs } from '../../daemon/core/radio/air-time.ts';
import { Random } from '../sim/random.ts';
import { Schedule } from '../sim/schedule.ts';
import { Channel } from '../support/radio/channel.ts';
import { KissModem } from '../support/radio/kiss-modem.ts';
import { kissFrame } from '../support/radio/kiss-octets.ts';
import { MeshcoreModem } from '../support/radio/meshcore-modem.ts';
import type { Modem } from '../support/radio/modem.ts';
import { PipeModem } from '../support/radio/pipe-modem.ts';

type Desk<M> = { schedule: Schedule; channel: Channel; modems: M[]; said: string[][] };

function desk<M extends Modem>(count: number, make: (channel: Channel, random: Random) => M): Desk<M> {
  const schedule = new Schedule();
  const channel = new Channel(schedule);
  const random = new Random(1);
  const said = Array.from({ length: count }, () => [] as string[]);
  const modems = said.map((texts) => {
    const modem = make(channel, random);
    modem.output = (octets) => texts.push(textOf(octets));
    return modem;
  });
  return { schedule, channel, modems, said };
}

function textOf(octets: Uint8Array): string {
  return [...octets].map((octet) => octet.toString(16).padStart(2, '0').toUpperCase()).join(' ');
}

function ask(modem: Modem | undefined, text: string): void {
  modem?.input(Uint8Array.from(text.split(' '), (octet) => Number.parseInt(octet, 16)));
}

const newMeshcore = (channel: Channel, random: Random): MeshcoreModem => new MeshcoreModem(channel, random);

/** 869.525 MHz, 125 kHz, SF7, 4/5, least significant octet first. */
const SET_RADIO = 'C0 06 09 08 E6 D3 33 48 E8 01 00 07 05 C0';
/** TXDELAY 0, P 255. */
const NO_DELAY = 'C0 01 00 C0 C0 02 FF C0';

test('MeshCore answers what it is asked', () => {
  const { modems, said } = desk(1, newMeshcore);
  const questions: readonly (readonly [string, string])[] = [
    ['C0 06 17 C0', 'C0 06 97 C0'],
    [SET_RADIO, 'C0 06 F0 C0'],
    ['C0 06 0B C0', 'C0 06 8B 08 E6 D3 33 48 E8 01 00 07 05 C0'],
    ['C0 06 0A 16 C0', 'C0 06 F0 C0'],
    ['C0 06 0A 17 C0', 'C0 06 F1 02 C0'],
    ['C0 06 09 00 C0', 'C0 06 F1 01 C0'],
    ['C0 06 0E C0', 'C0 06 8E 00 C0'],
    // A noise floor of −117 dBm, and 408 ms for 255 octets behind 32 symbols.
    ['C0 06 10 C0', 'C0 06 90 8B FF C0'],
    ['C0 06 0F FF C0', 'C0 06 8F A8 01 00 00 C0'],
    ['C0 06 77 C0', 'C0 06 F1 05 C0'],
  ];
  for (const [question, answer] of questions) {
    ask(modems[0], question);
    assert.equal(said[0]?.pop(), answer, question);
  }
});

test('MeshCore sends one packet at a time, says when it is gone, and how well others were heard', () => {
  const { schedule, modems, said } = desk(2, newMeshcore);
  for (const modem of modems) {
    ask(modem, SET_RADIO);
    ask(modem, NO_DELAY);
  }
  for (const texts of said) texts.length = 0;
  ask(modems[0], 'C0 00 01 02 C0');
  ask(modems[0], 'C0 00 03 04 C0');
  assert.deepEqual(said[0], ['C0 06 F1 07 C0']);
  schedule.runTo(1_000);
  assert.deepEqual(said[0], ['C0 06 F1 07 C0', 'C0 06 F8 01 C0']);
  assert.deepEqual(said[1], ['C0 00 01 02 C0', 'C0 06 F9 30 B0 C0']);
  ask(modems[0], 'C0 00 03 04 C0');
  ask(modems[1], 'C0 06 19 00 C0');
  schedule.runTo(2_000);
  assert.deepEqual(said[1]?.slice(2), ['C0 06 9A 00 C0', 'C0 00 03 04 C0']);
});

test('MeshCore drops what is too long, and takes half a second and more by its own parameters', () => {
  const { schedule, channel, modems } = desk(2, newMeshcore);
  ask(modems[0], SET_RADIO);
  modems[0]?.input(kissFrame(0, new Uint8Array(256)));
  schedule.runTo(20_000);
  assert.equal(channel.counts.sent, 0);
  modems[0]?.input(kissFrame(0, new Uint8Array(255)));
  schedule.runTo(40_000);
  const begin = modems[0]?.station.sent[0]?.fromMs as number;
  assert.ok(begin >= 20_500, `${begin}`);
});

test('MeshCore transmits into a channel that stays busy', () => {
  const { schedule, channel, modems } = desk(2, newMeshcore);
  for (const modem of modems) {
    ask(modem, SET_RADIO);
    ask(modem, NO_DELAY);
  }
  const [a, b] = modems as [MeshcoreModem, MeshcoreModem];
  const jam = (): void => channel.transmit(a.station, new Uint8Array(255), jam);
  jam();
  schedule.runTo(10);
  b.input(kissFrame(0, new Uint8Array(10)));
  schedule.runTo(5_000);
  const begin = b.station.sent[0]?.fromMs as number;
  const modulation = b.station.tuning?.modulation;
  assert.ok(modulation !== undefined && begin > 1.5 * airMs(modulation, 255) && begin < 2 * airMs(modulation, 255));
});

test('a KISS TNC sends what waits in one access', () => {
  const { schedule, modems, said } = desk(2, (channel, random) => new KissModem(channel, random));
  ask(modems[0], 'C0 01 1E C0 C0 02 FF C0 C0 00 01 C0 C0 00 DB DC C0');
  schedule.runTo(5_000);
  assert.deepEqual(said[1], ['C0 00 01 C0', 'C0 00 DB DC C0']);
  const [first, second] = modems[0]?.station.sent ?? [];
  assert.equal(first?.fromMs, 300);
  assert.equal(second?.fromMs, first?.toMs);
});

test('a pipe cuts where 240 octets are together and where the host pauses', () => {
  const { schedule, modems, said } = desk(2, (channel, random) => new PipeModem(channel, random));
  const [a] = modems as [PipeModem];
  a.input(new Uint8Array(300));
  schedule.runTo(10_000);
  a.input(Uint8Array.of(1, 2));
  schedule.runTo(10_002);
  a.input(Uint8Array.of(3));
  schedule.runTo(11_000);
  a.input(Uint8Array.of(4));
  schedule.runTo(20_000);
  assert.deepEqual(
    said[1]?.map((text) => text.split(' ').length),
    [240, 60, 3, 1],
  );
});

test('a pipe that is fed faster than it sends loses octets', () => {
  const { schedule, modems } = desk(2, (channel, random) => new PipeModem(channel, random));
  const [a] = modems as [PipeModem];
  for (let i = 0; i < 12; i++) a.input(new Uint8Array(120));
  assert.equal(a.lost, 200);
  schedule.runTo(60_000);
  assert.equal(a.station.sent.length, 6);
});

test('a pipe appends the strength of each packet if its register says so', () => {
  const { schedule, modems, said } = desk(2, (channel, random) => new PipeModem(channel, random, { 6: 0x80 }));
  modems[0]?.input(Uint8Array.of(5));
  schedule.runTo(5_000);
  // −80 dBm.
  assert.deepEqual(said[1], ['05 B0']);
});

test('a stick has its registers behind a sequence of octets', () => {
  const { modems, said } = desk(1, (channel, random) => new PipeModem(channel, random));
  const [stick] = modems as [PipeModem];
  stick.hasSoftwareSwitch = true;
  const talk = [
    ['C0 C1 C2 C3 02 01', 'C1 C2 C3 02 01'],
    ['C1 00 09', 'C1 00 09 FF FF 00 62 00 12 00 00 00'],
    ['C0 03 02 E7 40', 'C1 03 02 E7 40'],
    ['C1 08 09', 'FF FF FF'],
    ['C0 C1 C2 C3 02 00', 'C1 C2 C3 02 00'],
  ] as const;
  for (const [question, answer] of talk) {
    ask(stick, question);
    assert.equal(said[0]?.pop(), answer);
  }
  assert.deepEqual([stick.baud, stick.airRate, stick.subPacket], [115_200, 62_500, 128]);
});
