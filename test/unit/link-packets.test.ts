import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  COOKIE_SIZE,
  counterLow,
  dataHeader,
  INIT_MAC1_AT,
  indexOf,
  PACKET,
  PAYLOAD1,
  PAYLOAD2,
  readCookie,
  readPayload1,
  readPayload2,
  writeCookie,
  writeDataHeader,
  writeHead,
  writePayload1,
  writePayload2,
} from '../../daemon/wire/link-packets.ts';
import { fromHex, linkVectors, toHex } from '../support/link-vectors.ts';

const u = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 });
const octets = (count: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: count, maxLength: count });

for (const vector of linkVectors.link) {
  test(`payloads and headers are those of the vectors, ${vector.name}`, () => {
    const payload1 = readPayload1(fromHex(vector.payload1));
    assert.deepEqual(payload1, {
      sign: 1,
      carried: 5,
      features: 1,
      rxMtu: 1472,
      priority: 0,
      carrierClass: 0,
      timestamp: 0x01a0c4506c7b,
      instance: 0xa0a1a2a3,
      peerInstance: 0,
    });
    assert.equal(toHex(writePayload1(payload1)), vector.payload1);
    const payload2 = readPayload2(fromHex(vector.payload2));
    assert.equal(payload2?.index, vector.index_B);
    assert.equal(payload2?.instance, 0xb0b1b2b3);
    assert.equal(payload2?.echo, 0xa0a1a2a3);
    assert.equal(payload2 && toHex(writePayload2(payload2)), vector.payload2);
    const init = fromHex(vector.INIT);
    assert.equal(indexOf(init), vector.index_A);
    assert.deepEqual(writeHead(PACKET.init, vector.index_A), init.subarray(0, 5));
    const cookie = readCookie(fromHex(vector.cookie.COOKIE));
    assert.equal(cookie?.index, vector.index_A);
    assert.equal(cookie && toHex(cookie.nonce), vector.cookie.nonce);
    assert.equal(cookie && toHex(writeCookie(cookie)), vector.cookie.COOKIE);
    for (const { from, counter, packet } of vector.DATA) {
      const data = fromHex(packet);
      const type = data[0] as number;
      const index = from === 'A' ? vector.index_B : vector.index_A;
      assert.equal(indexOf(data), index);
      assert.equal(counterLow(data, 0, type), counter % (type === PACKET.data16 ? 2 ** 16 : 2 ** 32));
      const header = new Uint8Array(dataHeader(type));
      writeDataHeader(header, 0, type, index, counter);
      assert.deepEqual(header, data.subarray(0, header.length));
    }
  });
}

test('what is written is read again', () => {
  const common = { carried: u(8), features: u(16), rxMtu: u(16), priority: u(8), carrierClass: u(8), instance: u(32) };
  fc.assert(
    fc.property(fc.record({ ...common, sign: u(1), timestamp: u(48), peerInstance: u(32) }), (payload) => {
      assert.deepEqual(readPayload1(writePayload1(payload)), { ...payload });
    }),
  );
  fc.assert(
    fc.property(fc.record({ ...common, index: u(32), echo: u(32) }), (payload) => {
      assert.deepEqual(readPayload2(writePayload2(payload)), { ...payload });
    }),
  );
  fc.assert(
    fc.property(fc.record({ index: u(32), nonce: octets(16), sealed: octets(32) }), (cookie) => {
      const read = readCookie(writeCookie(cookie));
      assert.deepEqual([read?.index, read && toHex(read.nonce)], [cookie.index, toHex(cookie.nonce)]);
    }),
  );
  fc.assert(
    fc.property(u(32), fc.integer({ min: 0, max: 2 ** 40 }), fc.nat({ max: 2 }), u(4), (index, counter, kind, at) => {
      const type = [PACKET.data16, PACKET.data32, PACKET.dataRest][kind] as number;
      const isLong = type === PACKET.data32;
      const packet = new Uint8Array(at + dataHeader(type));
      writeDataHeader(packet, at, type, index, counter);
      assert.equal(packet[at], type);
      assert.equal(indexOf(packet, at), index);
      assert.equal(counterLow(packet, at, type), counter % (isLong ? 2 ** 32 : 2 ** 16));
    }),
  );
});

test('never throws on arbitrary octets, and takes no other sizes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (packet) => {
      assert.equal(readPayload1(packet) !== undefined, packet.length === PAYLOAD1);
      assert.equal(readPayload2(packet) !== undefined, packet.length === PAYLOAD2);
      const isCookie = packet.length === COOKIE_SIZE && packet[0] === PACKET.cookie;
      assert.equal(readCookie(packet) !== undefined, isCookie);
    }),
  );
  assert.equal(dataHeader(PACKET.init), 0);
  assert.equal(INIT_MAC1_AT, 123);
});
