import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { joinHalves } from '../../daemon/wire/cursor.ts';
import {
  HANDSHAKE_BOX_AT,
  HANDSHAKE_SIZE,
  handshakeSigned,
  readHandshake,
  readSessionHead,
  SESSION,
  SESSION_HEAD_MAX,
  sessionHead,
  writeHandshake,
} from '../../daemon/wire/session.ts';
import {
  anyKey,
  anyOctets,
  anyRecord,
  anySig,
  anyU64,
  encodeUvarint,
  fc,
  join,
  keepsItsPromises,
} from './wire-property.ts';
import { hex, need, octets, vectors } from './wire-vectors.ts';

const anyHandshake = anyRecord({ sig: anySig, current: anyKey, next: anyKey, keySeq: anyU64, seq: anyU64 });

/** NaCl's box, from another library than the daemon's. */
function openBox(publicKey: Uint8Array, privateKey: Uint8Array, box: Uint8Array): Uint8Array {
  const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(Uint8Array.from(bytes).buffer);
  const key = new Uint32Array(8);
  const sigma = words(Buffer.from('expand 32-byte k'));
  hsalsa(sigma, words(x25519.getSharedSecret(privateKey, publicKey)), new Uint32Array(4), key);
  return xsalsa20poly1305(new Uint8Array(key.buffer), new Uint8Array(24)).decrypt(box);
}

function openHandshake(wire: Uint8Array, recipientSeed: string): Uint8Array {
  const privateKey = ed25519.utils.toMontgomerySecret(octets(recipientSeed));
  return openBox(wire.subarray(1, HANDSHAKE_BOX_AT), privateKey, wire.subarray(HANDSHAKE_BOX_AT));
}

function head(packet: Uint8Array): { sender: bigint; receiver: bigint; nonce: bigint; boxAt: number } | undefined {
  const read = sessionHead();
  if (!readSessionHead(packet, 1, packet.length, read)) return undefined;
  return {
    sender: joinHalves(read.senderHigh, read.senderLow),
    receiver: joinHalves(read.receiverHigh, read.receiverLow),
    nonce: joinHalves(read.nonceHigh, read.nonceLow),
    boxAt: read.boxAt,
  };
}

test('opens the handshakes of the vectors to the layout that was written', () => {
  const session = vectors.session_computed;
  const publicOf = new Map(session.box_keys.map((pair) => [pair.label, pair.public]));
  const expected = [
    { type: SESSION.init, current: 'A1', next: 'A2', keySeq: 0n, seq: BigInt(session.T) },
    { type: SESSION.ack, current: 'B1', next: 'B2', keySeq: 1n, seq: BigInt(session.T) + 1n },
    { type: SESSION.ack, current: 'A2', next: 'A3', keySeq: 1n, seq: BigInt(session.T) + 2n },
  ];
  for (const [i, { type, current, next, keySeq, seq }] of expected.entries()) {
    const step = need(session.steps[i]);
    const wire = octets(step.octets);
    assert.equal(wire.length, HANDSHAKE_SIZE);
    assert.equal(wire[0], type);
    assert.equal(hex(wire.subarray(1, HANDSHAKE_BOX_AT)), publicOf.get(need(step.ephemeral)));
    const inner = openHandshake(wire, step.to === 'A' ? session.A_seed : session.B_seed);
    const read = need(readHandshake(inner));
    assert.equal(hex(read.current), publicOf.get(current));
    assert.equal(hex(read.next), publicOf.get(next));
    assert.equal(read.keySeq, keySeq);
    assert.equal(read.seq, seq);
    assert.deepEqual(writeHandshake(read), inner);
    const signed = handshakeSigned(wire.subarray(1, HANDSHAKE_BOX_AT), read);
    assert.equal(signed.length, 112);
    assert.ok(ed25519.verify(read.sig, signed, octets(step.from === 'A' ? session.A_key : session.B_key)));
  }
});

test('reads the Ack that the reference daemon sent', () => {
  const session = vectors.session_captured;
  const wire = octets(session.ack);
  assert.equal(wire[0], SESSION.ack);
  const read = need(readHandshake(openHandshake(wire, session.initiator_seed)));
  const { current, next, key_seq, seq } = session.ack_fields;
  assert.deepEqual([hex(read.current), hex(read.next), read.keySeq], [current, next, BigInt(key_seq)]);
  assert.equal(read.seq, BigInt(seq));
  const signed = handshakeSigned(wire.subarray(1, HANDSHAKE_BOX_AT), read);
  assert.ok(ed25519.verify(read.sig, signed, octets(session.responder_key)));
});

test('rebuilds the Init that the reference daemon accepted', () => {
  const session = vectors.session_captured;
  const responder = ed25519.utils.toMontgomery(octets(session.responder_key));
  const wire = octets(session.init);
  const inner = openBox(responder, octets(session.init_ephemeral_private), wire.subarray(HANDSHAKE_BOX_AT));
  const fields = {
    current: octets(session.initiator_current_public),
    next: octets(session.initiator_next_public),
    keySeq: 0n,
    seq: BigInt(session.init_seq),
  };
  const signed = handshakeSigned(wire.subarray(1, HANDSHAKE_BOX_AT), fields);
  const sig = ed25519.sign(signed, octets(session.initiator_seed));
  assert.equal(hex(writeHandshake({ sig, ...fields })), hex(inner));
});

test('reads the heads of the session traffic of the vectors', () => {
  for (const exchange of vectors.session_captured.exchanges) {
    const reply = octets(exchange.reply);
    const { remote_key_seq, local_key_seq, nonce } = exchange.reply_header;
    const read = need(head(reply));
    assert.equal(reply[0], SESSION.traffic);
    assert.deepEqual([read.sender, read.receiver, read.nonce], [remote_key_seq, local_key_seq, nonce].map(BigInt));
    const box = xsalsa20poly1305(octets(exchange.reply_key), nonceOf(read.nonce));
    const plain = box.decrypt(reply.subarray(read.boxAt));
    assert.equal(hex(plain), exchange.reply_inner_key + exchange.reply_plain);
  }
  const steps = vectors.session_computed.steps.filter((step) => step.name === 'Traffic');
  const heads = steps.map((step) => need(head(octets(step.octets))));
  assert.deepEqual(
    heads.map((read) => [read.sender, read.receiver, read.nonce]),
    [
      [1n, 1n, 1n],
      [2n, 1n, 1n],
      [2n, 2n, 1n],
    ],
  );
});

test('gives back the handshake it wrote, 64-bit fields exactly', () => {
  fc.assert(fc.property(anyHandshake, (message) => assert.deepEqual(readHandshake(writeHandshake(message)), message)));
});

test('signs the handshake with its numbers in eight octets each', () => {
  fc.assert(
    fc.property(anyKey, anyHandshake, (ephemeral, message) => {
      const signed = handshakeSigned(ephemeral, message);
      assert.deepEqual(signed, join(ephemeral, message.current, message.next, writeHandshake(message).subarray(128)));
    }),
  );
});

test('takes no handshake that is an octet shorter or longer', () => {
  for (const length of [0, 143, 145, 160]) assert.equal(readHandshake(new Uint8Array(length)), undefined);
});

test('reads any head of session traffic exactly', () => {
  fc.assert(
    fc.property(anyU64, anyU64, anyU64, anyOctets(48, 60), (sender, receiver, nonce, box) => {
      const packet = join(Uint8Array.of(3), ...[sender, receiver, nonce].map((value) => encodeUvarint(value)), box);
      const boxAt = packet.length - box.length;
      assert.deepEqual(head(packet), { sender, receiver, nonce, boxAt });
      assert.ok(boxAt <= SESSION_HEAD_MAX);
    }),
  );
});

test('wants a tag and a key behind the head, 52 octets in all', () => {
  const packet = join(Uint8Array.of(3, 1, 1, 1), new Uint8Array(48));
  assert.ok(head(packet));
  for (let length = 1; length < 52; length++) assert.equal(head(packet.subarray(0, length)), undefined);
});

test('decodes arbitrary octets without throwing or copying', () => {
  keepsItsPromises(readHandshake, anyHandshake.map(writeHandshake));
  keepsItsPromises(
    head,
    anyOctets(51, 80).map((rest) => join(Uint8Array.of(3), rest)),
  );
});

function nonceOf(counter: bigint): Uint8Array {
  const nonce = Buffer.alloc(24);
  nonce.writeBigUInt64BE(counter, 16);
  return Uint8Array.from(nonce);
}
