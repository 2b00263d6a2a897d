import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PipeReader, pipeSize, writePipeFrame } from '../../daemon/wire/cobs.ts';
import { crc16 } from '../../daemon/wire/crc16.ts';
import { Chance } from '../support/core.ts';
import { lineNoise } from '../support/line-noise.ts';
import { fromHex, linkVectors, toHex } from '../support/link-vectors.ts';
import { anyOctets, fc, join } from './wire-property.ts';

const MTU = 1_500;

function encode(frame: Uint8Array): Uint8Array {
  const target = new Uint8Array(pipeSize(frame.length));
  return target.subarray(0, writePipeFrame(target, 0, frame, 0, frame.length));
}

function decode(octets: Uint8Array, reader = new PipeReader(MTU)): string[] {
  const frames: string[] = [];
  reader.push(octets, (length) => frames.push(toHex(reader.buffer.subarray(0, length))));
  return frames;
}

for (const { datagram, crc, wire } of linkVectors.serial) {
  test(`frames ${datagram.length / 2} octets as the vectors do, and finds them again`, () => {
    const frame = fromHex(datagram);
    assert.equal(crc16(frame, 0, frame.length), Number.parseInt(crc, 16));
    assert.equal(toHex(encode(frame)), wire);
    assert.deepEqual(decode(fromHex(wire)), [datagram]);
  });
}

test('the check value of CRC-16/CCITT-FALSE', () => {
  assert.equal(crc16(new TextEncoder().encode('123456789'), 0, 9), 0x29b1);
});

test('every frame comes back, in whatever pieces, and never takes more room than promised', () => {
  const frames = fc.array(
    fc.oneof(
      anyOctets(1, 600),
      fc.nat(600).map((n) => new Uint8Array(n + 1).fill(n)),
    ),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 300 }), (all, piece) => {
      for (const frame of all) assert.ok(encode(frame).length <= pipeSize(frame.length));
      const pipe = join(...all.map(encode));
      const reader = new PipeReader(MTU);
      const found: string[] = [];
      for (let at = 0; at < pipe.length; at += piece) found.push(...decode(pipe.subarray(at, at + piece), reader));
      assert.deepEqual(found, all.map(toHex));
      assert.equal(reader.damaged, 0);
    }),
  );
});

test('a code of 254 octets that ends the frame may be followed by an empty block, or not', () => {
  // 252 octets and the CRC fill one block: some encoders begin another one.
  const wire = encode(new Uint8Array(252).fill(7));
  assert.equal(wire[0], 255);
  const longer = join(wire.subarray(0, -1), Uint8Array.of(1, 0));
  assert.deepEqual(decode(longer), decode(wire));
});

test('takes a frame of exactly the MTU, and none of an octet more', () => {
  const reader = new PipeReader(100);
  assert.equal(decode(encode(new Uint8Array(100)), reader).length, 1);
  assert.equal(reader.damaged, 0);
  assert.equal(decode(encode(new Uint8Array(101)), reader).length, 0);
  assert.equal(decode(encode(new Uint8Array(5_000)), reader).length, 0);
  assert.equal(reader.damaged, 2);
  assert.equal(decode(encode(new Uint8Array(100)), reader).length, 1);
});

test('empty frames cost nothing; a CRC alone is no frame', () => {
  const reader = new PipeReader(100);
  assert.deepEqual(decode(new Uint8Array(9), reader), []);
  assert.equal(reader.damaged, 0);
  assert.deepEqual(decode(encode(new Uint8Array(0)), reader), []);
  assert.equal(reader.damaged, 1);
});

test('decodes arbitrary octets without throwing', () => {
  fc.assert(fc.property(anyOctets(0, 400), (octets) => void decode(octets, new PipeReader(32))));
});

for (const share of [1e-5, 1e-4, 1e-3, 1e-2]) {
  test(`with ${share} of octets wrong, lost or inserted, whole frames arrive and no others`, () => {
    const chance = new Chance(Math.round(1 / share));
    const count = 12_000;
    let delivered = 0;
    let wrong = 0;
    let damagedFrames = 0;
    const reader = new PipeReader(MTU);
    let isAfterDamage = false;
    for (let i = 0; i < count; i++) {
      const frame = new Uint8Array(1 + (chance.u32() % 240));
      chance.fill(frame);
      const { octets, errors } = lineNoise(encode(frame), share, chance);
      const isWhole = errors === 0;
      if (!isWhole) damagedFrames++;
      let isHere = false;
      reader.push(octets, (length) => {
        const found = reader.buffer.subarray(0, length);
        if (length === frame.length && found.every((octet, k) => octet === frame[k])) isHere = true;
        else wrong++;
      });
      if (isHere) delivered++;
      // The zero behind a damaged frame may be gone: then, and only then, the next one is lost with it.
      if (isWhole && !isAfterDamage) assert.ok(isHere, `frame ${i} was whole`);
      isAfterDamage = !isWhole;
    }
    assert.ok(delivered >= count - 2 * damagedFrames, `${delivered} of ${count}, ${damagedFrames} damaged`);
    // A CRC of 16 bits lets one in 65 536 pass; the tag of the record, 128 bits long, stops those.
    assert.ok(wrong <= 3, `${wrong} of ${damagedFrames} damaged frames passed`);
  });
}
