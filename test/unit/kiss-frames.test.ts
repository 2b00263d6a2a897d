import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KissReader, kissFrame, kissSize } from '../../daemon/wire/kiss.ts';
import { anyOctets, fc, join } from './wire-property.ts';
import { hex, octets } from './wire-vectors.ts';

const MAX = 600;

function decode(wire: Uint8Array, reader = new KissReader(MAX, 100), nowMs = 0): string[] {
  const frames: string[] = [];
  reader.push(wire, nowMs, (length) => frames.push(hex(reader.buffer.subarray(0, length))));
  return frames;
}

const GOLDEN = [
  [0x00, 'c0db', 'c000dbdcdbddc0'],
  [0x01, '33d3e608', 'c00133d3e608c0'],
  [0x02, '0001e848', 'c0020001e848c0'],
  [0x02, '0007c0db', 'c0020007dbdcdbddc0'],
  [0x08, '73', 'c00873c0'],
  [0x24, 'c0', 'c024dbdcc0'],
  [0xc0, '', 'c0dbdcc0'],
] as const;

for (const [type, payload, wire] of GOLDEN) {
  test(`writes and reads ${wire}`, () => {
    assert.equal(hex(kissFrame(type, octets(payload))), wire);
    assert.deepEqual(decode(octets(wire)), [type.toString(16).padStart(2, '0') + payload]);
  });
}

test('every frame comes back, in whatever pieces, and never takes more room than promised', () => {
  const one = fc.tuple(fc.nat(255), anyOctets(0, 300));
  fc.assert(
    fc.property(fc.array(one, { maxLength: 5 }), fc.integer({ min: 1, max: 50 }), (all, piece) => {
      for (const [type, payload] of all) assert.ok(kissFrame(type, payload).length <= kissSize(payload.length));
      const wire = join(...all.map(([type, payload]) => kissFrame(type, payload)));
      const reader = new KissReader(MAX, 100);
      const found: string[] = [];
      for (let at = 0; at < wire.length; at += piece) found.push(...decode(wire.subarray(at, at + piece), reader));
      assert.deepEqual(
        found,
        all.map(([type, payload]) => hex(join(Uint8Array.of(type), payload))),
      );
      assert.equal(reader.damaged, 0);
    }),
  );
});

test('frames may share their FENDs, and empty ones are none', () => {
  assert.deepEqual(decode(octets('c00001c00002c0c0c00003c0')), ['0001', '0002', '0003']);
});

test('a wrong escape drops its frame alone', () => {
  const reader = new KissReader(MAX, 100);
  assert.deepEqual(decode(octets('c000db01c0' + 'c00002c0'), reader), ['0002']);
  assert.deepEqual(decode(octets('c00003dbc0' + '0004c0'), reader), ['0004']);
  assert.equal(reader.damaged, 2);
});

test('what is printed before the first FEND is no frame, and can be read', () => {
  const reader = new KissReader(MAX, 100);
  const text = new TextEncoder().encode('rst:0x1 (POWERON)\r\n\tNo radio module found\r\n');
  assert.deepEqual(decode(text, reader), []);
  assert.equal(reader.stray, 'rst:0x1 (POWERON) No radio module found');
  assert.deepEqual(decode(octets('c00846c0'), reader), ['0846']);
  reader.reset();
  assert.equal(reader.stray, '');
});

test('keeps only the last 240 octets of such text', () => {
  const reader = new KissReader(MAX, 100);
  decode(new Uint8Array(10_000).fill(0x41), reader);
  assert.equal(reader.stray.length, 240);
});

test('a frame of exactly the limit passes, one octet more does not', () => {
  const reader = new KissReader(10, 100);
  assert.equal(decode(kissFrame(0, new Uint8Array(9)), reader).length, 1);
  assert.equal(decode(kissFrame(0, new Uint8Array(10)), reader).length, 0);
  assert.equal(decode(kissFrame(0, new Uint8Array(5_000)), reader).length, 0);
  assert.equal(decode(kissFrame(0, new Uint8Array(9)), reader).length, 1);
  assert.equal(reader.damaged, 2);
});

test('a frame broken off is dropped after the silence, and not before', () => {
  const reader = new KissReader(MAX, 100);
  decode(octets('c00001'), reader, 0);
  assert.deepEqual(decode(octets('02c0'), reader, 100), ['000102']);
  decode(octets('0003'), reader, 200);
  assert.deepEqual(decode(octets('04c00005c0'), reader, 301), ['0005']);
  assert.equal(reader.damaged, 1);
});

test('decodes arbitrary octets without throwing', () => {
  fc.assert(fc.property(anyOctets(0, 400), (wire) => void decode(wire, new KissReader(32, 100))));
});
