import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dialer, type DialTask } from '../../daemon/links/dialer.ts';
import type { LinkUri } from '../../daemon/links/link.ts';
import { parseUri } from '../../daemon/links/uri.ts';

const START_MS = 1_000_000;

const peer = (number: number, options = ''): LinkUri => parseUri(`tcp://192.0.2.1:${number}${options}`, 'dial');

/** When a peer that never answers is dialled, in milliseconds after it was added. */
function attempts(uri: LinkUri, count: number): number[] {
  const dialer = new Dialer();
  dialer.add(uri, '', START_MS);
  const times: number[] = [];
  while (times.length < count) {
    const nowMs = dialer.deadline();
    for (const task of dialer.due(nowMs)) {
      times.push(nowMs - START_MS);
      dialer.failed(task, 'refused', nowMs);
    }
  }
  return times;
}

/** The only task, just named by `due`. */
function dialled(dialer: Dialer, nowMs: number): DialTask {
  const due = dialer.due(nowMs);
  assert.equal(due.length, 1);
  return due[0] as DialTask;
}

test('a peer that never answers is dialled at 0, 2, 6, 14, 23 and 32 s with maxbackoff=9s', () => {
  assert.deepEqual(attempts(peer(1, '?maxbackoff=9s'), 6), [0, 2_000, 6_000, 14_000, 23_000, 32_000]);
});

test('where nobody listens it is tried every 250 ms for two seconds, then as ever', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  const times: number[] = [];
  while (times.length < 12) {
    const nowMs = dialer.deadline();
    times.push(nowMs);
    dialer.refused(dialled(dialer, nowMs), 'refused', nowMs);
  }
  assert.deepEqual(times, [0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000, 4_000, 8_000, 16_000]);
});

test('a peer that was lost and is refused then is tried often for two seconds', () => {
  const dialer = new Dialer();
  const task = dialer.add(peer(1), '', 0);
  dialled(dialer, 0);
  dialer.established(task);
  dialer.failed(task, 'lost', 10_000);
  for (const atMs of [12_000, 12_250, 12_500]) dialer.refused(dialled(dialer, atMs), 'refused', atMs);
  assert.equal(dialer.deadline(), 12_750);
});

test('a peer that has refused the handshake is not tried often', () => {
  const dialer = new Dialer();
  const task = dialer.add(peer(1), '', 0);
  for (const atMs of [0, 2_000]) dialer.failed(dialled(dialer, atMs), 'version mismatch', atMs);
  dialer.refused(dialled(dialer, 6_000), 'refused', 6_000);
  assert.equal(dialer.deadline(), 14_000);
  assert.equal(task.failures, 3);
});

test('the wait doubles up to 4096 s and stays there', () => {
  const times = attempts(peer(1), 40);
  const waits = times.slice(1).map((atMs, i) => atMs - (times[i] as number));
  const doubling = Array.from({ length: 12 }, (_, i) => 2 ** (i + 1) * 1_000);
  assert.deepEqual(waits.slice(0, 12), doubling);
  assert.ok(waits.slice(12).every((wait) => wait === 4_096_000));
});

test('a cap beyond 4096 s is taken as it is', () => {
  const times = attempts(peer(1, '?maxbackoff=100h'), 60);
  assert.equal((times[13] as number) - (times[12] as number), 8_192_000);
  assert.equal((times[59] as number) - (times[58] as number), 360_000_000);
});

test('a handshake that succeeds makes the next wait the shortest again', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  for (let i = 0; i < 5; i++) dialer.failed(dialled(dialer, dialer.deadline()), 'refused', 0);
  const task = dialled(dialer, dialer.deadline());
  dialer.established(task);
  assert.equal(dialer.deadline(), Number.POSITIVE_INFINITY);
  dialer.failed(task, 'lost', 50_000);
  assert.equal(dialer.deadline(), 52_000);
});

test('a connection alone, without a handshake, does not shorten the wait', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  const first = dialled(dialer, 0);
  dialer.failed(first, 'version mismatch', 100);
  dialer.failed(dialled(dialer, 2_100), 'version mismatch', 2_200);
  assert.equal(dialer.deadline(), 6_200);
});

test('a task is named once, not again while it is dialled or up', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  const task = dialled(dialer, 0);
  assert.deepEqual(dialer.due(1e9), []);
  dialer.established(task);
  assert.deepEqual(dialer.due(1e9), []);
});

test('nothing is due before its time', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  dialer.failed(dialled(dialer, 0), 'refused', 500);
  assert.deepEqual(dialer.due(2_499), []);
  assert.equal(dialer.due(2_500).length, 1);
});

test('the last error stays known, with its time', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  const task = dialled(dialer, 0);
  dialer.failed(task, 'refused', 700);
  assert.deepEqual([task.lastError, task.lastErrorAtMs], ['refused', 700]);
});

test('64 are dialled at once, one more waits until one of them is done', () => {
  const dialer = new Dialer();
  for (let i = 1; i <= 66; i++) dialer.add(peer(i), '', 0);
  const due = dialer.due(0);
  assert.equal(due.length, 64);
  assert.deepEqual(dialer.due(0), []);
  dialer.failed(due[0] as DialTask, 'refused', 0);
  assert.equal(dialer.due(0).length, 1);
  dialer.established(due[1] as DialTask);
  assert.equal(dialer.due(0).length, 1);
});

test('while 64 are dialled there is no deadline: the end of one of them is waited for', () => {
  const dialer = new Dialer();
  for (let i = 1; i <= 65; i++) dialer.add(peer(i), '', 0);
  const [first] = dialer.due(0);
  assert.equal(dialer.deadline(), Number.POSITIVE_INFINITY);
  dialer.established(first as DialTask);
  assert.equal(dialer.deadline(), 0);
});

test('peers that fail at once do not keep others from their turn', () => {
  const dialer = new Dialer();
  for (let i = 1; i <= 200; i++) dialer.add(peer(i), '', 0);
  const seen = new Set<DialTask>();
  for (let round = 0; round < 4; round++) {
    for (const task of dialer.due(0)) {
      seen.add(task);
      dialer.failed(task, 'refused', 0);
    }
  }
  assert.equal(seen.size, 200);
});

test('adding a peer again is refused and cuts its wait short', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  dialer.failed(dialled(dialer, 0), 'refused', 0);
  assert.throws(() => dialer.add(peer(1), '', 300), { code: 'PEER_EXISTS' });
  assert.equal(dialer.deadline(), 300);
});

test('adding a peer again leaves an attempt or a link alone', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  const task = dialled(dialer, 0);
  assert.throws(() => dialer.add(peer(1), '', 300), { code: 'PEER_EXISTS' });
  assert.equal(task.state.kind, 'dialling');
  dialer.established(task);
  assert.throws(() => dialer.add(peer(1), '', 300), { code: 'PEER_EXISTS' });
  assert.equal(task.state.kind, 'up');
});

test('peers are told apart by URI without options and source interface', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  assert.throws(() => dialer.add(peer(1, '?priority=1'), '', 0), { code: 'PEER_EXISTS' });
  dialer.add(peer(1), 'eth0', 0);
  dialer.add(peer(2), '', 0);
  assert.equal([...dialer.tasks()].length, 3);
});

test('a removed peer is not dialled again', () => {
  const dialer = new Dialer();
  const task = dialer.add(peer(1), '', 0);
  assert.equal(dialer.remove(peer(1, '?priority=1'), ''), task);
  assert.deepEqual(dialer.due(1e9), []);
  assert.equal(dialer.deadline(), Number.POSITIVE_INFINITY);
});

test('what became of a removed peer does not bring it back', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  const task = dialled(dialer, 0);
  dialer.remove(peer(1), '');
  dialer.failed(task, 'called off', 0);
  assert.equal(dialer.deadline(), Number.POSITIVE_INFINITY);
});

test('removing what is not there is refused', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), 'eth0', 0);
  assert.throws(() => dialer.remove(peer(1), ''), { code: 'PEER_UNKNOWN' });
  assert.throws(() => dialer.remove(peer(2), 'eth0'), { code: 'PEER_UNKNOWN' });
});

test('the own key is never dialled again, and can be removed', () => {
  const dialer = new Dialer();
  dialer.add(peer(1), '', 0);
  const task = dialled(dialer, 0);
  dialer.giveUp(task, 'own key', 10);
  assert.deepEqual([task.state.kind, task.lastError, task.lastErrorAtMs], ['given up', 'own key', 10]);
  assert.equal(dialer.deadline(), Number.POSITIVE_INFINITY);
  assert.throws(() => dialer.add(peer(1), '', 300), { code: 'PEER_EXISTS' });
  assert.deepEqual(dialer.due(1e9), []);
  dialer.remove(peer(1), '');
});
