/** What radios have no time on the air for is refused to whoever sent it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import type { AirFacts } from '../../daemon/core/port.ts';
import { HOUR_MS } from '../../daemon/core/radio/ledger.ts';
import { Ledgers } from '../../daemon/core/radio/ledgers.ts';
import { isIcmpError, writeEcho, writeTooBig, writeUnreachable } from '../../daemon/wire/ipv6.ts';
import { Desk, far, us } from '../support/core-desk.ts';
import { packetTo } from '../support/core-mesh.ts';

const [ourAddress, farAddress] = [us, far].map(({ key }) => addressForKey(key)) as [Uint8Array, Uint8Array];

/** 1 ms an octet. */
const AIR: AirFacts = {
  modulation: { kind: 'rate', bitsPerSecond: 8_000, frameMs: 0 },
  frameOverhead: 0,
  accessMs: 0,
  sharesAccess: true,
  turnaroundMs: 0,
  limits: [{ windowMs: HOUR_MS, airMs: 36_000, frameMs: Number.POSITIVE_INFINITY }],
  share: 1,
  ledger: 'r',
};

/** A desk that knows the far node, and has a radio. */
function radioDesk(): Desk {
  const desk = new Desk();
  desk.packets.found(far.key);
  desk.context.ledgers.transmitter(AIR, 240, 0);
  return desk;
}

function delivered(desk: Desk): Uint8Array[] {
  const { buffers, offsets, lengths, count } = desk.packets.deliveries;
  return Array.from({ length: count }, (_, i) => {
    const at = offsets[i] as number;
    return (buffers[i] as Uint8Array).slice(at, at + (lengths[i] as number));
  });
}

test('a packet that would wait too long is answered at once, and not sent', () => {
  const desk = radioDesk();
  const packet = packetTo(ourAddress, farAddress, 900);
  desk.refusalMs = 60_000;
  desk.outgoing(packet);
  assert.equal(desk.sent.length, 0);
  assert.equal(desk.context.stats.drops['air time used up'], 1);
  const [answer] = delivered(desk);
  assert.ok(answer !== undefined);
  assert.deepEqual(answer, writeUnreachable(packet));
  // Destination unreachable, a problem of a link (RFC 4443, section 3.1), quoting the packet.
  assert.deepEqual([...answer.subarray(40, 42)], [1, 3]);
  assert.deepEqual(answer.subarray(48), packet.subarray(0, 512));
  assert.deepEqual(answer.subarray(24, 40), ourAddress);
  desk.refusalMs = undefined;
  desk.outgoing(packet);
  assert.equal(desk.sent.length, 1);
});

test('ten a second are answered, and errors never', () => {
  const desk = radioDesk();
  desk.refusalMs = 60_000;
  const packet = packetTo(ourAddress, farAddress);
  const error = writeTooBig(packetTo(farAddress, ourAddress), 1_280);
  assert.ok(isIcmpError(error));
  assert.ok(
    !isIcmpError(
      writeEcho(ourAddress, farAddress, { isReply: false, identifier: 1, sequence: 1, data: new Uint8Array(8) }),
    ),
  );
  desk.outgoing(error);
  assert.equal(delivered(desk).length, 0);
  for (let i = 0; i < 11; i++) desk.outgoing(packet);
  assert.equal(delivered(desk).length, 10);
  assert.equal(desk.context.stats.drops['air time used up'], 12);
});

test('a node without radios asks nobody', () => {
  const desk = new Desk();
  desk.packets.found(far.key);
  desk.refusalMs = 60_000;
  desk.outgoing(packetTo(ourAddress, farAddress));
  assert.equal(desk.sent.length, 1);
});

test('a radio refuses what its budget keeps waiting for longer than twenty seconds', () => {
  const radio = new Ledgers([]).transmitter(AIR, 240, 0);
  // 6 s are free at once, some of them for others; then 1 % of the time.
  assert.equal(radio.refusalMs('bulk', 1_280, 0, 0), undefined);
  assert.equal(radio.refusalMs('bulk', 1_280, 3_000, 0), undefined);
  const waitMs = radio.refusalMs('bulk', 1_280, 6_000, 0) ?? 0;
  assert.ok(waitMs > 20_000, `${waitMs}`);
  radio.sent('bulk', 4_500, 0);
  radio.settled(4_500);
  assert.ok((radio.refusalMs('bulk', 240, 0, 4_500) ?? 0) > 20_000);
  assert.equal(radio.refusalMs('interactive', 240, 0, 4_500), undefined, 'small ones still pass');
  assert.deepEqual(radio.refused, { answer: 0, control: 0, interactive: 0, normal: 0, bulk: 2 });
});

test('where nothing limits, what is queued for long is refused as well', () => {
  const radio = new Ledgers([]).transmitter({ ...AIR, limits: [] }, 240, 0);
  assert.equal(radio.refusalMs('bulk', 1_280, 18_000, 0), undefined);
  assert.ok((radio.refusalMs('bulk', 1_280, 20_000, 0) ?? 0) > 20_000);
  const polite = new Ledgers([]).transmitter({ ...AIR, limits: [], share: 0.25 }, 240, 0);
  assert.ok((polite.refusalMs('bulk', 1_280, 9_000, 0) ?? 0) > 20_000, 'a quarter of the channel is slower');
});

test('slow settings may let packets wait for longer', () => {
  // A frame takes 9.6 s.
  const slow = { ...AIR, modulation: { kind: 'rate', bitsPerSecond: 200, frameMs: 0 }, limits: [] } as const;
  const radio = new Ledgers([]).transmitter(slow, 240, 0);
  assert.equal(radio.refusalMs('bulk', 1_280, 1_280, 0), undefined);
  assert.ok(radio.refusalMs('bulk', 1_280, 4_000, 0) !== undefined);
});
