import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame } from '../../daemon/wire/frame.ts';
import { pathPorts } from '../../daemon/wire/path.ts';
import {
  type Card,
  type Place,
  readCard,
  readForget,
  readPlace,
  readStance,
  type Stance,
  THIN,
  writeCard,
  writePlace,
  writeStance,
} from '../../daemon/wire/thin.ts';
import { repoRoot } from '../support/places.ts';
import {
  anyKey,
  anyPath,
  anyRecord,
  anySig,
  anyU64,
  encodePorts,
  encodeUvarint,
  keepsItsPromises,
} from './wire-property.ts';
import { hex, octets } from './wire-vectors.ts';

type Said = { isLeaf: boolean; wantsRenewals: boolean; root: string };
const vectors = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/thin-gossip.json'), 'utf8')) as {
  stance: (Said & { frame: string })[];
  place: { root: string; ports: string[]; frame: string }[];
  forget: { key: string; frame: string }[];
  card: { seq: string; sig: string; frame: string }[];
  rejected: { why: string; type: number; body: string }[];
  later: (Said & { why: string; body: string })[];
};

const body = (frame: string): Uint8Array => octets(frame).slice(2);

for (const { isLeaf, wantsRenewals, root, frame } of vectors.stance) {
  test(`stance: leaf ${isLeaf}, renewals ${wantsRenewals}`, () => {
    const stance = { isLeaf, wantsRenewals, root: octets(root) };
    assert.equal(hex(encodeFrame(THIN.stance, (writer) => writeStance(writer, stance))), frame);
    assert.deepEqual(readStance(body(frame)), stance);
  });
}

for (const { root, ports, frame } of vectors.place) {
  test(`place: ${ports.length} ports`, () => {
    const place = { root: octets(root), coords: encodePorts(ports.map(BigInt)) };
    assert.equal(hex(encodeFrame(THIN.place, (writer) => writePlace(writer, place))), frame);
    const read = readPlace(body(frame));
    assert.deepEqual(read, place);
    assert.deepEqual(pathPorts(read?.coords ?? new Uint8Array(0)), ports);
  });
}

for (const { key, frame } of vectors.forget) {
  test('forget', () => {
    assert.equal(hex(encodeFrame(THIN.forget, (writer) => writer.octets(octets(key)))), frame);
    assert.equal(hex(readForget(body(frame)) ?? new Uint8Array(0)), key);
  });
}

for (const { seq, sig, frame } of vectors.card) {
  test(`card: number ${seq}`, () => {
    const card: Card = { seq: BigInt(seq), sig: octets(sig) };
    assert.equal(hex(encodeFrame(THIN.card, (writer) => writeCard(writer, card))), frame);
    assert.deepEqual(readCard(body(frame)), card);
  });
}

const readers: Record<number, (octets: Uint8Array) => unknown> = {
  [THIN.stance]: readStance,
  [THIN.place]: readPlace,
  [THIN.forget]: readForget,
  [THIN.card]: readCard,
};

for (const { why, type, body } of vectors.rejected) {
  test(`rejects a ${why}`, () => assert.equal(readers[type]?.(octets(body)), undefined));
}

for (const { why, body, isLeaf, wantsRenewals, root } of vectors.later) {
  test(`reads ${why}`, () => assert.deepEqual(readStance(octets(body)), { isLeaf, wantsRenewals, root: octets(root) }));
}

test('stances and places make a round trip', () => {
  const stance = anyRecord<Stance>({ isLeaf: fc.boolean(), wantsRenewals: fc.boolean(), root: anyKey });
  fc.assert(
    fc.property(stance, (value) => {
      assert.deepEqual(readStance(encodeFrame(THIN.stance, (writer) => writeStance(writer, value)).slice(2)), value);
    }),
  );
  const place = anyRecord<Place>({ root: anyKey, coords: anyPath });
  fc.assert(
    fc.property(place, (value) => {
      const frame = encodeFrame(THIN.place, (writer) => writePlace(writer, value));
      assert.deepEqual(readPlace(frame.slice(frame.length > 128 ? 3 : 2)), value);
    }),
  );
});

const anyStance = fc.tuple(fc.nat(255), anyKey).map(([flags, root]) => Uint8Array.from([flags, ...root]));
const anyCard = fc.tuple(anyU64, anySig).map(([seq, sig]) => Uint8Array.from([...encodeUvarint(seq), ...sig]));
const anyPlace = fc.tuple(anyKey, anyPath).map(([root, path]) => Uint8Array.from([...root, ...path, 0]));
for (const [name, read, valid] of [
  ['stance', readStance, anyStance],
  ['place', readPlace, anyPlace],
  ['forget', readForget, anyKey],
  ['card', readCard, anyCard],
] as const) {
  test(`the decoder of a ${name} keeps its promises`, () => keepsItsPromises(read, valid));
}
