import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Medium, Seat } from '../../daemon/core/link/datagram/radio/medium.ts';
import { rnodeAirFacts, rnodeModulation } from '../support/radio/frame-modem.ts';

const QUIET = { hasAsked: false, hasAnswered: false, isAwaiting: false };
const medium = (): Medium => new Medium(rnodeAirFacts(rnodeModulation(7)), 254, () => 0.5);

test('after a burst that asks nobody begins before the answer, or before it is overdue', () => {
  const channel = medium();
  const seat = new Seat();
  channel.sent(400, seat, false, 1_000);
  assert.ok(!channel.mayBegin(1_300));
  channel.written(1_450, true);
  assert.ok(!channel.mayBegin(1_500));
  assert.equal(channel.missed(1_500), undefined);
  assert.equal(channel.missed(channel.deadlineMs), seat);
  assert.equal(seat.misses, 1);
  assert.ok(seat.notBeforeMs > 1_500);
});

test('an answer is due when the burst that asks for it is over, although its last records were lost', () => {
  const channel = medium();
  const seat = new Seat();
  channel.heard(seat, 254, 3_000, { ...QUIET, hasAsked: true }, 1_000);
  assert.ok(!channel.mayAnswer(seat, 3_999));
  assert.ok(!channel.mayBegin(3_999));
  assert.ok(seat.answerAtMs > 4_000 && seat.answerAtMs < 4_300, `${seat.answerAtMs}`);
  assert.ok(channel.mayAnswer(seat, seat.answerAtMs));
  channel.heard(seat, 254, 0, { ...QUIET, hasAsked: true }, 3_990);
  assert.ok(seat.answerAtMs < 4_030);
});

test('bursts of others are left to their end, and so are their answers', () => {
  const channel = medium();
  channel.overheard(254, 2_000, 1_000);
  assert.ok(!channel.mayBegin(3_000));
  assert.ok(!channel.mayBegin(3_200));
  assert.ok(channel.mayBegin(3_700));
});

test('answers in time make the wait short; each miss makes the back-off longer', () => {
  const channel = medium();
  const seat = new Seat();
  let nowMs = 0;
  for (let i = 0; i < 12; i++) {
    channel.sent(400, seat, false, nowMs);
    channel.written(nowMs + 450, true);
    channel.heard(seat, 33, 0, { ...QUIET, hasAnswered: true }, nowMs + 450 + 200);
    nowMs += 1_000;
  }
  channel.sent(400, seat, false, nowMs);
  channel.written(nowMs + 450, true);
  assert.ok(channel.deadlineMs - nowMs - 450 < 400, `${channel.deadlineMs - nowMs - 450}`);
  const pauses: number[] = [];
  for (let i = 0; i < 9; i++) {
    const atMs = channel.deadlineMs;
    assert.equal(channel.missed(atMs), seat);
    pauses.push(seat.notBeforeMs - atMs);
    channel.sent(100, seat, false, seat.notBeforeMs);
    channel.written(seat.notBeforeMs + 150, true);
  }
  for (let i = 1; i < 6; i++) assert.ok((pauses[i] as number) > (pauses[i - 1] as number), `${pauses}`);
  assert.ok((pauses[8] as number) > 4_000);
});

test('time stands still while bursts are sent and heard, once for each', () => {
  const channel = medium();
  const seat = new Seat();
  channel.sent(1_000, undefined, false, 0);
  assert.equal(channel.stoodMs, 1_000);
  channel.written(1_000, false);
  channel.heard(seat, 254, 2_000, QUIET, 2_000);
  const { stoodMs } = channel;
  channel.heard(seat, 254, 1_600, QUIET, 2_400);
  assert.ok(Math.abs(channel.stoodMs - stoodMs) < 1, 'the same burst');
  channel.overheard(254, 0, 6_000);
  assert.ok(channel.stoodMs > stoodMs + 300);
});

test('a modem that never says that it is done is believed to be after a while', () => {
  const channel = medium();
  channel.sent(400, undefined, false, 0);
  assert.ok(channel.isSending);
  channel.missed(channel.deadlineMs);
  assert.ok(!channel.isSending);
});
