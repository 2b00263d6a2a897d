import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from '../../daemon/core/link/datagram/outbox.ts';
import { BufferPool } from '../../daemon/core/pool.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { countLosses, type Losses } from '../support/queues.ts';

const STAGE_MAX = 1_400;
const NOW = 1_000;

function boxOf(pool = new BufferPool()): Outbox & { losses: Losses } {
  const { losses, lost } = countLosses();
  return Object.assign(new Outbox(1_000_000, { targetMs: 5, intervalMs: 100 }, pool, lost), { losses });
}

/** A frame of `size` octets whose first is `mark`, with its length before it. */
function put(outbox: Outbox, size: number, mark: number, isUrgent = false, nowMs = NOW, dest = 1): void {
  const prefix = size < 0x80 ? 1 : size < 0x4000 ? 2 : 3;
  outbox.reserve(prefix + size, dest, 1, isUrgent, STAGE_MAX, nowMs);
  new Writer(outbox.target, outbox.targetAt).uvarint(size).u8(mark);
}

function takeAll(outbox: Outbox): [mark: number, size: number][] {
  const all: [number, number][] = [];
  while (outbox.look(NOW)) {
    all.push([outbox.buffer[outbox.at] as number, outbox.size]);
    outbox.shift();
  }
  return all;
}

test('messages leave in the order they came, small and large', () => {
  const outbox = boxOf();
  const sizes = [1, 127, 128, 1_300, 20_000, 5, 131_069];
  for (const [i, size] of sizes.entries()) put(outbox, size, i);
  assert.deepEqual(
    takeAll(outbox),
    sizes.map((size, i) => [i, size]),
  );
  assert.ok(outbox.isEmpty);
  assert.equal(outbox.bytes, 0);
});

test('the size of the second is known while both lie in the same place', () => {
  const outbox = boxOf();
  put(outbox, 100, 1);
  put(outbox, 200, 2);
  outbox.look(NOW);
  assert.equal(outbox.secondSize(), 202);
  outbox.shift();
  outbox.look(NOW);
  assert.equal(outbox.secondSize(), 0);
});

test('what is taken is the caller’s, wherever it lay', () => {
  const pool = new BufferPool();
  const outbox = boxOf(pool);
  for (const size of [100, 50_000]) {
    put(outbox, size, 7);
    outbox.look(NOW);
    const taken = outbox.take();
    assert.equal(taken.octets[outbox.at], 7);
    assert.equal(outbox.size, size);
    assert.ok(outbox.isEmpty);
    pool.give(taken);
  }
});

test('512 messages, or 147 456 octets, need no queue; more go through it, and nothing is lost', () => {
  const outbox = boxOf();
  for (let i = 0; i < 512; i++) put(outbox, 10, i & 0xff);
  assert.ok(outbox.queue.isEmpty);
  put(outbox, 10, 0);
  assert.ok(!outbox.queue.isEmpty);
  assert.equal(takeAll(outbox).length, 513);
  for (let i = 0; i < 122; i++) put(outbox, 1_200, 1);
  assert.ok(outbox.queue.isEmpty);
  put(outbox, 1_200, 1);
  assert.ok(!outbox.queue.isEmpty);
  assert.equal(takeAll(outbox).length, 123);
});

test('the buffer of staged messages rests in the pool while there are none', () => {
  const pool = new BufferPool();
  const outbox = boxOf(pool);
  put(outbox, 100, 1);
  const staging = outbox.target;
  takeAll(outbox);
  pool.settle();
  assert.equal(pool.take(147_456).octets, staging);
});

test('what is cleared is gone', () => {
  const outbox = boxOf();
  put(outbox, 100, 1);
  put(outbox, 50_000, 2);
  outbox.clear();
  assert.deepEqual([outbox.isEmpty, outbox.bytes, outbox.look(NOW)], [true, 0, false]);
  put(outbox, 100, 3);
  assert.deepEqual(takeAll(outbox), [[3, 100]]);
});

test('what finds paths overtakes what is staged and what is queued', () => {
  const outbox = boxOf();
  put(outbox, 100, 1);
  put(outbox, 50_000, 2);
  put(outbox, 80, 3, true);
  put(outbox, 80, 4, true);
  assert.deepEqual(
    takeAll(outbox).map(([mark]) => mark),
    [3, 4, 1, 2],
  );
});

test('no more than 64 KiB of it wait', () => {
  const outbox = boxOf();
  for (let i = 0; i < 100; i++) put(outbox, 1_022, i, true);
  assert.equal(outbox.losses.full, 36);
  assert.equal(takeAll(outbox).length, 64);
});

test('a queue that stays long is shortened, by the fair rule', () => {
  const outbox = boxOf();
  // One large flow, and one packet of another in its midst.
  for (let i = 0; i < 60; i++) put(outbox, 2_000, 1, false, NOW + i);
  for (let nowMs = NOW + 200; nowMs < NOW + 500; nowMs += 10) {
    outbox.look(nowMs);
    outbox.shift();
  }
  assert.equal(outbox.losses.late, 3);
});

test('what is staged while the link takes nothing is not added to', () => {
  const outbox = boxOf();
  put(outbox, 100, 1);
  put(outbox, 100, 2, false, NOW + 1);
  assert.ok(!outbox.queue.isEmpty);
  assert.deepEqual(
    takeAll(outbox).map(([mark]) => mark),
    [1, 2],
  );
});

test('a small message of a flow that had nothing waiting passes by one that leaves in pieces', () => {
  const outbox = boxOf();
  put(outbox, 50_000, 1);
  outbox.look(NOW);
  const { flow } = outbox;
  outbox.take();
  assert.equal(outbox.lookPast(flow, STAGE_MAX, NOW), false);
  put(outbox, 50_000, 2, false, NOW, 2);
  assert.equal(outbox.lookPast(flow, STAGE_MAX, NOW), false, 'it is large itself');
  put(outbox, 200, 3, false, NOW, 3);
  assert.equal(outbox.lookPast(flow, STAGE_MAX, NOW), true, 'and the large one before it as well');
  assert.equal(outbox.buffer[outbox.at], 3);
});

test('a message never passes by one of its own flow', () => {
  const outbox = boxOf();
  put(outbox, 50_000, 1);
  outbox.look(NOW);
  const { flow } = outbox;
  outbox.take();
  assert.equal(outbox.look(NOW), false);
  outbox.reserve(201, 1, 1, false, 0, NOW);
  new Writer(outbox.target, outbox.targetAt).uvarint(200).u8(2);
  assert.equal(outbox.lookPast(flow, STAGE_MAX, NOW), false);
});

test('what finds paths passes by as well', () => {
  const outbox = boxOf();
  put(outbox, 200, 1, true);
  assert.equal(outbox.lookPast({}, STAGE_MAX, NOW), true);
  assert.equal(outbox.lookPast({}, 100, NOW), false);
});
