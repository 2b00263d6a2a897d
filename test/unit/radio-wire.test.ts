/** What class R adds on the air: records that tell the rest of their burst, RACK, SILENT. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bitRate } from '../../daemon/core/radio/air-time.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { LINK_FRAME, LinkFrames, SILENT_SIZE, writeRack, writeSilent } from '../../daemon/wire/link-frames.ts';
import {
  counterLow,
  dataHeader,
  indexOf,
  PACKET,
  REST_AT,
  restUnitMs,
  TAG,
  writeDataHeader,
} from '../../daemon/wire/link-packets.ts';
import { crypto } from '../support/core.ts';
import { fromHex, toHex } from '../support/link-vectors.ts';
import { repoRoot } from '../support/places.ts';

type Vectors = {
  readonly key: string;
  readonly records: readonly { index: number; counter: number; rest: number; plain: string; packet: string }[];
  readonly units: readonly { spreadingFactor: number; bandwidthHz: number; codingRate: number; unitMs: number }[];
  readonly silent: readonly { seconds: number; bytes: string }[];
  readonly racks: readonly { highest: number; received: number[]; bytes: string }[];
};

const vectors: Vectors = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/radio-link.json'), 'utf8'));

test('a record that tells its rest is as in the vectors, and its header is what the tag covers', () => {
  for (const { index, counter, rest, plain, packet } of vectors.records) {
    const octets = fromHex(packet);
    assert.equal(dataHeader(octets[0] as number), 8);
    assert.equal(indexOf(octets), index);
    assert.equal(counterLow(octets, 0, PACKET.dataRest), counter & 0xffff);
    assert.equal(octets[REST_AT], rest);
    const sealed = new Uint8Array(octets.length);
    writeDataHeader(sealed, 0, PACKET.dataRest, index, counter);
    sealed[REST_AT] = rest;
    const text = fromHex(plain);
    crypto.aead.seal({
      sources: [text],
      sourceOffsets: Int32Array.of(0),
      lengths: Int32Array.of(text.length),
      targets: [sealed],
      targetOffsets: Int32Array.of(8),
      adLengths: Int32Array.of(8),
      keys: fromHex(vectors.key),
      nonces: Uint32Array.of(Math.floor(counter / 2 ** 32), counter % 2 ** 32),
      ok: new Uint8Array(1),
      count: 1,
    });
    assert.equal(toHex(sealed), packet);
    assert.equal(octets.length, 8 + text.length + TAG);
  }
});

test('the unit of the rest is the time of 56 bits, and no less than 32 ms', () => {
  for (const { unitMs, ...lora } of vectors.units) {
    const found = restUnitMs(bitRate({ kind: 'lora', preambleSymbols: 8, ...lora }));
    assert.ok(Math.abs(found - unitMs) < 1e-9, `${found}`);
  }
});

test('SILENT is as in the vectors; octets of later versions are passed over, a short one is skipped', () => {
  for (const { seconds, bytes } of vectors.silent) {
    const writer = new Writer(new Uint8Array(SILENT_SIZE));
    writeSilent(writer, seconds);
    assert.equal(toHex(writer.written()), bytes);
    assert.deepEqual(secondsIn(fromHex(bytes)), [seconds]);
  }
  assert.deepEqual(secondsIn(fromHex('1004012cffff')), [300]);
  assert.deepEqual(secondsIn(fromHex('100101')), []);
});

test('RACK is as in the vectors', () => {
  for (const { highest, received, bytes } of vectors.racks) {
    const octets = fromHex(bytes);
    const bits = new Uint8Array(octets.length - 4);
    for (const counter of received) {
      const behind = highest - 1 - counter;
      bits[behind >> 3] = (bits[behind >> 3] as number) | (1 << (behind & 7));
    }
    const writer = new Writer(new Uint8Array(64));
    writeRack(writer, highest, bits);
    assert.equal(toHex(writer.written()), bytes);
  }
});

function secondsIn(octets: Uint8Array): number[] {
  const frames = new LinkFrames();
  frames.open(octets, 0, octets.length);
  const found: number[] = [];
  while (frames.next()) if (frames.type === LINK_FRAME.silent) found.push(frames.seconds);
  return found;
}
