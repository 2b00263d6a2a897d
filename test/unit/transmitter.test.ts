import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreEvent } from '../../daemon/core/port.ts';
import type { AirClass, AirFacts, AirMemory } from '../../daemon/core/radio/facts.ts';
import { HOUR_MS } from '../../daemon/core/radio/ledger.ts';
import { Ledgers } from '../../daemon/core/radio/ledgers.ts';
import type { Transmitter } from '../../daemon/core/radio/transmitter.ts';
import { airFacts, duty } from '../support/radio/air-facts.ts';

const CLASSES: readonly AirClass[] = ['answer', 'control', 'interactive', 'normal', 'bulk'];
const MINUTE = 60_000;

function transmitter(changes: Partial<AirFacts>, frameMax = 400, nowMs = 0): Transmitter {
  return new Ledgers([]).transmitter(airFacts(changes), frameMax, nowMs);
}

/** Sends bulk as fast as it may from 0 on, in frames of 400 ms; returns the time on the air. */
function runBulk(radio: Transmitter, fromMs: number, untilMs: number): number {
  let airMs = 0;
  for (let nowMs = fromMs; nowMs < untilMs; ) {
    if (radio.roomMs('bulk', nowMs) < 400) {
      const nextMs = radio.nextAtMs('bulk', 400, nowMs);
      assert.ok(nextMs > nowMs, 'the time to ask again is not now');
      nowMs = nextMs + 1;
      continue;
    }
    radio.sent('bulk', 400, nowMs);
    airMs += 400;
    nowMs += 400;
    radio.settled(nowMs);
  }
  return airMs;
}

const rooms = (radio: Transmitter, nowMs: number): number[] => CLASSES.map((each) => radio.roomMs(each, nowMs));

test('each class leaves something to those before it', () => {
  for (const changes of [{ limits: [duty(0.01)] }, { limits: [duty(0.1)], share: 0.25 }, { share: 0.25 }]) {
    const radio = transmitter(changes);
    runBulk(radio, 0, 2 * HOUR_MS);
    const left = rooms(radio, 2 * HOUR_MS);
    for (let i = 1; i < left.length; i++) assert.ok((left[i - 1] as number) >= (left[i] as number), `${left}`);
    assert.ok((left[2] as number) >= 400, 'a key stroke leaves at once');
  }
});

test('where nothing limits, everything may leave', () => {
  const radio = transmitter({});
  assert.deepEqual(
    rooms(radio, 0),
    CLASSES.map(() => Number.POSITIVE_INFINITY),
  );
  assert.equal(radio.nextAtMs('bulk', 1_000_000, 5), 5);
});

for (const share of [0.01, 0.1]) {
  test(`bulk alone uses nine tenths of ${100 * share} %, and is told when to ask again`, () => {
    const radio = transmitter({ limits: [duty(share)] });
    const hours = 4;
    const used = runBulk(radio, 0, hours * HOUR_MS) / (hours * HOUR_MS * share);
    assert.ok(used > 0.92 && used <= 1, `${used}`);
  });
}

test('slow settings send as well: the largest frame is never longer than a burst', () => {
  // SF12 at 125 kHz.
  const radio = transmitter({ limits: [duty(0.01)] }, 9_347);
  assert.ok(radio.roomMs('bulk', 0) >= 9_347);
  radio.sent('bulk', 9_347, 0);
  radio.settled(9_347);
  radio.sent('bulk', 9_347, 9_347);
  radio.settled(18_694);
  const nextMs = radio.nextAtMs('bulk', 9_347, 18_694);
  assert.ok(nextMs < HOUR_MS + MINUTE);
});

test('answers may use what is kept back, and nothing beyond the law', () => {
  const radio = transmitter({ limits: [duty(0.01)] });
  assert.equal(radio.roomMs('answer', 0), 36_000);
  radio.sent('answer', 36_000, 0);
  radio.settled(36_000);
  assert.deepEqual(rooms(radio, 36_000), [0, 0, 0, 0, 0]);
  const nextMs = radio.nextAtMs('answer', 500, 36_000);
  assert.ok(nextMs > HOUR_MS && nextMs <= HOUR_MS + 2 * MINUTE);
});

test('routing that has had a fifth of the hour leaves the rest to users', () => {
  const radio = transmitter({ limits: [duty(0.1)] });
  let nowMs = 0;
  const send = (): void => {
    radio.sent('control', 1_000, nowMs);
    nowMs += 1_000;
    radio.settled(nowMs);
  };
  while (radio.roomMs('control', nowMs) >= 1_000) send();
  assert.equal(radio.ledger.usedLongMs, 73_000);
  for (; nowMs < 30 * MINUTE; nowMs += 1_000) if (radio.roomMs('control', nowMs) >= 1_000) send();
  assert.ok(radio.roomMs('normal', nowMs) > 19_000, 'users have a third of what is free at most');
  assert.ok(radio.roomMs('control', nowMs) < 1_000);
});

test('the rest of what was begun goes on where its beginning could not', () => {
  const radio = transmitter({ limits: [duty(0.01)], share: 0.25 });
  radio.sent('normal', 5_900, 0);
  radio.settled(5_900);
  assert.ok(radio.roomMs('normal', 5_900) === 0 && radio.nextAtMs('normal', 400, 5_900) > 60_000);
  assert.ok(radio.roomMs('normal', 5_900, true) > 400);
  assert.equal(radio.nextAtMs('normal', 400, 5_900, true), 5_900);
});

test('a frame longer than the share leaves is sent, and paid for afterwards', () => {
  const radio = transmitter({ share: 0.25 }, 9_000);
  assert.equal(radio.roomMs('interactive', 0), 9_000);
  radio.sent('interactive', 9_000, 0);
  radio.settled(9_000);
  assert.equal(radio.roomMs('interactive', 9_000), 0);
  const nextMs = radio.nextAtMs('interactive', 9_000, 9_000);
  assert.ok(nextMs > 20_000 && nextMs < 37_000, `${nextMs}`);
  assert.equal(radio.roomMs('interactive', nextMs), 9_000);
  assert.equal(radio.roomMs('answer', 9_000), Number.POSITIVE_INFINITY);
});

test('what no law ever lets pass is known at once', () => {
  const radio = transmitter({ limits: [duty(0.1, 400)] }, 350);
  assert.equal(radio.isTooLong(400), false);
  assert.equal(radio.isTooLong(401), true);
});

test('how long a queue takes is estimated by the mean rate', () => {
  const radio = transmitter({ limits: [duty(0.01)] });
  assert.equal(radio.sentByMs('interactive', 400, 0), 400);
  const byMs = radio.sentByMs('bulk', 16_000, 0);
  assert.ok(byMs > 900_000 && byMs < 1_200_000, `${byMs}`);
});

test('a ledger outlives its socket', () => {
  const ledgers = new Ledgers([]);
  const first = ledgers.transmitter(airFacts({ limits: [duty(0.01)] }), 400, 0);
  first.sent('bulk', 5_000, 0);
  // The device went away with all that in it.
  const second = ledgers.transmitter(airFacts({ limits: [duty(0.01)] }), 400, 10_000);
  assert.equal(second.ledger.usedLongMs, 5_000);
  assert.equal(second.ledger.pendingMs, 0);
  const other = ledgers.transmitter(airFacts({ limits: [duty(0.01)], ledger: 'other' }), 400, 10_000);
  assert.equal(other.ledger.usedLongMs, 0);
});

test('a ledger begins with what an earlier life has told of it', () => {
  const before = new Ledgers([]);
  before.begin(0);
  const radio = before.transmitter(airFacts({ limits: [duty(0.01)] }), 400, 0);
  const events: CoreEvent[] = [];
  before.tell({ events, nowMs: 0 });
  before.tell({ events, nowMs: 0 });
  assert.equal(events.length, 1);
  radio.sent('bulk', 3_000, 0);
  radio.settled(3_000);
  const [record] = before.records(10 * MINUTE);
  assert.ok(record !== undefined);
  const memories: AirMemory[] = [{ record, elapsedMs: 20 * MINUTE }];
  const after = new Ledgers(memories);
  after.begin(1_000);
  // The device is plugged in late.
  const late = after.transmitter(airFacts({ limits: [duty(0.01)] }), 400, 1_000 + 29 * MINUTE);
  assert.equal(late.ledger.usedLongMs, 3_000);
  late.ledger.advance(1_000 + 31 * MINUTE + 1);
  assert.equal(late.ledger.usedLongMs, 0);
});
