import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  E2E_ASK,
  type FirstPayload,
  isAsk,
  readCounter,
  readFirstPayload,
  readHello,
  readSecondPayload,
  readSid,
  type SecondPayload,
  writeFirstPayload,
  writeHello,
  writeRecordHead,
  writeSecondPayload,
} from '../../daemon/wire/e2e.ts';
import { fromHex, linkVectors, toHex } from '../support/link-vectors.ts';
import { anyOctets, anyRecord, anyU32, fc } from './wire-property.ts';

const u8 = fc.nat({ max: 0xff });
const u16 = fc.nat({ max: 0xffff });
const u48 = fc.oneof(
  fc.constantFrom(0, 0xffff_ffff, 0x1_0000_0000, 0xffff_ffff_ffff),
  fc.nat({ max: 0xffff_ffff_ffff }),
);

test('E1: payloads and heads are those of the vectors', () => {
  for (const { payload1, payload2, sid_A, sid_B, KK1, KK2, DATA } of linkVectors.e2e) {
    const first = readFirstPayload(fromHex(payload1));
    assert.deepEqual(first, { version: 1, features: 0, timestampMs: 0x01a0c4506c7b, instance: 0xc0c1c2c3 });
    assert.equal(toHex(writeFirstPayload(first)), payload1);
    const second = readSecondPayload(fromHex(payload2));
    assert.deepEqual(second, { sid: sid_B, version: 1, features: 0, instance: 0xd0d1d2d3 });
    assert.equal(toHex(writeSecondPayload(second)), payload2);
    assert.deepEqual([readSid(fromHex(KK1), 0), readSid(fromHex(KK2), 0)], [sid_A, sid_A]);
    const head = new Uint8Array(9);
    writeRecordHead(head, 0, sid_B, DATA.counter);
    assert.equal(toHex(head), DATA.packet.slice(0, 18));
  }
});

test('payloads make a round trip', () => {
  const first = anyRecord<FirstPayload>({ version: u8, features: u16, timestampMs: u48, instance: anyU32 });
  fc.assert(fc.property(first, (payload) => assert.deepEqual(readFirstPayload(writeFirstPayload(payload)), payload)));
  const sid = anyU32.filter((number) => number !== 0);
  const second = anyRecord<SecondPayload>({ sid, version: u8, features: u16, instance: anyU32 });
  fc.assert(
    fc.property(second, (payload) => assert.deepEqual(readSecondPayload(writeSecondPayload(payload)), payload)),
  );
});

test('heads of records make a round trip wherever they lie', () => {
  fc.assert(
    fc.property(fc.nat(20), anyU32, anyU32, (at, sid, counter) => {
      const buffer = new Uint8Array(40);
      writeRecordHead(buffer, at, sid, counter);
      assert.deepEqual([buffer[at], readSid(buffer, at), readCounter(buffer, at)], [0x22, sid, counter]);
    }),
  );
});

test('payloads of any other length, and the sid zero, are malformed', () => {
  fc.assert(
    fc.property(anyOctets(0, 40), (octets) => {
      assert.equal(readFirstPayload(octets) !== undefined, octets.length === 14);
      const isSecond = octets.length === 12 && octets.subarray(0, 4).some((octet) => octet !== 0);
      assert.equal(readSecondPayload(octets) !== undefined, isSecond);
    }),
  );
  assert.equal(readSecondPayload(new Uint8Array(12)), undefined);
});

test('a hello makes a round trip, and may be longer in later versions', () => {
  fc.assert(
    fc.property(u8, u16, anyOctets(0, 8), (version, features, more) => {
      const hello = Uint8Array.from([9, ...writeHello({ version, features }), ...more, 9]);
      assert.deepEqual(readHello(hello, 1, hello.length - 1), { version, features });
    }),
  );
});

test('nothing else is a hello or a question', () => {
  const hello = writeHello({ version: 1, features: 0 });
  assert.equal(toHex(hello), '0252010000');
  assert.equal(readHello(hello, 0, 4), undefined);
  assert.equal(readHello(Uint8Array.of(1, 0x52, 1, 0, 0), 0, 5), undefined);
  assert.equal(readHello(Uint8Array.of(2, 0x53, 1, 0, 0), 0, 5), undefined);
  const ask = Uint8Array.from(E2E_ASK);
  assert.ok(isAsk(ask, 0, 2));
  assert.ok(!isAsk(hello, 0, 2));
  assert.ok(!isAsk(ask, 0, 1));
  assert.ok(!isAsk(Uint8Array.of(2, 0x53, 0), 0, 3));
});
