import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool } from '../../daemon/core/pool.ts';

test('a buffer is at least as large as asked for', () => {
  const pool = new BufferPool();
  for (const size of [0, 1, 256, 257, 2_048, 2_049, 16_384, 65_600, 131_073, 147_456]) {
    assert.ok(pool.take(size).octets.length >= size, `${size}`);
  }
});

test('a small packet does not take a large buffer', () => {
  assert.ok(new BufferPool().take(1_300).octets.length <= 2_048);
});

test('asking for more than a frame is our own mistake', () => {
  assert.throws(() => new BufferPool().take(147_457), RangeError);
});

test('a returned buffer is not given out before the batch is settled', () => {
  const pool = new BufferPool();
  const first = pool.take(100);
  pool.give(first);
  assert.notEqual(pool.take(100), first);
});

test('a settled buffer is used again', () => {
  const pool = new BufferPool();
  const first = pool.take(100);
  pool.give(first);
  pool.settle();
  assert.equal(pool.take(200), first);
});

test('a buffer is given out once', () => {
  const pool = new BufferPool();
  pool.give(pool.take(100));
  pool.settle();
  assert.notEqual(pool.take(100), pool.take(100));
});

test('no more than 16 MiB rest in the pool', () => {
  const pool = new BufferPool();
  const taken = Array.from({ length: 200 }, () => pool.take(147_456));
  for (const buffer of taken) pool.give(buffer);
  pool.settle();
  const again = Array.from({ length: 200 }, () => pool.take(147_456));
  const kept = again.filter((buffer) => taken.includes(buffer)).length;
  assert.equal(kept, Math.floor((16 * 1024 * 1024) / 147_456));
});

test('what was taken from the pool makes room in it again', () => {
  const pool = new BufferPool();
  for (let turn = 0; turn < 300; turn++) {
    const buffer = pool.take(147_456);
    pool.give(buffer);
    pool.settle();
    assert.equal(pool.take(147_456), buffer, `turn ${turn}`);
    pool.give(buffer);
    pool.settle();
  }
});
