import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect } from '../../daemon/links/dialect.ts';
import { Serial, type SerialOptions } from '../../daemon/links/serial.ts';

const CABLE: SerialOptions = { baud: 115_200, rate: undefined, mtu: undefined };
const FRAME = new Uint8Array(100).fill(7);

function opened(options: Partial<SerialOptions> = {}): Serial {
  const serial = new Serial({ ...CABLE, ...options });
  serial.start();
  return serial;
}

function take(serial: Serial): Effect[] {
  return serial.effects.splice(0);
}

function written(serial: Serial): Uint8Array[] {
  return take(serial).flatMap((effect) => (effect.kind === 'write' ? [effect.octets] : []));
}

function facts(options: Partial<SerialOptions>): unknown[] {
  const [up] = take(opened(options));
  assert.ok(up?.kind === 'up');
  const { carrierClass, mtu, air } = up.facts;
  return [carrierClass, mtu, air?.modulation];
}

test('is a cable from 30 kbit/s on, a radio below', () => {
  assert.deepEqual(facts({}), ['S', 576, undefined]);
  assert.deepEqual(facts({ baud: 1_000_000 }), ['S', 1_500, undefined]);
  assert.deepEqual(facts({ baud: 38_400 }), ['S', 500, undefined]);
  assert.deepEqual(facts({ rate: 30_000 }), ['S', 500, undefined]);
  const slow = { kind: 'rate', bitsPerSecond: 2_400, frameMs: 50 };
  assert.deepEqual(facts({ baud: 9_600, rate: 2_400 }), ['R', 235, slow]);
  assert.deepEqual(facts({ baud: 9_600 }), ['R', 235, { kind: 'rate', bitsPerSecond: 7_680, frameMs: 0 }]);
  assert.deepEqual(facts({ baud: 9_600, mtu: 200 })[1], 200);
});

test('a frame of a module, zeros and all, is one packet of it', () => {
  const serial = opened({ baud: 9_600, rate: 2_400 });
  take(serial);
  assert.ok(serial.send(new Uint8Array(235).fill(1), 0));
  assert.equal(written(serial)[0]?.length, 240);
});

test('what one end writes the other reads, octet by octet', () => {
  const [a, b] = [opened(), opened()];
  take(b);
  take(a);
  a.send(FRAME, 0);
  for (const octets of written(a)) for (const octet of octets) b.receive(Uint8Array.of(octet));
  const [frame] = take(b);
  assert.ok(frame?.kind === 'frame');
  assert.deepEqual(frame.octets, FRAME);
});

test('a zero goes first where the line was idle, and only there', () => {
  const serial = opened();
  take(serial);
  const first: number[] = [];
  for (const nowMs of [0, 1, 500]) {
    assert.ok(serial.send(FRAME, nowMs));
    first.push(written(serial)[0]?.[0] as number);
  }
  assert.deepEqual(
    first.map((octet) => octet === 0),
    [true, false, true],
  );
});

test('takes what leaves in 40 ms and a frame, then says when there is room', () => {
  const serial = opened();
  take(serial);
  let taken = 0;
  while (serial.send(FRAME, 0)) taken++;
  // 104 octets at 11.52 a ms.
  assert.equal(taken, 5);
  assert.ok(!take(serial).some(({ kind }) => kind === 'writable'));
  const atMs = serial.deadline();
  assert.ok(atMs > 0 && atMs < 15, String(atMs));
  serial.timer(atMs);
  assert.deepEqual(take(serial), [{ kind: 'writable' }]);
  assert.ok(serial.send(FRAME, atMs));
  assert.equal(serial.deadline(), Number.POSITIVE_INFINITY);
});

test('a radio takes one frame at a time, and says when it has left, asked or not', () => {
  const serial = opened({ baud: 9_600, rate: 2_400 });
  take(serial);
  assert.ok(serial.send(FRAME, 0));
  assert.ok(!serial.send(FRAME, 1));
  const atMs = serial.deadline();
  assert.ok(atMs > 104 / 0.3 && atMs < 104 / 0.3 + 60, String(atMs));
  serial.timer(atMs - 1);
  take(serial);
  serial.timer(atMs);
  assert.deepEqual(take(serial), [{ kind: 'writable' }]);
});
