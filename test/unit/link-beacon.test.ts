import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { LINK_BEACON_SIZE, readLinkBeacon, writeLinkBeacon } from '../../daemon/wire/link-beacon.ts';
import { anyKey, fc, join, keepsItsPromises } from './wire-property.ts';
import { hex, octets } from './wire-vectors.ts';

const KEY = '03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8';
const NO_PASSWORD = '00'.repeat(32);
const PASSWORD = 'a1330e0e8955f9656b79c31d42b6cc5b0caaf5dde15349580856b838f3555e9e';
const VECTORS = [
  [NO_PASSWORD, `a400${KEY}00ff3d2dd36f2694f6cf3f7aecf8f49856aa`],
  [PASSWORD, `a400${KEY}00ffc882a53f021e01af41be0f7477840e6d`],
] as const;

function macWith(psk: string): (body: Uint8Array) => Uint8Array {
  const key = createHmac('sha256', octets(psk)).update('ratatosk beacon v1').digest();
  return (body) => new Uint8Array(createHmac('sha256', key).update(body).digest());
}

for (const [psk, packet] of VECTORS) {
  test(`reads and writes the beacon of the vectors with psk ${psk.slice(0, 4)}…`, () => {
    assert.equal(hex(writeLinkBeacon(octets(KEY), 255, macWith(psk))), packet);
    const beacon = readLinkBeacon(octets(packet));
    assert.ok(beacon !== undefined);
    assert.deepEqual([hex(beacon.key), beacon.rxMtu], [KEY, 255]);
    assert.equal(hex(macWith(psk)(beacon.body).subarray(0, 16)), hex(beacon.mac));
  });
}

const whole = octets(VECTORS[0][1]);

test('rejects every other length and every other first octet', () => {
  assert.equal(whole.length, LINK_BEACON_SIZE);
  for (let length = 0; length < whole.length; length++) {
    assert.equal(readLinkBeacon(whole.subarray(0, length)), undefined);
  }
  assert.equal(readLinkBeacon(join(whole, octets('00'))), undefined);
  for (let type = 0; type < 256; type++) {
    assert.equal(readLinkBeacon(whole.with(0, type)) !== undefined, type === 0xa4);
  }
});

test('takes flags it does not know, under the mac', () => {
  const flagged = readLinkBeacon(whole.with(1, 7));
  assert.equal(flagged?.body[1], 7);
});

test('decodes arbitrary octets without throwing or copying', () => {
  keepsItsPromises(
    readLinkBeacon,
    fc.tuple(anyKey, fc.nat(0xffff)).map(([key, rxMtu]) => writeLinkBeacon(key, rxMtu, macWith(NO_PASSWORD))),
  );
});
