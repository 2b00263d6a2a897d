import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareOctets } from '../../daemon/core/octetmap.ts';
import type { NodeOptions } from '../../daemon/core/port.ts';
import { type Identity, identity, UNIX_MS } from '../support/core.ts';
import { ChannelSide, carry, live, type Relay } from '../support/core-channels.ts';
import { portableCutter, type SuperSpec, superPacket, TCP } from '../support/super-packets.ts';

const [low, high] = [identity(1), identity(2)].sort((a, b) => compareOctets(a.key, b.key)) as [Identity, Identity];
const [INIT, FIRST, SECOND, DATA] = [1, 0x20, 0x21, 0x22];
const type = (payload: Uint8Array): number => payload[0] ?? 0;
const isHandshake: Relay = (payload) => type(payload) === FIRST || type(payload) === SECOND;

function sides(a: Partial<NodeOptions> = {}, b: Partial<NodeOptions> = {}): { a: ChannelSide; b: ChannelSide } {
  return { a: new ChannelSide(low, a), b: new ChannelSide(high, b) };
}

/** Each knows that the other speaks e2e. */
function acquainted(mode: NodeOptions['e2e'] = 'prefer'): { a: ChannelSide; b: ChannelSide } {
  const known = (key: Identity) => ({ e2e: mode, e2eKnown: [{ key: key.key, unixMs: UNIX_MS }] });
  return sides(known(high), known(low));
}

/** With an e2e session that both have confirmed, and nothing in the inboxes. */
function joined(): { a: ChannelSide; b: ChannelSide } {
  const { a, b } = acquainted();
  a.send(b, 'hello');
  carry(a, b);
  b.send(a, 'hello');
  carry(a, b);
  for (const side of [a, b]) side.inbox.length = 0;
  return { a, b };
}

for (const { who, swap } of [
  { who: 'lower', swap: false },
  { who: 'higher', swap: true },
]) {
  test(`two that meet for the first time end up with an e2e session, the ${who} key writing first`, () => {
    const { a, b } = sides();
    const [from, to] = swap ? [b, a] : [a, b];
    from.send(to, 'first');
    carry(a, b);
    assert.deepEqual(to.inbox, ['first'], 'by the session that every node speaks');
    to.send(from, 'second');
    carry(a, b);
    assert.deepEqual(
      [a.kinds(), b.kinds()],
      [
        ['e2e', 'ironwood'],
        ['e2e', 'ironwood'],
      ],
    );
    from.send(to, 'third');
    assert.deepEqual(from.outbox.map(type), [DATA]);
    carry(a, b);
    assert.deepEqual([to.inbox, from.inbox], [['first', 'third'], ['second']]);
    live(65_000, a, b);
    assert.deepEqual([a.kinds(), b.kinds()], [['e2e'], ['e2e']], 'the other one ends by its idle time');
  });
}

test('two that know each other need one round trip and no other session', () => {
  const { a, b } = acquainted();
  a.send(b, 'first');
  assert.deepEqual(a.outbox.map(type), [FIRST]);
  b.receive(low, ...a.take());
  assert.deepEqual(b.outbox.map(type), [SECOND]);
  a.receive(high, ...b.take());
  assert.deepEqual(a.outbox.map(type), [DATA]);
  carry(a, b);
  assert.deepEqual(b.inbox, ['first']);
  assert.deepEqual([a.kinds(), b.kinds()], [['e2e'], ['e2e']]);
});

test('over a radio whoever may speak e2e is asked for that first, and there is no other session', () => {
  const { a, b } = sides();
  a.slowMs = 300;
  a.send(b, 'first');
  assert.deepEqual(a.outbox.map(type), [FIRST]);
  carry(a, b);
  assert.deepEqual([b.inbox, a.kinds(), b.kinds()], [['first'], ['e2e'], ['e2e']]);
});

test('a plain node behind a radio gets the packet when it has been asked in vain, and for an hour without', () => {
  const { a, b } = sides({}, { e2e: 'off' });
  a.slowMs = 300;
  a.send(b, 'first');
  live(2_900, a, b);
  assert.deepEqual(b.inbox, []);
  live(200, a, b);
  assert.deepEqual(b.inbox, ['first']);
  assert.equal(a.context.stats.counters.e2eDowngradeSuspected, 0, 'that is no alarm');
  live(70_000, a, b);
  assert.deepEqual(a.kinds(), []);
  a.send(b, 'second');
  assert.deepEqual(a.outbox.map(type), [INIT]);
  carry(a, b);
  assert.deepEqual(b.inbox, ['first', 'second']);
  a.pass(3_600_000);
  a.send(b, 'third');
  assert.deepEqual(a.outbox.map(type), [FIRST]);
});

test('on a slow radio it is asked for longer', () => {
  const { a, b } = sides({}, { e2e: 'off' });
  a.slowMs = 5_000;
  a.send(b, 'first');
  live(39_000, a, b);
  assert.deepEqual(b.inbox, []);
  live(2_000, a, b);
  assert.deepEqual(b.inbox, ['first']);
});

test('a hello tells what is known for the next start', () => {
  const { a, b } = sides();
  a.send(b, 'first');
  carry(a, b);
  for (const side of [a, b]) {
    const told = side.context.events.filter(({ kind }) => kind === 'e2eKnown');
    assert.equal(told.length, 1);
  }
});

test('a key is told again after a day, not with every change of keys', () => {
  const { a, b } = acquainted();
  const told = () => a.context.events.filter(({ kind }) => kind === 'e2eKnown').length;
  for (let i = 0; i < 10; i++) {
    a.send(b, 'x');
    live(60_000, a, b);
  }
  assert.equal(told(), 0, 'it is in the list already');
  a.context.setWallClock(UNIX_MS + 86_400_000);
  b.context.setWallClock(UNIX_MS + 86_400_000);
  a.send(b, 'x');
  live(400_000, a, b);
  a.send(b, 'x');
  carry(a, b);
  assert.equal(told(), 1);
});

test('what was known is forgotten after 30 days', () => {
  const { a, b } = acquainted();
  a.context.setWallClock(UNIX_MS + 30 * 86_400_000);
  a.send(b, 'x');
  assert.deepEqual(a.outbox.map(type), [1]);
});

test('off speaks no e2e, says so, and is believed', () => {
  const { a, b } = sides({ e2e: 'off' }, { e2eKnown: [{ key: low.key, unixMs: UNIX_MS }] });
  a.send(b, 'one');
  live(2_000, a, b);
  b.send(a, 'two');
  live(5_000, a, b);
  assert.deepEqual([a.inbox, b.inbox], [['two'], ['one']]);
  assert.deepEqual([a.kinds(), b.kinds()], [['ironwood'], ['ironwood']]);
  assert.ok(b.context.events.some(({ kind }) => kind === 'e2eForgotten'));
  assert.equal(b.context.stats.counters.e2eDowngradeSuspected, 0);
});

test('off drops first messages without an answer', () => {
  const { a, b } = sides({ e2eKnown: [{ key: high.key, unixMs: UNIX_MS }] }, { e2e: 'off' });
  a.send(b, 'x');
  b.receive(low, ...a.take());
  assert.deepEqual(b.take(), []);
  assert.deepEqual(b.drops(), { 'e2e off': 1 });
});

test('who should begin and has not read our hello hears it once more, five seconds later', () => {
  const { a, b } = sides();
  b.send(a, 'x');
  // The first packet of the session that `b` sends is its hello.
  let sessionPackets = 0;
  const losesFirst: Relay = (payload, from) => from !== b || type(payload) !== 3 || ++sessionPackets > 1;
  carry(a, b, losesFirst);
  a.send(b, 'y');
  carry(a, b, losesFirst);
  const kindsAfter = (ms: number): string[] => {
    live(ms, a, b);
    return a.kinds();
  };
  assert.deepEqual(kindsAfter(4_500), ['ironwood']);
  assert.deepEqual(kindsAfter(1_500), ['e2e', 'ironwood']);
});

test('one that has lost the keys and does not know it says hello, and has new ones at once', () => {
  for (const [restarted, other] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const both = joined();
    live(10_000, both.a, both.b);
    const fresh = new ChannelSide(both[restarted].self);
    fresh.context.nowMs = both[other].context.nowMs;
    fresh.context.setWallClock(UNIX_MS + fresh.context.nowMs + 60_000);
    const keys = both[other].channels.e2e.get(fresh.self.key)?.current;
    fresh.send(both[other], 'x');
    carry(fresh, both[other]);
    live(6_000, fresh, both[other]);
    assert.notEqual(both[other].channels.e2e.get(fresh.self.key)?.current, keys, restarted);
    assert.ok(fresh.kinds().includes('e2e'));
  }
});

test('a plain node gets its packets and one hello for each session', () => {
  const { a, b } = sides();
  // What a plain node does with octets it does not know: nothing.
  const relay: Relay = (payload) => type(payload) <= 3;
  a.send(b, 'one');
  carry(a, b, relay);
  b.send(a, 'two');
  carry(a, b, relay);
  assert.deepEqual([a.inbox, b.inbox], [['two'], ['one']]);
  assert.deepEqual([a.kinds(), b.kinds()], [['ironwood'], ['ironwood']]);
});

test('E4: where handshakes are dropped, traffic flows after 3 s, and the alarm counts once', () => {
  const { a, b } = acquainted();
  const relay: Relay = (payload, from) => !isHandshake(payload, from);
  a.send(b, 'early');
  live(2_900, a, b, relay);
  assert.deepEqual(b.inbox, []);
  live(300, a, b, relay);
  assert.deepEqual(b.inbox, ['early']);
  for (let i = 0; i < 100; i++) {
    a.send(b, 'x');
    b.send(a, 'x');
    live(1_000, a, b, relay);
  }
  assert.deepEqual([a.inbox.length, b.inbox.length], [100, 101]);
  assert.equal(a.context.stats.counters.e2eDowngradeSuspected, 1);
  assert.ok(a.context.events.some(({ kind }) => kind === 'e2eDowngradeSuspected'));
});

test('E4: where handshakes are dropped from the beginning, a hello raises the alarm and traffic never stops', () => {
  const { a, b } = sides();
  const relay: Relay = (payload, from) => !isHandshake(payload, from);
  for (let i = 0; i < 10; i++) {
    a.send(b, 'x');
    live(500, a, b, relay);
  }
  assert.equal(b.inbox.length, 10);
  live(15_000, a, b, relay);
  assert.equal(a.context.stats.counters.e2eDowngradeSuspected, 1);
});

test('E4: who was away, and is back with no memory, raises no alarm', () => {
  const { a, b } = sides();
  const silence: Relay = () => false;
  for (let i = 0; i < 5; i++) {
    a.send(b, 'x');
    b.send(a, 'x');
    live(1_000, a, b);
  }
  for (let i = 0; i < 30; i++) {
    a.send(b, 'lost');
    live(1_000, a, b, silence);
  }
  b.restart();
  b.inbox.length = 0;
  for (let i = 0; i < 60; i++) {
    a.send(b, 'again');
    b.send(a, 'again');
    live(1_000, a, b);
  }
  assert.ok(b.inbox.length > 50);
  assert.equal(a.context.stats.counters.e2eDowngradeSuspected, 0);
});

test('E4: require lets no packet leave by another session', () => {
  const { a, b } = acquainted('require');
  const relay: Relay = (payload, from) => !isHandshake(payload, from);
  for (let i = 0; i < 100; i++) {
    a.send(b, 'secret');
    assert.ok(a.outbox.every((payload) => type(payload) === FIRST));
    live(1_000, a, b, relay);
  }
  assert.deepEqual(b.inbox, []);
  assert.deepEqual(a.kinds(), []);
});

test('require speaks e2e to strangers, and refuses the other kind', () => {
  const { a, b } = sides({ e2e: 'require' });
  a.send(b, 'one');
  carry(a, b);
  assert.deepEqual(b.inbox, ['one']);
  const plain = new ChannelSide(identity(3), { e2e: 'off' });
  plain.send(a, 'no');
  a.receive(plain.self, ...plain.take());
  assert.deepEqual(a.take(), []);
  assert.deepEqual(a.drops(), { 'e2e required': 1 });
});

test('after the interference ends traffic moves to e2e', () => {
  const { a, b } = acquainted();
  a.send(b, 'x');
  live(5_000, a, b, (payload, from) => !isHandshake(payload, from));
  assert.deepEqual(a.kinds(), ['ironwood']);
  live(6_000, a, b);
  a.send(b, 'now');
  assert.deepEqual(a.outbox.map(type), [DATA]);
});

test('only the latest packet waits for a handshake', () => {
  const { a, b } = acquainted();
  for (const text of ['one', 'two', 'three']) a.send(b, text);
  carry(a, b);
  assert.deepEqual(b.inbox, ['three']);
  assert.equal(a.drops()['session packet replaced'], 2);
});

test('a peer that forgets e2e is reached by the other session within 10 s', () => {
  const { a, b } = joined();
  const plain = new ChannelSide(b.self, { e2e: 'off' });
  plain.context.nowMs = b.context.nowMs;
  plain.context.setWallClock(UNIX_MS + 60_000);
  for (let i = 0; i < 20; i++) {
    a.send(plain, String(i));
    live(500, a, plain);
  }
  assert.ok(plain.inbox.includes('19'));
});

test('a peer that starts anew is reached within 8 s, whoever speaks first', () => {
  const { a, b } = joined();
  b.restart();
  for (let i = 0; i < 16; i++) {
    a.send(b, String(i));
    live(500, a, b);
  }
  assert.ok(b.inbox.includes('15'));
  a.restart();
  a.send(b, 'again');
  live(500, a, b);
  assert.ok(b.inbox.includes('again'));
});

test('getSessions tells the kind and the age of the keys', () => {
  const { a, b } = joined();
  live(5_000, a, b);
  const [session] = a.channels.snapshot();
  assert.equal(session?.kind, 'e2e');
  assert.ok((session?.keyAgeMs ?? 0) >= 5_000);
});

// Super-packets

const superPackets = { cutter: portableCutter } as const;
const superContent = Uint8Array.of(3, ...superPacket(anySuperPacket()));

function anySuperPacket(): SuperSpec {
  const [source, dest] = [new Uint8Array(16).fill(2), new Uint8Array(16).fill(3)];
  return { protocol: TCP, source, dest, data: new Uint8Array(100), segmentSize: 30 };
}

function sendSuperPacket(from: ChannelSide, to: ChannelSide): boolean {
  const isSent = from.channels.sendSuperPacket(to.self.key, superContent.slice(), 0, superContent.length);
  from.channels.settle();
  return isSent;
}

for (const [ours, theirs] of [
  [true, true],
  [true, false],
  [false, true],
  [false, false],
]) {
  test(`super-packets pass if both sides take them: here one ${ours ? 'does' : 'does not'}, the other ${theirs ? 'does' : 'does not'}`, () => {
    const { a, b } = sides(ours ? superPackets : {}, theirs ? superPackets : {});
    for (const [from, to] of [
      [a, b],
      [b, a],
      [a, b],
    ] as const) {
      from.send(to, 'hello');
      carry(a, b);
    }
    assert.ok(a.kinds().includes('e2e'));
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      assert.equal(sendSuperPacket(from, to), ours && theirs);
      carry(a, b);
      assert.deepEqual(to.superInbox, ours && theirs ? [superContent.slice(1)] : []);
    }
  });
}

test('a super-packet that nobody agreed to is an application packet that nobody knows', () => {
  const { a, b } = sides(superPackets, {});
  for (const [from, to] of [
    [a, b],
    [b, a],
    [a, b],
  ] as const) {
    from.send(to, 'hello');
    carry(a, b);
  }
  b.inbox.length = 0;
  a.send(b, Buffer.from(superContent).toString('latin1'));
  carry(a, b);
  assert.deepEqual([b.superInbox, b.inbox.length], [[], 1]);
});

test('a session of the other kind carries no super-packet', () => {
  const { a, b } = sides({ ...superPackets, e2e: 'off' }, superPackets);
  a.send(b, 'hello');
  carry(a, b);
  assert.equal(sendSuperPacket(b, a), false);
  assert.equal(sendSuperPacket(a, b), false);
  a.send(b, Buffer.from(superContent).toString('latin1'));
  carry(a, b);
  assert.deepEqual([b.superInbox, b.inbox.length], [[], 2]);
});
