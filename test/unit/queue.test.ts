import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool } from '../../daemon/core/pool.ts';
import { FairQueue } from '../../daemon/core/queue.ts';
import { fc } from './wire-property.ts';

/** Marks a packet with its number in the first octet. */
function push(queue: FairQueue, size: number, dest: number, source: number, mark: number): void {
  queue.push(size, dest, source)[0] = mark;
}

/** The marks of all packets, in the order they come out. */
function popAll(queue: FairQueue): number[] {
  const marks: number[] = [];
  const target = new Uint8Array(200_000);
  while (!queue.isEmpty) {
    queue.popInto(target, 0);
    marks.push(target[0] as number);
  }
  return marks;
}

test('what came first leaves first, whoever it is for', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  for (let i = 0; i < 6; i++) push(queue, 10, i % 2, i % 3, i);
  assert.deepEqual(popAll(queue), [0, 1, 2, 3, 4, 5]);
});

test('holds exactly its cap', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  push(queue, 400, 1, 1, 1);
  push(queue, 600, 1, 1, 2);
  assert.equal(queue.dropped, 0);
  assert.equal(queue.bytes, 1_000);
});

test('one octet more drops the oldest of the only flow', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  push(queue, 400, 1, 1, 1);
  push(queue, 600, 1, 1, 2);
  push(queue, 1, 1, 1, 3);
  assert.equal(queue.dropped, 1);
  assert.deepEqual(popAll(queue), [2, 3]);
});

test('drops from the largest destination, not from who came last', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  for (let i = 0; i < 9; i++) push(queue, 100, 1, 1, i);
  push(queue, 100, 2, 1, 100);
  push(queue, 100, 3, 1, 101);
  assert.deepEqual(popAll(queue), [1, 2, 3, 4, 5, 6, 7, 8, 100, 101]);
});

test('drops from the largest source of that destination', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  push(queue, 100, 1, 1, 50);
  for (let i = 0; i < 6; i++) push(queue, 100, 1, 2, i);
  for (let i = 0; i < 3; i++) push(queue, 100, 2, 2, 60 + i);
  push(queue, 100, 3, 3, 70);
  assert.deepEqual(popAll(queue), [50, 1, 2, 3, 4, 5, 60, 61, 62, 70]);
});

test('a source that sends to many destinations is no larger in any of them', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  for (let dest = 0; dest < 8; dest++) push(queue, 100, dest, 9, dest);
  push(queue, 300, 20, 5, 100);
  assert.deepEqual(popAll(queue), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test('a packet larger than the cap drops everything, itself included', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  push(queue, 10, 1, 1, 1);
  push(queue, 1_001, 2, 2, 2);
  assert.deepEqual(popAll(queue), [1]);
  assert.equal(queue.bytes, 0);
});

test('a dropped packet leaves the caller a buffer to fill', () => {
  const queue = new FairQueue(10, new BufferPool());
  assert.ok(queue.push(2_000, 1, 1).length >= 2_000);
  assert.ok(queue.isEmpty);
});

test('the buffer of a dropped packet is not used again before the batch is settled', () => {
  const pool = new BufferPool();
  const queue = new FairQueue(100, pool);
  const dropped = queue.push(100, 1, 1);
  const next = queue.push(100, 2, 2);
  assert.notEqual(next, dropped);
});

test('knows the size of what comes next', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  assert.equal(queue.nextSize(), 0);
  push(queue, 123, 1, 1, 1);
  push(queue, 5, 2, 1, 2);
  assert.equal(queue.nextSize(), 123);
});

test('copies a packet to where it is wanted', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  queue.push(3, 1, 1).set([1, 2, 3]);
  const target = new Uint8Array(6);
  assert.equal(queue.popInto(target, 2), 3);
  assert.deepEqual([...target], [0, 0, 1, 2, 3, 0]);
});

test('taking from an empty queue gives nothing', () => {
  assert.equal(new FairQueue(10, new BufferPool()).popInto(new Uint8Array(1), 0), 0);
});

test('a cleared queue is empty and usable', () => {
  const queue = new FairQueue(1_000, new BufferPool());
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
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const pool = new BufferPool();
      const queue = new FairQueue(1_000, pool);
      const target = new Uint8Array(400);
      let inside = 0;
      for (const packet of acts) {
        const droppedBefore = queue.dropped;
        const bytesBefore = queue.bytes;
        if (packet === undefined) {
          const size = queue.nextSize();
          assert.equal(queue.popInto(target, 0), size);
          assert.equal(queue.bytes, bytesBefore - size);
          inside -= size === 0 ? 0 : 1;
        } else {
          queue.push(packet.size, packet.dest, packet.source);
          inside += 1 - (queue.dropped - droppedBefore);
        }
        pool.settle();
        assert.ok(queue.bytes <= 1_000);
        assert.equal(queue.isEmpty, inside === 0);
        assert.equal(queue.bytes === 0, inside === 0);
      }
      while (!queue.isEmpty) {
        queue.popInto(target, 0);
        inside--;
      }
      assert.equal(inside, 0);
      assert.equal(queue.bytes, 0);
    }),
  );
});

test('what is taken keeps its buffer, which is the taker’s to give back', () => {
  const pool = new BufferPool();
  const queue = new FairQueue(1_000, pool);
  push(queue, 10, 1, 1, 1);
  push(queue, 20, 1, 1, 2);
  assert.equal(queue.secondSize(), 20);
  const shown = queue.first();
  const taken = queue.take();
  assert.equal(taken?.octets, shown);
  pool.settle();
  assert.notEqual(pool.take(10), taken);
  assert.deepEqual([queue.nextSize(), queue.secondSize(), queue.bytes], [20, 0, 20]);
  assert.equal(queue.take()?.octets[0], 2);
  assert.equal(queue.take(), undefined);
});

test('the moment of the oldest packet is known', () => {
  const queue = new FairQueue(1_000, new BufferPool());
  queue.push(10, 1, 1, 500);
  queue.push(10, 2, 1, 600);
  assert.equal(queue.oldestAtMs, 500);
  queue.take();
  assert.equal(queue.oldestAtMs, 600);
});
