import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONTROL_BODY_MAX,
  encodeFrame,
  FRAME,
  FRAME_MAX,
  type FrameHead,
  readFrameHead,
} from '../../daemon/wire/frame.ts';
import { anyOctets, encodeUvarint, fc, join } from './wire-property.ts';
import { hex, octets, vectors } from './wire-vectors.ts';

function headOf(buffer: Uint8Array, start = 0, end = buffer.length): string | FrameHead {
  const head = { prefix: -1, length: -1 };
  const result = readFrameHead(buffer, start, end, head);
  return result === 'complete' ? head : result;
}

test('finds type and body of every frame of the vectors', () => {
  for (const item of vectors.routing_messages.items) {
    const frame = octets(item.frame);
    const head = headOf(frame);
    assert.ok(typeof head === 'object', item.note);
    assert.equal(head.prefix + head.length, frame.length, item.note);
    assert.equal(frame[head.prefix], item.type_octet, item.note);
    assert.equal(hex(frame.subarray(head.prefix + 1)), item.body, item.note);
  }
});

test('encodes every control frame of the vectors from its body', () => {
  for (const item of vectors.routing_messages.items) {
    const body = octets(item.body);
    assert.equal(hex(encodeFrame(item.type_octet, (writer) => writer.octets(body))), item.frame, item.note);
  }
});

test('numbers the frame types as the reference does', () => {
  const names = ['', 'keepAlive', 'sigReq', 'sigRes', 'announce', 'bloomFilter', 'pathLookup', 'pathNotify'];
  for (const item of vectors.routing_messages.items) {
    const name = [...names, 'pathBroken', 'traffic'][item.type_octet] as keyof typeof FRAME;
    assert.equal(FRAME[name], item.type_octet);
  }
  assert.equal(FRAME.dummy, 0);
});

test('gives back bodies of every size up to the largest control frame', () => {
  fc.assert(
    fc.property(fc.nat({ max: 9 }), anyOctets(0, CONTROL_BODY_MAX), (type, body) => {
      const frame = encodeFrame(type, (writer) => writer.octets(body));
      const head = headOf(frame);
      assert.ok(typeof head === 'object');
      assert.equal(head.prefix + head.length, frame.length);
      assert.deepEqual(frame.subarray(head.prefix), join(Uint8Array.of(type), body));
    }),
    { numRuns: 50 },
  );
  for (const size of [126, 127, 128, 16_382, 16_383, 16_384].filter((octetCount) => octetCount <= CONTROL_BODY_MAX)) {
    const frame = encodeFrame(FRAME.dummy, (writer) => writer.octets(new Uint8Array(size)));
    assert.equal(hex(frame.subarray(0, frame.length - size - 1)), hex(encodeUvarint(BigInt(size + 1))));
  }
});

test('gives each frame a buffer of its own', () => {
  const first = encodeFrame(FRAME.dummy, (writer) => writer.u8(1));
  const second = encodeFrame(FRAME.dummy, (writer) => writer.u8(2));
  assert.notEqual(first.buffer, second.buffer);
  assert.equal(hex(first), '020001');
});

test('accepts lengths from 1 to the largest frame, and nothing else', () => {
  assert.deepEqual(headOf(encodeUvarint(1n)), { prefix: 1, length: 1 });
  assert.deepEqual(headOf(encodeUvarint(BigInt(FRAME_MAX))), { prefix: 3, length: 131_070 });
  for (const length of [0n, 131_071n, 2n ** 21n, 2n ** 31n, 2n ** 32n + 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    assert.equal(headOf(encodeUvarint(length)), 'malformed', String(length));
  }
});

test('accepts a length longer than needed, up to ten octets', () => {
  assert.deepEqual(headOf(octets('8100')), { prefix: 2, length: 1 });
  assert.deepEqual(headOf(encodeUvarint(300n, 8)), { prefix: 10, length: 300 });
  assert.equal(headOf(encodeUvarint(300n, 9)), 'malformed');
  assert.equal(headOf(octets('8000')), 'malformed');
});

test('asks for more octets as long as the prefix is incomplete', () => {
  assert.equal(headOf(new Uint8Array(0)), 'short');
  assert.equal(headOf(Uint8Array.of(0x81)), 'short');
  assert.equal(headOf(new Uint8Array(9).fill(0x80)), 'short');
  assert.equal(headOf(new Uint8Array(10).fill(0x80)), 'malformed');
});

test('sees a length that is already too large before it is complete', () => {
  assert.equal(headOf(octets('ffffff')), 'malformed');
});

test('looks only at the octets between start and end', () => {
  const buffer = octets('ff8502ff');
  assert.deepEqual(headOf(buffer, 1, 3), { prefix: 2, length: 261 });
  assert.equal(headOf(buffer, 1, 2), 'short');
});

test('arbitrary octets never throw and never make a frame longer than allowed', () => {
  fc.assert(
    fc.property(anyOctets(0, 24), fc.nat({ max: 4 }), (buffer, start) => {
      const head = headOf(buffer, start);
      if (typeof head === 'string') return;
      assert.ok(head.length >= 1 && head.length <= FRAME_MAX);
      assert.ok(head.prefix >= 1 && head.prefix <= 10 && start + head.prefix <= buffer.length);
    }),
    { numRuns: 1000 },
  );
});
