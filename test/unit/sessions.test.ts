import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PublicKey, publicKey } from '../../daemon/core/port.ts';
import { Handshakes } from '../../daemon/core/session/handshake.ts';
import type { Handshake } from '../../daemon/wire/session.ts';
import { Chance, contextOf, type Identity, identity, NOTHING, UNIX_MS } from '../support/core.ts';
import { aOf, bOf, exchange, joined, passTime, Side, sides } from '../support/core-session.ts';

const strangerOf = identity(3);

/** What an Init or Ack says to its receiver. */
function opened(message: Uint8Array | undefined, receiver: Identity): Handshake {
  assert.ok(message);
  const handshake = new Handshakes(contextOf(receiver)).open(message, 0);
  assert.ok(handshake, 'it opens');
  return handshake;
}

/** An Init or Ack made by hand. */
function handshakeOf(
  type: 1 | 2,
  from: Identity,
  to: PublicKey,
  { unixMs, keySeq = 0 }: { unixMs: number; keySeq?: number },
): Uint8Array {
  const context = contextOf(from);
  context.setWallClock(unixMs);
  const pair = () => context.crypto.x25519Pair(context.randomOctets(32));
  const message = new Handshakes(context).make(type, to, { send: pair(), next: pair(), local: keySeq }, false);
  assert.ok(message);
  return message;
}

const types = (payloads: readonly Uint8Array[]): (number | undefined)[] => payloads.map((payload) => payload[0]);
const INIT = 1;
const ACK = 2;
const TRAFFIC = 3;

// The usual exchange (section 5.3)

test('the first packet opens a session and arrives', () => {
  const { a, b } = sides();
  a.send(b, 'first');
  assert.deepEqual(types(a.outbox), [INIT]);
  exchange(a, b);
  assert.deepEqual(b.inbox, ['first']);
});

test('an Init is answered with an Ack, and that with an Ack and the packet', () => {
  const { a, b } = sides();
  a.send(b, 'first');
  b.receive(aOf, ...a.take());
  assert.deepEqual(types(b.outbox), [ACK]);
  a.receive(bOf, ...b.take());
  assert.deepEqual(types(a.outbox), [ACK, TRAFFIC]);
  b.receive(aOf, ...a.take());
  assert.deepEqual(b.take(), []);
});

test('the first packet arrives even if the second Ack is lost', () => {
  const { a, b } = sides();
  a.send(b, 'first');
  b.receive(aOf, ...a.take());
  a.receive(bOf, ...b.take());
  b.receive(aOf, ...a.take().slice(1));
  assert.deepEqual(b.inbox, ['first']);
});

test('packets pass both ways', () => {
  const { a, b } = joined();
  for (let i = 0; i < 10; i++) {
    a.send(b, `to b ${i}`);
    b.send(a, `to a ${i}`);
    exchange(a, b);
  }
  assert.equal(a.inbox.length, 10);
  assert.equal(b.inbox.length, 10);
});

test('an Ack for an existing session is not answered', () => {
  const { a, b } = joined();
  b.receive(aOf, handshakeOf(2, aOf, bOf.key, { unixMs: UNIX_MS + 2_000 }));
  assert.deepEqual(b.take(), []);
  assert.equal(a.inbox.length, 0);
});

test('an Ack without a session opens one and is answered with an Ack', () => {
  const { b } = sides();
  b.receive(aOf, handshakeOf(2, aOf, bOf.key, { unixMs: UNIX_MS }));
  assert.deepEqual(types(b.take()), [ACK]);
  assert.equal([...b.sessions.values()].length, 1);
});

test('an Init for an existing session is answered with an Ack', () => {
  const { b } = joined();
  b.receive(aOf, handshakeOf(1, aOf, bOf.key, { unixMs: UNIX_MS + 2_000 }));
  assert.deepEqual(types(b.take()), [ACK]);
});

for (const { what, seconds } of [
  { what: 'the same', seconds: 0 },
  { what: 'an earlier', seconds: -1 },
]) {
  test(`an Init of ${what} second is ignored without an answer`, () => {
    const { b } = sides();
    b.receive(aOf, handshakeOf(1, aOf, bOf.key, { unixMs: UNIX_MS }));
    b.take();
    passTime(600, b);
    b.receive(aOf, handshakeOf(1, aOf, bOf.key, { unixMs: UNIX_MS + seconds * 1_000 }));
    assert.deepEqual(b.take(), []);
    assert.equal(b.drops()['session handshake stale'], 1);
  });
}

test('both sides may start at once', () => {
  const { a, b } = sides();
  a.send(b, 'from a');
  b.send(a, 'from b');
  const [fromA, fromB] = [a.take(), b.take()];
  a.receive(bOf, ...fromB);
  b.receive(aOf, ...fromA);
  exchange(a, b);
  assert.deepEqual([a.inbox, b.inbox], [['from b'], ['from a']]);
});

test('after both have started at once packets pass both ways', () => {
  const { a, b } = sides();
  a.send(b, 'from a');
  b.send(a, 'from b');
  exchange(a, b);
  for (let i = 0; i < 5; i++) {
    a.send(b, 'more');
    b.send(a, 'more');
    exchange(a, b);
  }
  assert.deepEqual([a.inbox.length, b.inbox.length], [6, 6]);
});

// What waits for a session (section 5.6)

test('only the latest packet waits for a session', () => {
  const { a, b } = sides();
  for (const text of ['one', 'two', 'three']) a.send(b, text);
  exchange(a, b);
  assert.deepEqual(b.inbox, ['three']);
  assert.equal(a.drops()['session packet replaced'], 2);
});

test('a waiting packet is a copy', () => {
  const { a, b } = sides();
  const buffer = new TextEncoder().encode(`${'-'.repeat(32)}text`);
  a.sessions.send(bOf.key, buffer, 32, 4);
  buffer.fill(0);
  exchange(a, b);
  assert.deepEqual(b.inbox, ['text']);
});

test('further packets repeat the Init, after half a second, then a whole one, then each two', () => {
  const { a, b } = sides();
  const times: number[] = [];
  for (let ms = 0; ms < 11_000; ms += 100) {
    a.send(b, 'again');
    if (a.take().length > 0) times.push(ms);
    passTime(100, a, b);
  }
  assert.deepEqual(times, [0, 500, 1_500, 3_500, 5_500, 7_500, 9_500]);
});

test('a repeated Init offers the same keys under a fresh ephemeral key and the present second', () => {
  const { a, b } = sides();
  a.send(b, 'one');
  passTime(3_000, a);
  a.send(b, 'two');
  const [first, second] = a.take();
  const [before, after] = [opened(first, bOf), opened(second, bOf)];
  assert.deepEqual([after.current, after.next, after.keySeq], [before.current, before.next, before.keySeq]);
  assert.equal(after.seq, before.seq + 3n);
  assert.notDeepEqual(first?.slice(1, 33), second?.slice(1, 33));
});

test('a lost Ack is made up for by the next Init', () => {
  const { a, b } = sides();
  a.send(b, 'one');
  b.receive(aOf, ...a.take());
  b.take();
  passTime(1_000, a, b);
  a.send(b, 'two');
  exchange(a, b);
  assert.deepEqual(b.inbox, ['two']);
});

test('a packet stops waiting a minute after the last one', () => {
  const { a, b } = sides();
  a.send(b, 'late');
  const [init] = a.take();
  passTime(60_000, a, b);
  b.receive(aOf, init as Uint8Array);
  exchange(a, b);
  assert.deepEqual(b.inbox, []);
});

test('every packet to an unanswering peer gives the waiting one another minute', () => {
  const { a, b } = sides();
  for (let i = 0; i < 4; i++) {
    a.send(b, `packet ${i}`);
    passTime(59_999, a, b);
  }
  const init = a.take().at(-1);
  b.receive(aOf, init as Uint8Array);
  exchange(a, b);
  assert.deepEqual(b.inbox, ['packet 3']);
});

// Session life

test('a session ends a minute after the last packet', () => {
  const { a } = joined();
  passTime(58_499, a);
  assert.equal([...a.sessions.values()].length, 1);
  passTime(1, a);
  assert.equal([...a.sessions.values()].length, 0);
  assert.ok(a.context.events.some((event) => event.kind === 'sessionClosed'));
});

test('sending keeps a session', () => {
  const { a, b } = joined();
  for (let i = 0; i < 4; i++) {
    passTime(50_000, a);
    a.send(b, 'x');
  }
  assert.equal([...a.sessions.values()].length, 1);
});

test('receiving keeps a session', () => {
  const { a, b } = joined();
  for (let i = 0; i < 4; i++) {
    passTime(50_000, a, b);
    a.send(b, 'x');
    b.receive(aOf, ...a.take());
  }
  assert.equal([...b.sessions.values()].length, 1);
});

test('a new session follows one that has ended', () => {
  const { a, b } = joined();
  passTime(61_000, a, b);
  a.send(b, 'again');
  exchange(a, b);
  assert.deepEqual(b.inbox, ['again']);
});

test('an Init recorded before is not taken after its session has ended', () => {
  const { a, b } = sides();
  a.send(b, 'hello');
  const [recorded] = a.outbox;
  exchange(a, b);
  passTime(1_500, a, b);
  b.receive(aOf, handshakeOf(1, aOf, bOf.key, { unixMs: UNIX_MS + 1_000 }));
  passTime(61_000, a, b);
  b.take();
  b.receive(aOf, recorded as Uint8Array);
  assert.equal([...b.sessions.values()].length, 0);
  assert.deepEqual(b.take(), []);
});

// Replays, damage, order (section 5.5)

test('a packet is delivered once', () => {
  const { a, b } = joined();
  a.send(b, 'once');
  const [packet] = a.take();
  b.receive(aOf, packet as Uint8Array, packet as Uint8Array);
  b.receive(aOf, packet as Uint8Array);
  assert.deepEqual(b.inbox, ['once']);
  assert.equal(b.drops()['session replay'], 2);
});

test('packets that overtake each other are all delivered', () => {
  const { a, b } = joined();
  for (let i = 0; i < 10; i++) a.send(b, String(i));
  b.receive(aOf, ...a.take().reverse());
  assert.deepEqual(b.inbox.sort(), ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
});

test('a damaged packet is dropped and the keys are offered anew', () => {
  const { a, b } = joined();
  a.send(b, 'x');
  const [packet] = a.take() as [Uint8Array];
  packet[packet.length - 1] = (packet.at(-1) as number) ^ 1;
  b.receive(aOf, packet);
  assert.deepEqual(b.inbox, []);
  assert.deepEqual(types(b.take()), [INIT]);
});

test('a damaged packet does not use up its nonce', () => {
  const { a, b } = joined();
  a.send(b, 'whole');
  const [packet] = a.take() as [Uint8Array];
  const damaged = packet.slice();
  damaged[packet.length - 1] = (packet.at(-1) as number) ^ 1;
  b.receive(aOf, damaged, packet);
  assert.deepEqual(b.inbox, ['whole']);
});

test('a good packet behind a damaged one in the same batch is delivered', () => {
  const { a, b } = joined();
  for (const text of ['bad', 'good']) a.send(b, text);
  const [bad, good] = a.take() as [Uint8Array, Uint8Array];
  bad[20] = (bad[20] as number) ^ 1;
  b.receive(aOf, bad, good);
  assert.deepEqual(b.inbox, ['good']);
});

test('a stranger’s packets under a known source do no harm', () => {
  const { a, b } = joined();
  const chance = new Chance(1);
  for (let i = 0; i < 20; i++) b.receive(aOf, Uint8Array.of(TRAFFIC, i, i, 9, ...chance.octets(60)));
  a.send(b, 'real');
  exchange(a, b);
  assert.deepEqual(b.inbox, ['real']);
});

for (const { what, payload } of [
  { what: 'nothing', payload: NOTHING },
  { what: 'type zero', payload: new Uint8Array(60) },
  { what: 'type four', payload: new Uint8Array(193).fill(4) },
  { what: 'traffic of 51 octets', payload: Uint8Array.of(TRAFFIC, 1, 1, 1, ...new Uint8Array(47)) },
  { what: 'traffic with a broken head', payload: new Uint8Array(60).fill(0xff).fill(TRAFFIC, 0, 1) },
]) {
  test(`a payload of ${what} is dropped without an answer`, () => {
    const { b } = joined();
    b.receive(aOf, payload);
    assert.deepEqual(b.take(), []);
    assert.equal(b.drops()['session packet unknown'], 1);
  });
}

for (const { what, damage, drop } of [
  { what: 'too short', damage: (octets: Uint8Array) => octets.slice(0, 192), drop: 'session handshake malformed' },
  {
    what: 'too long',
    damage: (octets: Uint8Array) => Buffer.concat([octets, Buffer.alloc(1)]),
    drop: 'session handshake malformed',
  },
  {
    what: 'sealed for another',
    damage: (octets: Uint8Array) => octets.slice().fill(1, 33),
    drop: 'session handshake unreadable',
  },
]) {
  test(`a handshake that is ${what} is dropped without an answer`, () => {
    const { b } = sides();
    b.receive(aOf, damage(handshakeOf(1, aOf, bOf.key, { unixMs: UNIX_MS })));
    assert.deepEqual(b.take(), []);
    assert.equal(b.drops()[drop], 1);
    assert.equal([...b.sessions.values()].length, 0);
  });
}

test('a handshake under another source is dropped without an answer', () => {
  const { b } = sides();
  b.receive(strangerOf, handshakeOf(1, aOf, bOf.key, { unixMs: UNIX_MS }));
  assert.deepEqual(b.take(), []);
  assert.equal(b.drops()['session handshake signature invalid'], 1);
});

test('a forged handshake changes nothing in a session', () => {
  const { a, b } = joined();
  const forged = handshakeOf(1, { ...aOf, seed: strangerOf.seed }, bOf.key, { unixMs: UNIX_MS + 5_000 });
  b.receive(aOf, forged);
  a.send(b, 'still');
  b.receive(aOf, ...a.take());
  assert.deepEqual(b.inbox, ['still']);
});

test('a handshake without a usable ephemeral key is dropped', () => {
  const { b } = sides();
  const message = new Uint8Array(193);
  message[0] = INIT;
  b.receive(aOf, message);
  assert.equal(b.drops()['session handshake unreadable'], 1);
});

test('a packet for a key that is no point of the curve is dropped', () => {
  const { a } = sides();
  const nobody = { ...strangerOf, key: publicKey(new Uint8Array(32).fill(2)) };
  a.send({ self: nobody } as Side, 'x');
  assert.deepEqual(a.take(), []);
  assert.equal(a.drops()['session unreadable'], 1);
});

// Group password (section 5.7)

test('sides with one group password understand each other', () => {
  const groupPassword = Uint8Array.of(1, 2, 3);
  const [a, b] = [new Side(aOf, { groupPassword }), new Side(bOf, { groupPassword })];
  a.send(b, 'secret');
  exchange(a, b);
  assert.deepEqual(b.inbox, ['secret']);
});

for (const { what, ours, theirs } of [
  { what: 'another group password', ours: Uint8Array.of(1), theirs: Uint8Array.of(2) },
  { what: 'none, when we have one', ours: Uint8Array.of(1), theirs: NOTHING },
  { what: 'one, when we have none', ours: NOTHING, theirs: Uint8Array.of(2) },
]) {
  test(`a handshake under ${what} is ignored without an answer`, () => {
    const [a, b] = [new Side(aOf, { groupPassword: theirs }), new Side(bOf, { groupPassword: ours })];
    a.send(b, 'x');
    b.receive(aOf, ...a.take());
    assert.deepEqual(b.take(), []);
    assert.equal(b.drops()['session handshake signature invalid'], 1);
  });
}
