import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Egress } from '../../daemon/core/link/egress.ts';
import { BufferPool } from '../../daemon/core/pool.ts';
import { linkId, type Sink } from '../../daemon/core/port.ts';
import { countLosses, type Losses } from '../support/queues.ts';

const LINK = linkId(3);
const NOW = 1_000;

/** A system that takes what it is given, or holds one buffer when told to. */
class System implements Pick<Sink, 'write'> {
  readonly written: string[] = [];
  isWilling = true;
  held: Uint8Array | undefined;

  write(link: number, octets: Uint8Array): boolean {
    assert.equal(link, LINK);
    assert.equal(this.held, undefined, 'nothing is written while a buffer is held');
    this.written.push(Buffer.from(octets).toString());
    if (this.isWilling) return true;
    this.held = octets;
    return false;
  }
}

function setUp(queueBytes = 1_000): { egress: Egress; system: System; losses: Losses } {
  const { losses, lost } = countLosses();
  return { egress: new Egress(queueBytes, new BufferPool(), lost), system: new System(), losses };
}

function packet(egress: Egress, text: string, dest = 1): void {
  const octets = Buffer.from(text);
  egress.reserve(octets.length, dest, 1, NOW);
  egress.target.set(octets, egress.targetAt);
}

const control = (egress: Egress, text: string): boolean => egress.pushControl(Buffer.from(text));

/** Lets the system take over what it holds. */
function takeOver(egress: Egress, system: System, isWilling = true): void {
  system.held = undefined;
  system.isWilling = isWilling;
  egress.writable();
  egress.drain(LINK, system, NOW);
}

test('control frames leave first and as one write', () => {
  const { egress, system } = setUp();
  packet(egress, 'P');
  control(egress, 'a');
  control(egress, 'b');
  egress.drain(LINK, system, NOW);
  assert.deepEqual(system.written, ['ab', 'P']);
});

test('packets that fit leave as one write', () => {
  const { egress, system } = setUp();
  for (const text of ['one ', 'two ', 'three']) packet(egress, text);
  egress.drain(LINK, system, NOW);
  assert.deepEqual(system.written, ['one two three']);
});

test('nothing is written twice', () => {
  const { egress, system } = setUp();
  packet(egress, 'P');
  control(egress, 'a');
  egress.drain(LINK, system, NOW);
  egress.drain(LINK, system, NOW);
  assert.equal(system.written.length, 2);
});

test('a busy system is left alone', () => {
  const { egress, system } = setUp();
  system.isWilling = false;
  packet(egress, 'P');
  egress.drain(LINK, system, NOW);
  control(egress, 'a');
  packet(egress, 'Q');
  egress.drain(LINK, system, NOW);
  assert.deepEqual(system.written, ['P']);
});

test('the buffer that the system holds is not touched', () => {
  const { egress, system } = setUp();
  system.isWilling = false;
  packet(egress, 'held');
  egress.drain(LINK, system, NOW);
  packet(egress, 'next');
  egress.drain(LINK, system, NOW);
  assert.equal(Buffer.from(system.held ?? []).toString(), 'held');
});

test('two buffers in a row may be held', () => {
  const { egress, system } = setUp();
  system.isWilling = false;
  packet(egress, 'first');
  egress.drain(LINK, system, NOW);
  packet(egress, 'second');
  takeOver(egress, system, false);
  packet(egress, 'third');
  takeOver(egress, system);
  assert.deepEqual(system.written, ['first', 'second', 'third']);
});

test('what waited leaves in order when the system is ready', () => {
  const { egress, system } = setUp();
  system.isWilling = false;
  packet(egress, '1');
  egress.drain(LINK, system, NOW);
  for (const text of ['2', '3', '4']) packet(egress, text, Number(text));
  control(egress, 'c');
  takeOver(egress, system);
  assert.deepEqual(system.written, ['1', 'c', '234']);
});

test('packets staged before a refused control frame are kept', () => {
  const { egress, system } = setUp();
  system.isWilling = false;
  packet(egress, 'P');
  control(egress, 'c');
  egress.drain(LINK, system, NOW);
  takeOver(egress, system);
  assert.deepEqual(system.written, ['c', 'P']);
});

test('what waits for a busy system is bounded by the queue', () => {
  const { egress, system, losses } = setUp(100);
  system.isWilling = false;
  packet(egress, 'P');
  egress.drain(LINK, system, NOW);
  for (let i = 0; i < 50; i++) packet(egress, 'x'.repeat(10));
  assert.equal(egress.queuedBytes, 1 + 100);
  assert.equal(losses.full, 40);
});

test('256 KiB of control frames may wait', () => {
  const { egress } = setUp();
  for (let i = 0; i < 256; i++) assert.ok(egress.pushControl(new Uint8Array(1_024)));
  assert.ok(!egress.pushControl(new Uint8Array(1)));
});

test('control frames that have left make room', () => {
  const { egress, system } = setUp();
  for (let i = 0; i < 3; i++) {
    assert.ok(egress.pushControl(new Uint8Array(256 * 1_024)));
    egress.drain(LINK, system, NOW);
  }
});

test('more than 256 KiB of packets go through the queue in several writes', () => {
  const { egress, system } = setUp(1_000_000);
  for (let i = 0; i < 10; i++) packet(egress, String(i).repeat(60_000));
  egress.drain(LINK, system, NOW);
  assert.equal(system.written.length, 3);
  const all = system.written.join('');
  assert.equal(all.length, 600_000);
  assert.ok([...all].every((letter, i) => letter === String(Math.floor(i / 60_000))));
});

test('counts what it has given to the system', () => {
  const { egress, system } = setUp();
  packet(egress, 'four');
  control(egress, 'abc');
  assert.equal(egress.bytesSent, 0);
  egress.drain(LINK, system, NOW);
  assert.equal(egress.bytesSent, 7);
});

test('is idle when nothing waits and the system is ready', () => {
  const { egress, system } = setUp();
  assert.ok(egress.isIdle);
  control(egress, 'a');
  assert.ok(!egress.isIdle);
  system.isWilling = false;
  egress.drain(LINK, system, NOW);
  assert.ok(!egress.isIdle);
  takeOver(egress, system);
  assert.ok(egress.isIdle);
});

test('a cleared one sends nothing', () => {
  const { egress, system } = setUp();
  packet(egress, 'P');
  control(egress, 'a');
  egress.clear();
  egress.drain(LINK, system, NOW);
  assert.deepEqual(system.written, []);
});

test('a system that takes less is given less, but always a whole frame, and all again when it takes it', () => {
  const { egress, system } = setUp(10_000_000);
  system.isWilling = false;
  const sizes: number[] = [];
  for (let i = 0; i < 300; i++) packet(egress, 'x'.repeat(2_000));
  for (let i = 0; i < 7; i++) {
    system.held = undefined;
    egress.writable();
    egress.drain(LINK, system, NOW);
    sizes.push(system.written.at(-1)?.length ?? 0);
  }
  assert.deepEqual(sizes.slice(0, 6), [262_000, 130_000, 64_000, 32_000, 16_000, 16_000]);
  packet(egress, 'y'.repeat(60_000), 2);
  takeOver(egress, system);
  const written = system.written.map(({ length }) => length);
  assert.ok(written.includes(60_000));
  assert.ok(egress.queue.isEmpty);
});

test('a packet of a sparse flow is behind no more than one write', () => {
  const { egress, system } = setUp(10_000_000);
  system.isWilling = false;
  for (let i = 0; i < 40; i++) packet(egress, 'x'.repeat(60_000));
  for (let i = 0; i < 8; i++) takeOver(egress, system, false);
  packet(egress, 'voice', 2);
  takeOver(egress, system, false);
  assert.match(system.written.at(-1) ?? '', /^voice/);
});
