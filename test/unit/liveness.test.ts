import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constantsOf } from '../../daemon/core/link/datagram/classes.ts';
import { type Due, Liveness } from '../../daemon/core/link/datagram/liveness.ts';
import type { CarrierClass } from '../../daemon/core/port.ts';

/** What falls due from 0 on, asked at every deadline, until a moment. */
function dueUntil(liveness: Liveness, untilMs: number): [atMs: number, due: Due][] {
  const all: [number, Due][] = [];
  for (let nowMs = liveness.deadlineMs; nowMs <= untilMs; nowMs = liveness.deadlineMs) {
    const due = liveness.due(nowMs);
    all.push([nowMs, due]);
    if (due === 'dead') break;
    if (due === 'answer') liveness.sent(false, nowMs);
    if (due === 'ping') liveness.sent(true, nowMs);
  }
  return all;
}

const started = (carrierClass: CarrierClass, isSlow = false) => new Liveness(constantsOf(carrierClass, isSlow), 0);

for (const [name, carrierClass, isSlow, probeAfter, pingEvery, deadAfter] of [
  ['UDP', 'U', false, 2_000, 1_000, 6_000],
  ['UDP over HaLow', 'U', true, 5_000, 3_000, 15_000],
  ['serial', 'S', false, 2_000, 1_000, 6_000],
  ['radio', 'R', false, 30_000, 15_000, 90_000],
] as const) {
  test(`${name}: silence is asked about after ${probeAfter} ms, and is death after ${deadAfter} ms`, () => {
    const liveness = started(carrierClass, isSlow);
    liveness.sent(true, 0);
    const due = dueUntil(liveness, 1_000_000);
    assert.deepEqual(due.at(-1), [deadAfter, 'dead']);
    assert.deepEqual(
      due.slice(0, 2),
      [probeAfter, probeAfter + pingEvery].map((atMs) => [atMs, 'ping']),
    );
  });
}

test('anything that comes ends the doubt', () => {
  const liveness = started('U');
  liveness.sent(true, 0);
  dueUntil(liveness, 5_000);
  liveness.received(false, 5_500);
  assert.deepEqual(dueUntil(liveness, 20_000), []);
});

test('what asks for no answer starts no doubt', () => {
  const liveness = started('U');
  liveness.sent(false, 0);
  assert.deepEqual(dueUntil(liveness, 19_999), []);
});

test('who is asked answers within a second, by whatever is sent', () => {
  const liveness = started('U');
  liveness.received(true, 100);
  liveness.received(true, 900);
  assert.equal(liveness.deadlineMs, 1_100);
  assert.equal(liveness.due(1_100), 'answer');
  liveness.sent(false, 1_100);
  assert.equal(liveness.due(1_200), undefined);
});

test('a NAT is reminded of us when both were silent for 20 s; a cable is not', () => {
  assert.deepEqual(dueUntil(started('U'), 20_000), [[20_000, 'ping']]);
  assert.deepEqual(dueUntil(started('S'), 10_000_000), []);
});

test('a sleep is no silence: only PINGs that went unanswered count', () => {
  const liveness = started('U');
  liveness.sent(true, 0);
  assert.equal(liveness.due(3_600_000), 'ping');
  const due = dueUntil(liveness, 4_000_000);
  assert.deepEqual(due.at(-1), [3_603_000, 'dead']);
});

test('a doubt goes with a PING, and counts from then', () => {
  const liveness = started('U');
  liveness.sent(true, 0);
  liveness.doubt(1_000);
  assert.equal(liveness.due(1_000), undefined);
  assert.deepEqual(dueUntil(liveness, 100_000).at(-1), [7_000, 'dead']);
});
