import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool } from '../../daemon/core/pool.ts';
import type { FairQueue } from '../../daemon/core/queue.ts';
import { queueOf } from '../support/queues.ts';
import { fc } from './wire-property.ts';

const TIMES = { targetMs: 5, intervalMs: 100 };

/** Marks a packet with its number in the first octet. */
function push(queue: FairQueue, size: number, dest: number, source: number, mark: number, nowMs = 0): void {
  queue.push(size, dest, source, nowMs)[0] = mark;
}

function pop(queue: FairQueue, nowMs = 0): number | undefined {
  if (!queue.look(nowMs)) return undefined;
  const target = new Uint8Array(queue.nextSize());
  queue.popInto(target, 0);
  return target[0];
}

/** The marks of all packets, in the order they come out. */
function popAll(queue: FairQueue, nowMs = 0): number[] {
  const marks: number[] = [];
  for (;;) {
    const mark = pop(queue, nowMs);
    if (mark === undefined) return marks;
    marks.push(mark);
  }
}

test('one flow keeps its order', () => {
  const queue = queueOf(1_000_000, new BufferPool());
  for (let i = 0; i < 9; i++) push(queue, 1 + 7_000 * (i % 3), 1, 1, i);
  assert.deepEqual(popAll(queue), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('flows that are sparse leave in the order they came', () => {
  const queue = queueOf(1_000, new BufferPool());
  for (let i = 0; i < 6; i++) push(queue, 10, i, 1, i);
  assert.deepEqual(popAll(queue), [0, 1, 2, 3, 4, 5]);
});

test('flows that always have something share by octets, whatever the size of their packets', () => {
  const queue = queueOf(16_000_000, new BufferPool());
  for (let i = 0; i < 100; i++) push(queue, 64_000, 1, 1, 1);
  for (let i = 0; i < 5_000; i++) push(queue, 1_280, 2, 1, 2);
  const octets = [0, 0, 0];
  for (let i = 0; i < 2_000; i++) {
    queue.look(0);
    const size = queue.nextSize();
    const mark = pop(queue) as number;
    octets[mark] = (octets[mark] as number) + size;
  }
  const [, large = 0, small = 0] = octets;
  assert.ok(Math.abs(large - small) <= 64_000 + 16_384, `${large} and ${small}`);
});

test('a packet of a sparse flow passes by all that waits', () => {
  const queue = queueOf(16_000_000, new BufferPool());
  for (let i = 0; i < 100; i++) push(queue, 64_000, 1, 1, 1);
  for (let i = 0; i < 3; i++) {
    assert.equal(pop(queue), 1);
    push(queue, 200, 2, 1, 2);
    assert.equal(pop(queue), 2);
  }
});

test('a flow that begins with a small packet goes before one that begins with a large one', () => {
  const queue = queueOf(16_000_000, new BufferPool());
  push(queue, 1_025, 1, 1, 1);
  push(queue, 1_024, 2, 1, 2);
  push(queue, 10, 3, 1, 3);
  assert.equal(queue.hasSparse, true);
  assert.deepEqual([pop(queue), pop(queue), pop(queue)], [2, 3, 1]);
  assert.equal(queue.hasSparse, false);
});

test('a sparse flow may come again and again before the others have had their turn: with 16 KiB, not with more', () => {
  const queue = queueOf(16_000_000, new BufferPool());
  for (let i = 0; i < 100; i++) push(queue, 64_000, 1, 1, 1);
  const marks: (number | undefined)[] = [];
  for (let i = 0; i < 18; i++) {
    push(queue, 1_024, 2, 1, 2);
    marks.push(pop(queue));
  }
  assert.deepEqual(marks, [...Array<number>(16).fill(2), 1, 2]);
});

test('nobody starves while ever new sparse flows come', () => {
  const queue = queueOf(16_000_000, new BufferPool());
  for (let i = 0; i < 50; i++) push(queue, 10_000, 1, 1, 1);
  let bulk = 0;
  // A flow that sends one packet at a time, as fast as they leave, is not new each time.
  for (let i = 0; i < 400; i++) {
    push(queue, 1_000, 2, 1, 2);
    if (pop(queue) === 1) bulk++;
  }
  assert.ok(bulk >= 30, `${bulk}`);
});

test('both directions between two keys are flows of their own', () => {
  const queue = queueOf(1_000_000, new BufferPool());
  for (let i = 0; i < 10; i++) push(queue, 10_000, 77, 99, 1);
  push(queue, 10_000, 99, 77, 2);
  assert.equal(popAll(queue).indexOf(2) < 4, true);
});

test('holds exactly its cap', () => {
  const queue = queueOf(1_000, new BufferPool());
  push(queue, 400, 1, 1, 1);
  push(queue, 600, 1, 1, 2);
  assert.equal(queue.losses.full, 0);
  assert.equal(queue.bytes, 1_000);
});

test('one octet more drops the oldest of the only flow', () => {
  const queue = queueOf(1_000, new BufferPool());
  push(queue, 400, 1, 1, 1);
  push(queue, 600, 1, 1, 2);
  push(queue, 1, 1, 1, 3);
  assert.equal(queue.losses.full, 1);
  assert.deepEqual(popAll(queue), [2, 3]);
});

test('drops from the largest flow, not from who came last', () => {
  const queue = queueOf(1_000, new BufferPool());
  for (let i = 0; i < 9; i++) push(queue, 100, 1, 1, i);
  push(queue, 100, 2, 1, 100);
  push(queue, 100, 3, 1, 101);
  assert.deepEqual(popAll(queue), [1, 2, 3, 4, 5, 6, 7, 8, 100, 101]);
});

test('a packet larger than the cap is dropped itself', () => {
  const queue = queueOf(1_000, new BufferPool());
  push(queue, 10, 1, 1, 1);
  push(queue, 1_001, 2, 2, 2);
  assert.deepEqual(popAll(queue), [1]);
  assert.equal(queue.bytes, 0);
});

test('64 packets may wait whatever they hold, and beyond that as many as fit at 256 octets each', () => {
  const queue = queueOf(64 * 1_024, new BufferPool());
  for (let i = 0; i < 256; i++) push(queue, 10, 1, 1, i);
  assert.equal(queue.losses.full, 0);
  push(queue, 10, 1, 1, 0);
  assert.equal(queue.losses.full, 1);
  const small = queueOf(1_000, new BufferPool());
  for (let i = 0; i < 65; i++) push(small, 10, 1, 1, i);
  assert.equal(small.losses.full, 1);
});

test('10 000 flows cost no more than the cap, and each of those that are seen gets its share', () => {
  const queue = queueOf(1_048_576, new BufferPool());
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 10_000; i++) push(queue, 1_000, i, 5, i & 0xff);
    assert.ok(queue.bytes <= 1_048_576);
  }
  let count = 0;
  while (queue.look(0)) {
    queue.popInto(new Uint8Array(1_000), 0);
    count++;
  }
  assert.equal(count, 1_048);
  assert.equal(queue.losses.full, 40_000 - count);
});

test('a dropped packet leaves the caller a buffer to fill', () => {
  const queue = queueOf(10, new BufferPool());
  assert.ok(queue.push(2_000, 1, 1, 0).length >= 2_000);
  assert.ok(queue.isEmpty);
});

test('the buffer of a dropped packet is not used again before the batch is settled', () => {
  const queue = queueOf(100, new BufferPool());
  const dropped = queue.push(100, 1, 1, 0);
  assert.notEqual(queue.push(100, 2, 2, 0), dropped);
});

test('a flow whose packets wait too long for too long loses some, others lose none', () => {
  const queue = queueOf(16_000_000, new BufferPool(), TIMES);
  for (let i = 0; i < 200; i++) push(queue, 10_000, 1, 1, 1, 0);
  let sparse = 0;
  for (let nowMs = 0; nowMs < 800; nowMs += 10) {
    if (nowMs % 50 === 0) push(queue, 200, 2, 1, 2, nowMs);
    if (pop(queue, nowMs) === 2) sparse++;
  }
  assert.equal(sparse, 16);
  assert.ok(queue.losses.late >= 10 && queue.losses.late < 40, `${queue.losses.late}`);
});

test('the wait is bounded: a source that halves its pace at each loss waits some milliseconds, not seconds', () => {
  // 20 Mbit/s are 2 500 octets a millisecond; the source sends in packets of 1 250, its pace grows by 1 % each 10 ms.
  const queue = queueOf(1_048_576, new BufferPool(), TIMES);
  let [pace, debt, worst] = [2_000, 0, 0];
  for (let nowMs = 0; nowMs < 10_000; nowMs++) {
    const before = queue.losses.late + queue.losses.full;
    for (debt += pace; debt >= 1_250; debt -= 1_250) queue.push(1_250, 1, 1, nowMs);
    for (let i = 0; i < 2; i++) if (queue.look(nowMs)) queue.take();
    if (queue.losses.late + queue.losses.full > before) pace /= 2;
    else if (nowMs % 10 === 0) pace *= 1.01;
    if (nowMs > 2_000) worst = Math.max(worst, queue.bytes / 2_500);
  }
  assert.ok(worst < 60, `${worst} ms`);
});

test('without times nothing is ever too late', () => {
  const queue = queueOf(16_000, new BufferPool());
  for (let i = 0; i < 10; i++) push(queue, 1_000, 1, 1, i, 0);
  for (let nowMs = 1_000; nowMs < 2_000; nowMs += 100) assert.notEqual(pop(queue, nowMs), undefined);
});

test('knows the size of what comes next, and of what probably comes behind it', () => {
  const queue = queueOf(1_000, new BufferPool());
  assert.equal(queue.look(0), false);
  assert.deepEqual([queue.nextSize(), queue.secondSize()], [0, 0]);
  push(queue, 123, 1, 1, 1);
  push(queue, 5, 2, 1, 2);
  assert.equal(queue.look(0), true);
  assert.deepEqual([queue.nextSize(), queue.secondSize()], [123, 5]);
  pop(queue);
  queue.look(0);
  assert.deepEqual([queue.nextSize(), queue.secondSize()], [5, 0]);
});

test('copies a packet to where it is wanted', () => {
  const queue = queueOf(1_000, new BufferPool());
  queue.push(3, 1, 1, 0).set([1, 2, 3]);
  const target = new Uint8Array(6);
  queue.look(0);
  assert.equal(queue.popInto(target, 2), 3);
  assert.deepEqual([...target], [0, 0, 1, 2, 3, 0]);
});

test('taking from an empty queue gives nothing', () => {
  const queue = queueOf(10, new BufferPool());
  assert.equal(queue.popInto(new Uint8Array(1), 0), 0);
  assert.equal(queue.take(), undefined);
});

test('a cleared queue is empty and usable', () => {
  const queue = queueOf(1_000, new BufferPool());
  for (let i = 0; i < 5; i++) push(queue, 100, i, i, i);
  queue.clear();
  assert.ok(queue.isEmpty);
  assert.equal(queue.bytes, 0);
  push(queue, 10, 1, 1, 9);
  assert.deepEqual(popAll(queue), [9]);
});

test('octets and packets add up, whatever happens', () => {
  const act = fc.oneof(
    { weight: 3, arbitrary: fc.record({ size: fc.integer({ min: 1, max: 400 }), dest: fc.nat(3), source: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), fc.boolean(), (acts, isTimed) => {
      const pool = new BufferPool();
      const queue = queueOf(1_000, pool, isTimed ? TIMES : undefined);
      const target = new Uint8Array(400);
      let pushed = 0;
      let popped = 0;
      let nowMs = 0;
      for (const packet of acts) {
        nowMs += 3;
        if (packet === undefined) {
          if (queue.look(nowMs)) popped++;
          const [bytes, size] = [queue.bytes, queue.nextSize()];
          assert.equal(queue.popInto(target, 0), size);
          assert.equal(queue.bytes, bytes - size);
        } else {
          queue.push(packet.size, packet.dest, packet.source, nowMs);
          pushed++;
        }
        pool.settle();
        const inside = pushed - popped - queue.losses.full - queue.losses.late;
        assert.ok(queue.bytes <= 1_000);
        assert.equal(queue.isEmpty, inside === 0);
        assert.equal(queue.bytes === 0, inside === 0);
      }
      while (queue.look(nowMs)) {
        queue.popInto(target, 0);
        popped++;
      }
      assert.equal(pushed, popped + queue.losses.full + queue.losses.late);
      assert.equal(queue.bytes, 0);
    }),
  );
});

test('what is taken keeps its buffer, which is the taker’s to give back', () => {
  const pool = new BufferPool();
  const queue = queueOf(1_000, pool);
  push(queue, 10, 1, 1, 1);
  push(queue, 20, 1, 1, 2);
  queue.look(0);
  const shown = queue.first();
  const taken = queue.take();
  assert.equal(taken?.octets, shown);
  pool.settle();
  assert.notEqual(pool.take(10), taken);
  assert.ok(queue.look(0));
  assert.deepEqual([queue.nextSize(), queue.secondSize(), queue.bytes], [20, 0, 20]);
  assert.equal(queue.take()?.octets[0], 2);
  assert.equal(queue.take(), undefined);
});
