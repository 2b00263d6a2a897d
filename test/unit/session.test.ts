import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Crypto, publicKey } from '../../daemon/core/port.ts';
import { newPair, Session } from '../../daemon/core/session/session.ts';
import { Reader } from '../../daemon/wire/cursor.ts';
import type { Handshake, SessionHead } from '../../daemon/wire/session.ts';
import { Chance, contextOf, crypto, identityOf, vectorsOf } from '../support/core.ts';
import { headOf, Side, scripted } from '../support/core-session.ts';
import { hex, need, octets, vectors } from './wire-vectors.ts';

const captured = vectors.session_captured;
const computed = vectors.session_computed;

function privateOf(label: string): Uint8Array {
  const pair = computed.box_keys.find((key) => key.label === label);
  return octets(need(pair).private);
}

/** What is drawn and never seen. */
const ANY = new Uint8Array(32).fill(0x11);
const T_MS = computed.T * 1000;

const steps = computed.steps.map((step) => octets(step.octets));

/** Both sides of the computed session, before the first step. */
function computedSides(): { a: Side; b: Side } {
  const a = new Side(identityOf(octets(computed.A_seed)), {
    random: scripted(
      ['A1', 'A2', 'ephemeral1'].map(privateOf).concat([ANY, ...['A3', 'ephemeral3', 'A4'].map(privateOf)]),
    ),
  });
  const b = new Side(identityOf(octets(computed.B_seed)), {
    random: scripted([ANY, privateOf('B1'), ANY, ...['B2', 'ephemeral2', 'B3', 'B4'].map(privateOf)]),
  });
  a.context.setWallClock(T_MS);
  b.context.setWallClock(T_MS + 1_000);
  return { a, b };
}

test('makes every message of the computed session, octet by octet', () => {
  const { a, b } = computedSides();
  a.send(b, '\x01hello');
  assert.deepEqual(a.take(), [steps[0]]);
  b.receive(a.self, need(steps[0]));
  assert.deepEqual(b.take(), [steps[1]]);
  a.context.setWallClock(T_MS + 2_000);
  a.receive(b.self, need(steps[1]));
  assert.deepEqual(a.take(), [steps[2], steps[3]]);
  b.receive(a.self, need(steps[2]), need(steps[3]));
  assert.deepEqual(b.inbox, ['\x01hello']);
  b.send(a, '\x01world');
  assert.deepEqual(b.take(), [steps[4]]);
  a.receive(b.self, need(steps[4]));
  assert.deepEqual(a.inbox, ['\x01world']);
  a.send(b, '\x01again');
  assert.deepEqual(a.take(), [steps[5]]);
  b.receive(a.self, need(steps[5]));
  assert.deepEqual(b.inbox, ['\x01hello', '\x01again']);
});

test('opens the first packet of the computed session without the second Ack', () => {
  const { a, b } = computedSides();
  a.send(b, '\x01hello');
  b.receive(a.self, need(steps[0]), need(steps[3]));
  assert.deepEqual(b.inbox, ['\x01hello']);
});

test('sends and opens what was captured between a daemon and ours', () => {
  const ours = [
    '85ce52465255a18e1a3482101ba5370bba52383b05f647dbeb88e4f1e51f4406',
    captured.exchanges[0],
    captured.exchanges[1],
  ];
  const [currentPrivate, first, second] = ours as [string, Captured, Captured];
  const fourth = innerKeyOf(second);
  const draws = [
    octets(currentPrivate),
    octets(first.sent_local_private),
    octets(captured.init_ephemeral_private),
    ANY,
    octets(second.sent_local_private),
    ANY,
    MARK,
  ];
  const a = new Side(identityOf(octets(captured.initiator_seed)), {
    random: scripted(draws),
    crypto: { ...crypto, x25519Pair: pairsWith(fourth) },
  });
  const responder = { ...a.self, key: publicKey(octets(captured.responder_key)) };
  const r = { self: responder } as Side;
  a.context.setWallClock(captured.init_seq * 1000);
  a.send(r, text(first.sent_plain));
  assert.deepEqual(a.take().map(hex), [captured.init]);
  a.receive(responder, octets(captured.ack));
  assert.equal(hex(need(a.take()[1])), first.sent, 'behind our Ack');
  for (const [i, exchange] of captured.exchanges.entries()) {
    if (i > 0) {
      a.send(r, text(exchange.sent_plain));
      assert.deepEqual(a.take().map(hex), [exchange.sent]);
    }
    a.receive(responder, octets(exchange.reply));
    assert.equal(a.inbox[i], text(exchange.reply_plain));
  }
});

type Captured = (typeof captured.exchanges)[number] & { sent_local_private: string };

const MARK = new Uint8Array(32).fill(0x77);

const text = (plain: string): string => Buffer.from(plain, 'hex').toString('latin1');

/** The capture tells our fourth public key only; its private half is not needed. */
function pairsWith(fourth: Uint8Array): Crypto['x25519Pair'] {
  return (random) => (hex(random) === hex(MARK) ? { publicKey: fourth, privateKey: MARK } : crypto.x25519Pair(random));
}

/** The key inside the box of a captured packet. */
function innerKeyOf({ sent, sent_key }: Captured): Uint8Array {
  const sealed = octets(sent);
  const reader = new Reader(sealed, 1);
  for (let i = 0; i < 2; i++) reader.uvarint();
  const nonce = Number(reader.uvarint());
  const plain = new Uint8Array(sealed.length);
  crypto.box.open({
    sources: [sealed],
    sourceOffsets: Int32Array.of(reader.pos),
    lengths: Int32Array.of(sealed.length - reader.pos),
    targets: [plain],
    targetOffsets: Int32Array.of(0),
    keys: octets(sent_key),
    nonces: Uint32Array.of(0, nonce),
    ok: new Uint8Array(1),
    count: 1,
  });
  return plain.slice(0, 32);
}

const group = vectorsOf<{ password: string; init: string }>('group_password');

test('a group password makes the Init of the vectors', () => {
  const draws = ['A1', 'A2', 'ephemeral1'].map(privateOf);
  const groupPassword = new TextEncoder().encode(group.password);
  const a = new Side(identityOf(octets(computed.A_seed)), { random: scripted(draws), groupPassword });
  a.context.setWallClock(T_MS);
  a.send(new Side(identityOf(octets(computed.B_seed))), 'x');
  assert.deepEqual(a.take().map(hex), [group.init]);
});

// The state behind the messages

const context = contextOf(identityOf(new Uint8Array(32).fill(9)));
const chance = new Chance(5);

/** A session that has taken an Init: L = 1, Q = `keySeq`. */
function session(keySeq = 0n): { session: Session; handshake: Handshake } {
  const made = new Session(context, publicKey(chance.octets(32)), newPair(context), newPair(context), 9n);
  const handshake = {
    sig: new Uint8Array(64),
    current: newPair(context).publicKey,
    next: newPair(context).publicKey,
    keySeq,
    seq: 10n,
  };
  made.update(handshake, false);
  return { session: made, handshake };
}

function head(sender: bigint, receiver: bigint, nonce = 1n): SessionHead {
  const high = (value: bigint): number => Number(value >> 32n);
  const low = (value: bigint): number => Number(value & 0xffff_ffffn);
  return {
    senderHigh: high(sender),
    senderLow: low(sender),
    receiverHigh: high(receiver),
    receiverLow: low(receiver),
    nonceHigh: high(nonce),
    nonceLow: low(nonce),
    boxAt: 0,
  };
}

for (const { sender, receiver, row } of [
  { sender: 5n, receiver: 0n, row: 0 },
  { sender: 6n, receiver: 1n, row: 1 },
  { sender: 6n, receiver: 0n, row: 2 },
  { sender: 5n, receiver: 1n, row: 3 },
  { sender: 7n, receiver: 1n, row: undefined },
  { sender: 4n, receiver: 0n, row: undefined },
  { sender: 6n, receiver: 2n, row: undefined },
  { sender: 5n + 2n ** 32n, receiver: 0n, row: undefined },
  { sender: 5n, receiver: 2n ** 32n, row: undefined },
] as const) {
  const outcome =
    row === undefined ? 'nothing opens' : `the ${['current', 'next', 'mixed', 'other mixed'][row]} keys open`;
  test(`with L = 1 and Q = 5, ${outcome} a packet of ${sender} and ${receiver}`, () => {
    assert.equal(session(5n).session.rowOf(head(sender, receiver)), row);
  });
}

for (const keySeq of [2n ** 32n - 1n, 2n ** 53n, 2n ** 64n - 1n]) {
  test(`the key after number ${keySeq} is the next in 64 bits`, () => {
    const { session: made } = session(keySeq);
    assert.equal(made.rowOf(head(keySeq, 0n)), 0);
    assert.equal(made.rowOf(head(BigInt.asUintN(64, keySeq + 1n), 1n)), 1);
    assert.equal(made.rowOf(head(keySeq - 1n, 0n)), undefined);
  });
}

function written(made: Session): ReturnType<typeof headOf> {
  made.nextNonce();
  const target = new Uint8Array(made.headSize());
  made.writeHead(target, 0);
  return headOf(target);
}

test('an update keeps the send nonce and our number', () => {
  const { session: made, handshake } = session(5n);
  written(made);
  written(made);
  made.update({ ...handshake, seq: 11n }, false);
  assert.deepEqual(written(made), { sender: 1n, receiver: 5n, nonce: 3n });
});

test('an Ack moves our number on if the last handshake was an Init, and the next Ack does not', () => {
  const { session: made, handshake } = session(5n);
  made.told(true);
  made.update({ ...handshake, seq: 11n }, true);
  assert.equal(made.local, 2);
  made.update({ ...handshake, seq: 12n }, true);
  assert.equal(made.local, 2);
});

test('an Ack that crosses an Ack of ours leaves our number: the peer knows us by that', () => {
  const { session: made, handshake } = session(5n);
  made.told(true);
  made.told(false);
  made.update({ ...handshake, seq: 11n }, true);
  assert.equal(made.local, 1);
});

test('after a handshake no other follows for half a second, then one, then two; after a minute it is half a second again', () => {
  const { session: made } = session();
  const start = context.nowMs;
  const heldMs = (): number => {
    made.told(false);
    const fromMs = context.nowMs;
    while (!made.mayTell) context.nowMs += 100;
    return context.nowMs - fromMs;
  };
  assert.deepEqual([heldMs(), heldMs(), heldMs()], [500, 1_000, 2_000]);
  context.nowMs += 60_000;
  assert.equal(heldMs(), 500);
  context.nowMs = start;
});

test('nor before what the first Init took to be answered has passed', () => {
  const made = new Session(context, publicKey(chance.octets(32)), newPair(context), newPair(context), 9n, 7_000);
  made.told(false);
  context.nowMs += 6_999;
  assert.ok(!made.mayTell);
  context.nowMs += 1;
  assert.ok(made.mayTell);
});

test('a ratchet starts the send nonce anew and moves both numbers', () => {
  const { session: made } = session(5n);
  written(made);
  made.opened(1, 0, 1, newPair(context).publicKey);
  assert.deepEqual(written(made), { sender: 2n, receiver: 6n, nonce: 1n });
});

test('the current keys never ratchet', () => {
  const { session: made } = session(5n);
  made.opened(0, 0, 1, newPair(context).publicKey);
  assert.deepEqual(written(made), { sender: 1n, receiver: 5n, nonce: 1n });
});

test('the next keys ratchet once a minute', () => {
  const { session: made } = session(5n);
  made.opened(1, 0, 1, newPair(context).publicKey);
  context.nowMs += 59_999;
  made.opened(1, 0, 1, newPair(context).publicKey);
  assert.equal(made.local, 2);
  context.nowMs += 1;
  made.opened(1, 0, 2, newPair(context).publicKey);
  assert.equal(made.local, 3);
});

test('mixed keys move the peer’s number on and keep ours, which the peer has yet to see', () => {
  const { session: made } = session(5n);
  written(made);
  made.opened(2, 0, 1, newPair(context).publicKey);
  assert.deepEqual(written(made), { sender: 1n, receiver: 6n, nonce: 2n });
  assert.equal(made.rowOf(head(6n, 0n)), 0, 'what it sends meanwhile is open to the current keys');
});

test('what mixed keys have seen, the current keys have seen afterwards', () => {
  const { session: made } = session(5n);
  const before = made.openKey(2)?.slice();
  made.opened(2, 0, 7, newPair(context).publicKey);
  assert.ok(!made.isNewNonce(0, head(6n, 0n, 7n)));
  assert.deepEqual(made.openKey(0), before);
});

test('the other mixed keys move our number on and keep the peer’s', () => {
  const { session: made } = session(5n);
  made.opened(3, 0, 7, newPair(context).publicKey);
  assert.deepEqual(written(made), { sender: 2n, receiver: 5n, nonce: 1n });
  assert.ok(!made.isNewNonce(0, head(5n, 1n, 7n)), 'what they have seen, the current keys have seen');
});

test('what the next keys have seen before a ratchet, the current keys have seen after it', () => {
  const { session: made } = session(5n);
  made.opened(1, 0, 7, newPair(context).publicKey);
  assert.ok(!made.isNewNonce(0, head(6n, 1n, 7n)));
  assert.ok(made.isNewNonce(0, head(6n, 1n, 6n)));
});

test('the nonce zero is never new', () => {
  const { session: made } = session(5n);
  for (const row of [0, 1, 2, 3] as const) assert.ok(!made.isNewNonce(row, head(5n, 0n, 0n)));
  assert.ok(made.isNewNonce(0, head(5n, 0n, 1n)));
});

test('the key that opened the next row opens the current row after a ratchet', () => {
  const { session: made } = session(5n);
  const before = made.openKey(1)?.slice();
  made.opened(1, 0, 1, newPair(context).publicKey);
  assert.deepEqual(made.openKey(0), before);
});

test('nonces are counted for each pair of keys', () => {
  const { session: made } = session(5n);
  made.opened(0, 0, 7, newPair(context).publicKey);
  assert.ok(!made.isNewNonce(0, head(5n, 0n, 7n)));
  assert.ok(made.isNewNonce(1, head(6n, 1n, 7n)));
  assert.ok(made.isNewNonce(2, head(6n, 0n, 7n)));
});

test('an update forgets what the keys that it replaces have seen', () => {
  const { session: made, handshake } = session(5n);
  made.opened(0, 0, 7, newPair(context).publicKey);
  made.update({ ...handshake, current: newPair(context).publicKey, seq: 11n }, false);
  assert.ok(made.isNewNonce(0, head(5n, 0n, 7n)));
});

test('an update remembers what the keys that it brings again have seen', () => {
  const { session: made, handshake } = session(5n);
  made.opened(1, 0, 1, newPair(context).publicKey);
  const next = newPair(context).publicKey;
  made.update({ ...handshake, next, seq: 11n }, false);
  made.opened(2, 0, 7, newPair(context).publicKey);
  made.update({ ...handshake, current: next, seq: 12n }, false);
  assert.ok(!made.isNewNonce(0, head(5n, 1n, 7n)));
});

test('keys that give no secret seal and open nothing', () => {
  const { session: made, handshake } = session(5n);
  made.update({ ...handshake, current: new Uint8Array(32), next: new Uint8Array(32), seq: 11n }, false);
  assert.equal(made.sealKey(), undefined);
  assert.deepEqual(
    ([0, 1, 2, 3] as const).map((row) => made.openKey(row)),
    [undefined, undefined, undefined, undefined],
  );
});

test('a wiped session keeps no private key', () => {
  const { session: made } = session(5n);
  const pairs = [made.send, made.next];
  const seal = made.sealKey();
  made.wipe();
  for (const secret of [seal, ...pairs.map((pair) => pair.privateKey)]) assert.deepEqual(secret, new Uint8Array(32));
});
