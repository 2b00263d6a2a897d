import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NoiseHandshake, type NoiseOptions, type NoisePattern } from '../../daemon/core/noise.ts';
import { openOne, sealOne } from '../../daemon/core/one-aead.ts';
import { crypto } from '../support/core.ts';
import { ephemeralPair, fromHex, identityKey, linkVectors, staticPair, toHex } from '../support/link-vectors.ts';

type Case = {
  readonly test: string;
  readonly name: string;
  readonly pattern: NoisePattern;
  readonly prologue: Uint8Array;
  readonly psk: Uint8Array;
  readonly payloads: readonly [Uint8Array, Uint8Array];
  readonly messages: readonly [Uint8Array, Uint8Array];
  readonly hash: string;
  readonly keys: { readonly i2r: string; readonly r2i: string };
};

const linkCases = linkVectors.link.map((vector): Case => {
  return {
    ...common(vector),
    test: 'L1',
    pattern: 'IKpsk1',
    prologue: fromHex(vector.prologue),
    messages: [fromHex(vector.INIT).subarray(5, 123), fromHex(vector.RESP).subarray(5, 73)],
  };
});
const sessionCases = linkVectors.e2e.map((vector): Case => {
  const first = fromHex(vector.KK1);
  const label = Buffer.from('ratatosk e2e v1\0');
  return {
    ...common(vector),
    test: 'E1',
    pattern: 'KKpsk0',
    prologue: Buffer.concat([label, identityKey('A'), identityKey('B'), first.subarray(0, 5)]),
    messages: [first.subarray(5), fromHex(vector.KK2).subarray(5)],
  };
});
const cases = [...linkCases, ...sessionCases];
const [aCase] = cases;
assert.ok(aCase !== undefined);

function common(vector: (typeof linkVectors.link)[number] | (typeof linkVectors.e2e)[number]) {
  return {
    name: vector.name,
    psk: fromHex(vector.psk),
    payloads: [fromHex(vector.payload1), fromHex(vector.payload2)] as const,
    hash: vector.handshake_hash,
    keys: { i2r: vector.key_i2r, r2i: vector.key_r2i },
  };
}

const ephemeralA = ephemeralPair('A', crypto.x25519Pair);
const ephemeralB = ephemeralPair('B', crypto.x25519Pair);

function initiator({ pattern, prologue, psk }: Case, changes: Partial<NoiseOptions> = {}): NoiseHandshake {
  const remoteStatic = staticPair('B').publicKey;
  const options = { pattern, isInitiator: true, prologue, staticPair: staticPair('A'), remoteStatic, psk };
  return new NoiseHandshake(crypto, { ...options, ...changes });
}

function responder({ pattern, prologue, psk }: Case, changes: Partial<NoiseOptions> = {}): NoiseHandshake {
  const remoteStatic = pattern === 'KKpsk0' ? staticPair('A').publicKey : undefined;
  const options = { pattern, isInitiator: false, prologue, staticPair: staticPair('B'), remoteStatic, psk };
  return new NoiseHandshake(crypto, { ...options, ...changes });
}

for (const each of cases) {
  test(`${each.test}: the initiator of ${each.pattern} writes and reads the vectors, ${each.name}`, () => {
    const handshake = initiator(each);
    const first = handshake.writeMessage(ephemeralA, each.payloads[0]);
    assert.equal(toHex(first ?? fromHex('')), toHex(each.messages[0]));
    assert.deepEqual(handshake.readMessage(each.messages[1]), each.payloads[1]);
    assert.equal(toHex(handshake.handshakeHash), each.hash);
    const { send, receive } = handshake.split();
    assert.deepEqual([toHex(send), toHex(receive)], [each.keys.i2r, each.keys.r2i]);
  });

  test(`${each.test}: the responder of ${each.pattern} reads and writes the vectors, ${each.name}`, () => {
    const handshake = responder(each);
    assert.deepEqual(handshake.readMessage(each.messages[0]), each.payloads[0]);
    assert.deepEqual(handshake.remoteStatic, staticPair('A').publicKey);
    const second = handshake.writeMessage(ephemeralB, each.payloads[1]);
    assert.equal(toHex(second ?? fromHex('')), toHex(each.messages[1]));
    assert.equal(toHex(handshake.handshakeHash), each.hash);
    const { send, receive } = handshake.split();
    assert.deepEqual([toHex(send), toHex(receive)], [each.keys.r2i, each.keys.i2r]);
  });

  test(`every changed bit of ${each.pattern} is noticed, and the state before it still good, ${each.name}`, () => {
    const waiting = responder(each);
    const asking = initiator(each);
    asking.writeMessage(ephemeralA, each.payloads[0]);
    each.messages.forEach((message, i) => {
      const reader = i === 0 ? waiting : asking;
      // The top bit of an X25519 key means nothing to X25519; it is in the hash all the same.
      for (let bit = 0; bit < 8 * message.length; bit += 7) {
        const changed = message.slice();
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.equal(reader.clone().readMessage(changed), undefined, `bit ${bit}`);
      }
      assert.equal(reader.clone().readMessage(message.subarray(1)), undefined);
      assert.deepEqual(reader.readMessage(message), each.payloads[i]);
    });
  });

  test(`another psk, prologue or key opens nothing of ${each.pattern}, ${each.name}`, () => {
    const other = new Uint8Array(32).fill(1);
    const [message] = each.messages;
    assert.equal(responder(each, { psk: other }).readMessage(message), undefined);
    assert.equal(responder(each, { prologue: other }).readMessage(message), undefined);
    assert.equal(responder(each, { staticPair: ephemeralA }).readMessage(message), undefined);
  });
}

test('the responder of IKpsk1 learns who asks before it does the rest', () => {
  for (const each of linkCases) {
    const handshake = responder(each);
    assert.equal(handshake.remoteStatic, undefined);
    assert.deepEqual(handshake.readStatic(each.messages[0]), staticPair('A').publicKey);
    assert.deepEqual(handshake.clone().readMessage(each.messages[0]), each.payloads[0]);
    assert.deepEqual(handshake.readMessage(each.messages[0]), each.payloads[0]);
    assert.ok(handshake.writeMessage(ephemeralB, each.payloads[1]) !== undefined);
    assert.equal(toHex(handshake.handshakeHash), each.hash);
  }
});

test('reading the static key takes one DH, the rest of the message one more', () => {
  const [each] = linkCases;
  assert.ok(each !== undefined);
  let count = 0;
  const counting = {
    ...crypto,
    x25519: (privateKey: Uint8Array, publicKey: Uint8Array) => {
      count++;
      return crypto.x25519(privateKey, publicKey);
    },
  };
  const { pattern, prologue, psk } = each;
  const options = { pattern, isInitiator: false, prologue, staticPair: staticPair('B'), remoteStatic: undefined, psk };
  const handshake = new NoiseHandshake(counting, options);
  handshake.readStatic(each.messages[0]);
  assert.equal(count, 1);
  handshake.readMessage(each.messages[0]);
  assert.equal(count, 2);
});

test('a key of low order ends the handshake on either side', () => {
  const zero = new Uint8Array(32);
  for (const each of cases) {
    assert.equal(initiator(each, { remoteStatic: zero }).writeMessage(ephemeralA, each.payloads[0]), undefined);
    const message = each.messages[0].slice();
    message.fill(0, 0, 32);
    assert.equal(responder(each).readMessage(message), undefined);
  }
});

test('what was read on a copy leaves nothing in the original', () => {
  for (const each of cases) {
    const handshake = initiator(each);
    handshake.writeMessage(ephemeralA, each.payloads[0]);
    const copy = handshake.clone();
    assert.ok(copy.readMessage(each.messages[1]) !== undefined);
    copy.split();
    assert.deepEqual(handshake.readMessage(each.messages[1]), each.payloads[1]);
    assert.equal(toHex(handshake.split().send), each.keys.i2r);
  }
});

test('a state out of turn, failed or spent is our own mistake', () => {
  const handshake = initiator(aCase);
  assert.throws(() => handshake.readMessage(aCase.messages[1]), /nothing to read/);
  assert.throws(() => handshake.split(), /complete/);
  handshake.writeMessage(ephemeralA, aCase.payloads[0]);
  assert.throws(() => handshake.writeMessage(ephemeralA, aCase.payloads[0]), /nothing to write/);
  assert.throws(() => handshake.readStatic(aCase.messages[1]), /nothing to read/);
  handshake.readMessage(aCase.messages[1]);
  assert.ok(handshake.isComplete);
  handshake.split();
  assert.ok(!handshake.isComplete);
  assert.throws(() => handshake.split(), /complete/);
  const failed = responder(aCase);
  assert.equal(failed.readMessage(fromHex('00')), undefined);
  assert.throws(() => failed.readMessage(aCase.messages[0]), /nothing to read/);
});

test('the keys of the caller are not touched', () => {
  const ephemeral = ephemeralPair('A', crypto.x25519Pair);
  const handshake = initiator(aCase);
  handshake.writeMessage(ephemeral, aCase.payloads[0]);
  handshake.wipe();
  assert.deepEqual(ephemeral, ephemeralA);
  assert.deepEqual(aCase.psk, fromHex(linkVectors.link[0]?.psk ?? ''));
});

test('messages of arbitrary octets are read as undefined', () => {
  const any = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(...cases), any, (each, message) => {
      assert.equal(responder(each).readMessage(message), undefined);
    }),
    { numRuns: 100 },
  );
});

test('one text is sealed with its associated data and opened only with the same', () => {
  const key = new Uint8Array(32).fill(3);
  const [ad, text] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)];
  const sealed = sealOne(crypto.aead, key, 7, ad, text);
  assert.equal(sealed.length, text.length + 16);
  assert.deepEqual(openOne(crypto.aead, key, 7, ad, sealed), text);
  assert.equal(openOne(crypto.aead, key, 8, ad, sealed), undefined);
  assert.equal(openOne(crypto.aead, key, 7, ad.subarray(1), sealed), undefined);
  assert.equal(openOne(crypto.aead, key, 7, ad, sealed.subarray(0, 15)), undefined);
});
