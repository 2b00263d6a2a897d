/** What is under way on radio, and in which order messages come out of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cargo } from '../../daemon/core/link/datagram/radio/cargo.ts';
import { RadioControl } from '../../daemon/core/link/datagram/radio/control.ts';
import { Flight } from '../../daemon/core/link/datagram/radio/flight.ts';
import { InOrder, type Whole } from '../../daemon/core/link/datagram/radio/order.ts';
import { FRAME } from '../../daemon/wire/frame.ts';

function flight(): { flight: Flight; arrived: number[]; counts: { gaveUp: number } } {
  const arrived: number[] = [];
  const counts = { gaveUp: 0 };
  const ports = {
    arrived: (offset: number) => void arrived.push(offset),
    delivered: () => {},
    gaveUp: () => void counts.gaveUp++,
  };
  return { flight: new Flight(ports), arrived, counts };
}

function message(untilMs = 1_000): Cargo {
  return {
    kind: 'message',
    octets: new Uint8Array(10),
    message: { untilMs, isGivenUp: false, isTyped: true },
    sendings: 0,
  };
}

function control(offset: number): Cargo {
  return { kind: 'control', octets: new Uint8Array(5), offset, sendings: 0 };
}

/** Bits of a RACK: these counters, all below `highest`, have come. */
function bits(highest: number, ...counters: number[]): Uint8Array {
  const octets = new Uint8Array(4);
  for (const counter of counters) {
    const behind = highest - 1 - counter;
    octets[behind >> 3] = (octets[behind >> 3] as number) | (1 << (behind & 7));
  }
  return octets;
}

test('what a RACK shows has arrived; what it does not show is sent again', () => {
  const { flight: sent, arrived } = flight();
  const lost = message();
  sent.add(70_000, 70_000, [control(0)]);
  sent.add(70_001, 70_000, [lost]);
  sent.add(70_002, 70_000, [control(5)]);
  sent.add(70_003, 70_000, [control(10)]);
  sent.racked(70_002 & 0xffff, bits(70_002, 70_000), 0, 4);
  assert.deepEqual(arrived, [0, 5]);
  assert.equal(sent.size, 0);
  assert.equal(sent.take('message', 100, 0), lost);
  assert.ok(sent.has('control'), 'the last record is lost as well: its burst is over');
});

test('a RACK that was written before a burst says nothing about it', () => {
  const { flight: sent } = flight();
  sent.add(20, 20, [message()]);
  sent.racked(19, bits(19, 18), 0, 4);
  assert.equal(sent.size, 1);
  assert.ok(!sent.has('message'));
});

test('a message is sent again seven times, then given up; the control stream goes on', () => {
  const { flight: sent, counts } = flight();
  let [cargo, piece]: [Cargo | undefined, Cargo | undefined] = [message(), control(0)];
  for (let counter = 0; counter < 8; counter++) {
    assert.ok(cargo !== undefined && piece !== undefined, `sending ${counter}`);
    sent.add(counter, counter, [cargo, piece]);
    sent.loseAll();
    cargo = sent.take('message', 100, 0);
    piece = sent.take('control', 100, 0);
  }
  assert.equal(cargo, undefined);
  assert.ok(piece !== undefined);
  assert.equal(counts.gaveUp, 1);
  assert.ok(!sent.isHopeless);
});

test('what is of no use any more is not sent again', () => {
  const { flight: sent, counts } = flight();
  sent.add(0, 0, [message(500)]);
  sent.loseAll();
  assert.equal(sent.take('message', 100, 501), undefined);
  assert.equal(counts.gaveUp, 1);
});

test('the share that arrives follows what happens', () => {
  const { flight: sent } = flight();
  for (let counter = 0; counter < 400; counter++) {
    sent.add(counter, counter, [message()]);
    if (counter % 4 === 0) sent.loseAll();
    else sent.racked(counter & 0xffff, bits(counter), 0, 0);
  }
  assert.ok(Math.abs(sent.deliveredShare - 0.75) < 0.08, `${sent.deliveredShare}`);
});

test('the control stream keeps to its window until the first piece has arrived', () => {
  const stream = new RadioControl(100);
  assert.ok(stream.push(FRAME.announce, new Uint8Array(300)));
  const pieces = [stream.take(70), stream.take(70), stream.take(70)];
  assert.deepEqual(
    pieces.map((piece) => piece?.octets.length),
    [67, 33, undefined],
  );
  stream.arrived(67);
  assert.equal(stream.take(70), undefined);
  stream.arrived(0);
  assert.equal(stream.take(200)?.octets.length, 100);
});

const whole = (id: number): Whole => ({ id, message: { octets: new Uint8Array(1) }, size: 1 });
const taken = (order: InOrder, timeMs: number): number[] => {
  const ids: number[] = [];
  for (let next = order.take(timeMs); next !== undefined; next = order.take(timeMs)) ids.push(next.id);
  return ids;
};

test('long messages come out in order, and wait for one that is missing', () => {
  const order = new InOrder(1_000);
  order.add(whole(1), 0);
  order.add(whole(2), 10);
  assert.deepEqual(taken(order, 20), []);
  order.add(whole(0), 30);
  assert.deepEqual(taken(order, 30), [0, 1, 2]);
});

test('one that does not come is passed over in time, and handed out if it comes later', () => {
  const order = new InOrder(1_000);
  order.add(whole(1), 0);
  assert.equal(order.deadlineMs, 1_000);
  assert.deepEqual(taken(order, 999), []);
  assert.deepEqual(taken(order, 1_000), [1]);
  order.add(whole(0), 1_100);
  assert.deepEqual(taken(order, 1_100), [0]);
  order.add(whole(2), 1_200);
  assert.deepEqual(taken(order, 1_200), [2]);
});

test('8 wait for one that is missing, not 9', () => {
  const order = new InOrder(1_000);
  for (let id = 1; id <= 8; id++) order.add(whole(id), 0);
  assert.deepEqual(taken(order, 0), []);
  order.add(whole(9), 0);
  assert.deepEqual(
    taken(order, 0),
    Array.from({ length: 9 }, (_, i) => i + 1),
  );
});

test('ids begin anew after 65 535', () => {
  const order = new InOrder(0);
  order.add(whole(65_534), 0);
  assert.deepEqual(taken(order, 0), [65_534]);
  order.add(whole(0), 1);
  order.add(whole(65_535), 1);
  assert.deepEqual(taken(order, 1), [65_535, 0]);
});
