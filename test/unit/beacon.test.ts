import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBeacon, writeBeacon } from '../../daemon/wire/beacon.ts';
import { anyKey, anySig, fc, join, keepsItsPromises } from './wire-property.ts';
import { hex, octets, vectors } from './wire-vectors.ts';

const { public_key, port, hash, datagram } = vectors.multicast_beacon;
const anyBeacon = fc.tuple(anyKey, fc.nat({ max: 0xffff }), anySig);

test('reads and writes the beacon of the vectors', () => {
  const beacon = readBeacon(octets(datagram));
  assert.deepEqual(beacon, { major: 0, minor: 5, key: octets(public_key), port, hash: octets(hash) });
  assert.equal(hex(writeBeacon(octets(public_key), port, octets(hash))), datagram);
});

test('gives back the beacon it wrote', () => {
  fc.assert(
    fc.property(anyBeacon, ([key, anyPort, anyHash]) => {
      const read = readBeacon(writeBeacon(key, anyPort, anyHash));
      assert.deepEqual(read, { major: 0, minor: 5, key, port: anyPort, hash: anyHash });
    }),
  );
});

test('reports other versions for the caller to drop', () => {
  const other = octets(datagram);
  other.set([1, 2, 3, 4]);
  const beacon = readBeacon(other);
  assert.deepEqual([beacon?.major, beacon?.minor], [258, 772]);
});

test('ignores octets after the hash', () => {
  assert.deepEqual(readBeacon(join(octets(datagram), octets('0102'))), readBeacon(octets(datagram)));
});

test('rejects every truncation', () => {
  const whole = octets(datagram);
  for (let length = 0; length < whole.length; length++) assert.equal(readBeacon(whole.subarray(0, length)), undefined);
});

test('rejects a hash of another length, even if all of it is there', () => {
  for (const length of [0, 63, 65, 255, 65_535]) {
    const beacon = join(octets(datagram).subarray(0, 38), Uint8Array.of(length >> 8, length & 0xff));
    assert.equal(readBeacon(join(beacon, new Uint8Array(length))), undefined);
  }
});

test('decodes arbitrary octets without throwing or copying', () => {
  keepsItsPromises(
    readBeacon,
    anyBeacon.map(([key, anyPort, anyHash]) => writeBeacon(key, anyPort, anyHash)),
  );
});
