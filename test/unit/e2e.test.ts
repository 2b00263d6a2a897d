import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareOctets } from '../../daemon/core/octetmap.ts';
import type { NodeOptions } from '../../daemon/core/port.ts';
import { Chance, type Identity, identity, limitsWith, UNIX_MS } from '../support/core.ts';
import { ChannelSide, carry, live } from '../support/core-channels.ts';

const [low, high] = [identity(1), identity(2)].sort((a, b) => compareOctets(a.key, b.key)) as [Identity, Identity];
const stranger = identity(3);
const [FIRST, SECOND, DATA] = [0x20, 0x21, 0x22];
const types = (payloads: readonly Uint8Array[]): (number | undefined)[] => payloads.map(([type]) => type);
const knowing = (...others: Identity[]): Partial<NodeOptions> => ({
  e2eKnown: others.map(({ key }) => ({ key, unixMs: UNIX_MS })),
});

function sides(): { a: ChannelSide; b: ChannelSide } {
  return { a: new ChannelSide(low, knowing(high)), b: new ChannelSide(high, knowing(low)) };
}

/** With a session begun by `a` and confirmed by both. */
function joined(): { a: ChannelSide; b: ChannelSide } {
  const { a, b } = sides();
  a.send(b, 'hello');
  carry(a, b);
  for (const side of [a, b]) side.inbox.length = 0;
  return { a, b };
}

/** A first message from a new process of this identity. */
function firstOf(from: Identity, to: ChannelSide, aheadMs = 0): Uint8Array {
  const side = new ChannelSide(from, knowing(to.self));
  side.context.nowMs = to.context.nowMs;
  side.context.setWallClock(UNIX_MS + to.context.nowMs + aheadMs);
  side.send(to, 'x');
  return side.take()[0] as Uint8Array;
}

const flipped = (octets: Uint8Array, at: number): Uint8Array => {
  const copy = octets.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

// Records

test('E3: packets that overtake each other by thousands are all delivered, once', () => {
  const { a, b } = joined();
  const count = 8_000;
  for (let i = 0; i < count; i++) a.send(b, String(i));
  const sent = a.take();
  const chance = new Chance(1);
  for (let i = sent.length - 1; i > 0; i--) {
    const other = chance.below(i + 1);
    [sent[i], sent[other]] = [sent[other] as Uint8Array, sent[i] as Uint8Array];
  }
  b.receive(low, ...sent.map((payload) => payload.slice()));
  assert.equal(new Set(b.inbox).size, count);
  b.receive(low, ...sent);
  assert.equal(b.inbox.length, count);
  assert.equal(b.drops()['e2e replay'], count);
});

test('a double in one batch is delivered once', () => {
  const { a, b } = joined();
  a.send(b, 'x');
  const [record] = a.take() as [Uint8Array];
  const buffer = new Uint8Array(32 + record.length);
  buffer.set(low.key);
  buffer.set(record, 32);
  const copy = buffer.slice();
  b.channels.received(buffer, 0, 32, buffer.length);
  b.channels.received(copy, 0, 32, copy.length);
  b.channels.settle();
  assert.deepEqual(b.inbox, ['x']);
});

test('a changed record, one of another source, and one nobody has keys for are dropped in silence', () => {
  const { a, b } = joined();
  a.send(b, 'x');
  const [record] = a.take() as [Uint8Array];
  b.receive(low, flipped(record, 12), flipped(record, 7), flipped(record, 2), record.subarray(0, 24));
  b.receive(stranger, record.slice());
  assert.deepEqual(b.take(), []);
  assert.deepEqual(b.inbox, []);
  assert.deepEqual(b.drops(), {
    'e2e malformed': 1,
    'e2e record unknown': 1,
    'e2e source not of the session': 1,
    'e2e unreadable': 2,
  });
  b.receive(low, record);
  assert.deepEqual(b.inbox, ['x'], 'and nothing has changed');
});

test('any packets pass both ways', () => {
  const { a, b } = joined();
  for (const size of [3, 64, 1_400, 65_535]) {
    a.send(b, 'a'.repeat(size));
    b.send(a, 'b'.repeat(size));
    carry(a, b);
  }
  assert.deepEqual(
    [a.inbox, b.inbox].map((inbox) => inbox.map((text) => text.length)),
    [
      [3, 64, 1_400, 65_535],
      [3, 64, 1_400, 65_535],
    ],
  );
});

// Keys change

test('keys are renewed after two minutes of use, and nothing is lost', () => {
  const { a, b } = joined();
  let sent = 0;
  let oldestMs = 0;
  for (let i = 0; i < 1_500; i++) {
    a.send(b, `a${i}`);
    b.send(a, `b${i}`);
    sent++;
    live(400, a, b);
    oldestMs = Math.max(oldestMs, a.channels.snapshot()[0]?.keyAgeMs ?? 0);
  }
  assert.deepEqual([a.inbox.length, b.inbox.length], [sent, sent]);
  assert.ok(oldestMs > 100_000 && oldestMs < 123_000, `${oldestMs}`);
});

test('records under the old keys are read for ten seconds more', () => {
  const { a, b } = joined();
  let renewed: Uint8Array[] = [];
  while (renewed.length === 0) {
    a.send(b, 'x');
    live(500, a, b, (payload) => {
      if (payload[0] === FIRST) renewed = [payload];
      return payload[0] !== FIRST;
    });
  }
  a.send(b, 'old');
  a.send(b, 'too old');
  const [old, tooOld] = a.take() as [Uint8Array, Uint8Array];
  b.receive(low, ...renewed);
  carry(a, b);
  live(9_000, a, b);
  b.inbox.length = 0;
  b.receive(low, old);
  assert.deepEqual(b.inbox, ['old']);
  live(3_000, a, b);
  b.receive(low, tooOld);
  assert.deepEqual(b.inbox, ['old']);
});

test('a session without packets ends after three minutes', () => {
  const { a, b } = joined();
  live(179_000, a, b);
  assert.deepEqual([a.kinds(), b.kinds()], [['e2e'], ['e2e']]);
  live(3_000, a, b);
  assert.deepEqual([a.kinds(), b.kinds()], [[], []]);
});

test('packets one way are asked after, and cause no new keys', () => {
  const { a, b } = joined();
  let firsts = 0;
  for (let i = 0; i < 60; i++) {
    a.send(b, 'x');
    live(1_000, a, b, (payload) => {
      if (payload[0] === FIRST) firsts++;
      return true;
    });
  }
  assert.equal(firsts, 0);
  assert.equal(b.inbox.length, 60);
});

// Handshakes

test('when both begin at once, the lower key stays initiator and both packets arrive', () => {
  const { a, b } = sides();
  a.send(b, 'from a');
  b.send(a, 'from b');
  carry(a, b);
  assert.deepEqual([a.inbox, b.inbox], [['from b'], ['from a']]);
  assert.equal(a.drops()['e2e handshake crossed'], 1);
});

test('a first message that is lost is sent again after a second, the same octets', () => {
  const { a, b } = sides();
  a.send(b, 'x');
  const [first] = a.take();
  for (let i = 0; i < 14; i++) a.pass(100);
  assert.deepEqual(a.take(), [first]);
});

test('a first message that comes again is answered with the same octets, twice a second at most', () => {
  const { a, b } = sides();
  a.send(b, 'x');
  const [first] = a.take() as [Uint8Array];
  b.receive(low, first);
  const [answer] = b.take();
  b.pass(400);
  b.receive(low, first);
  assert.deepEqual(b.take(), []);
  b.pass(100);
  b.receive(low, first);
  assert.deepEqual(b.take(), [answer]);
  assert.equal(b.drops()['e2e handshake repeated'], 1);
});

test('a first message that is played again changes nothing, during the session or after it', () => {
  const { a, b } = sides();
  a.send(b, 'x');
  const [first] = a.outbox as [Uint8Array];
  carry(a, b);
  live(3_000, a, b);
  b.receive(low, first);
  assert.deepEqual(b.take(), []);
  live(300_000, a, b);
  b.receive(low, first);
  assert.deepEqual(b.take(), []);
  assert.deepEqual(b.kinds(), []);
});

test('an answer goes back the way the question came, and looks for nobody', () => {
  const { a, b } = sides();
  a.send(b, 'x');
  b.receive(low, ...a.take());
  assert.deepEqual(types(b.back), [SECOND]);
});

test('answers that do not open leave the handshake waiting for the one that does', () => {
  const { a, b } = sides();
  a.send(b, 'x');
  b.receive(low, ...a.take());
  const [answer] = b.take() as [Uint8Array];
  for (let at = 5; at < answer.length; at += 7) a.receive(high, flipped(answer, at));
  a.receive(stranger, answer);
  a.pass(500);
  a.take();
  a.receive(high, answer);
  carry(a, b);
  assert.deepEqual(b.inbox, ['x']);
  assert.ok((a.drops()['e2e handshake unreadable'] ?? 0) > 5);
});

test('a forged source, another group and a changed message get no answer', () => {
  const { b } = sides();
  b.receive(stranger, firstOf(low, b));
  b.receive(low, flipped(firstOf(low, b), 40));
  const grouped = new ChannelSide(low, { ...knowing(high), groupPassword: Uint8Array.of(1) });
  grouped.send(b, 'x');
  b.pass(1_000);
  b.receive(low, ...grouped.take());
  b.receive(high, firstOf(low, b));
  assert.deepEqual(b.take(), []);
  assert.deepEqual(b.kinds(), []);
  assert.equal(b.drops()['e2e handshake unreadable'], 3);
  assert.equal(b.drops()['e2e handshake of our own key'], 1);
});

test('a group shares its password with e2e sessions', () => {
  const group = { groupPassword: Uint8Array.of(1, 2) };
  const a = new ChannelSide(low, { ...knowing(high), ...group });
  const b = new ChannelSide(high, { ...knowing(low), ...group });
  a.send(b, 'x');
  carry(a, b);
  assert.deepEqual([b.inbox, b.kinds()], [['x'], ['e2e']]);
});

test('a peer whose clock was set back comes in after 15 s of silence, then once in 5 s', () => {
  const { a, b } = joined();
  live(1_000, a, b);
  const backMs = 20 * 86_400_000;
  const answers = (): number => b.take().filter(([type]) => type === SECOND).length;
  b.take();
  b.receive(low, firstOf(low, b, -backMs));
  assert.equal(answers(), 0);
  for (let i = 0; i < 150; i++) b.pass(100);
  b.take();
  b.receive(low, firstOf(low, b, -backMs));
  assert.equal(answers(), 1);
  b.pass(4_000);
  b.receive(low, firstOf(low, b, -backMs + 5_000));
  assert.equal(answers(), 0, 'too soon after the last');
  b.pass(1_000);
  b.receive(low, firstOf(low, b, -backMs + 10_000));
  assert.equal(answers(), 1);
});

test('keys that no record confirms go after thirty seconds, and carry nothing before', () => {
  const { a, b } = sides();
  a.send(b, 'x');
  b.receive(low, ...a.take());
  b.take();
  assert.deepEqual(b.kinds(), []);
  b.pass(30_000);
  b.pass(1_000);
  assert.equal([...b.channels.e2e.values()].length, 0);
});

// Floods

test('E5: forged messages of random sources cause no packet, and memory stays as it is', () => {
  const { a, b } = joined();
  const chance = new Chance(5);
  const forge = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const isFirst = i % 2 === 0;
      const payload = chance.octets(isFirst ? 67 : 60);
      payload[0] = isFirst ? FIRST : DATA;
      b.arrivalPort = i % 3;
      b.receive({ ...stranger, key: chance.octets(32) as Identity['key'] }, payload);
      if (i % 100 === 0) b.pass(1);
    }
  };
  forge(20_000);
  b.take();
  const before = process.memoryUsage().heapUsed;
  forge(100_000);
  assert.deepEqual(b.take(), []);
  assert.deepEqual(b.back.length, 1, 'the answer to the only genuine one');
  assert.equal([...b.channels.e2e.values()].length, 1);
  assert.ok(process.memoryUsage().heapUsed - before < 60e6, 'no more than what the collector has not taken yet');
  a.send(b, 'still here');
  carry(a, b);
  assert.deepEqual(b.inbox, ['still here']);
});

test('E5: first messages of strangers over one link leave room for those of another, and for acquaintances', () => {
  const { a, b } = sides();
  const flood = (port: number, count: number): number => {
    b.arrivalPort = port;
    const before = b.drops()['e2e handshake unreadable'] ?? 0;
    const chance = new Chance(port);
    for (let i = 0; i < count; i++) {
      const payload = chance.octets(67);
      payload[0] = FIRST;
      b.receive({ ...stranger, key: chance.octets(32) as Identity['key'] }, payload);
    }
    return (b.drops()['e2e handshake unreadable'] ?? 0) - before;
  };
  b.pass(1_000);
  assert.equal(flood(1, 500), 100, 'half of the budget');
  b.pass(500);
  flood(2, 1);
  b.pass(500);
  assert.equal(flood(1, 500), 100, 'a fair half of what comes in a second');
  a.context.nowMs = b.context.nowMs;
  a.send(b, 'x');
  carry(a, b);
  assert.deepEqual(b.inbox, ['x'], 'a known key is looked at');
});

test('a source is looked at four times at once and twice a second', () => {
  const { b } = sides();
  const forged = firstOf(low, b);
  for (let i = 0; i < 20; i++) b.receive(stranger, flipped(forged, 20 + i));
  assert.equal(b.drops()['e2e handshake unreadable'], 4);
  b.pass(1_000);
  for (let i = 0; i < 20; i++) b.receive(stranger, flipped(forged, 20 + i));
  assert.equal(b.drops()['e2e handshake unreadable'], 6);
});

test('at most 1024 keys wait to be confirmed', () => {
  const strangers = Array.from({ length: 1_025 }, (_, i) => identity(1_000 + i));
  const b = new ChannelSide(high, knowing(...strangers));
  strangers.forEach((each, i) => {
    b.receive(each, firstOf(each, b));
    if (i % 150 === 149) b.pass(1_000);
  });
  assert.equal(b.back.length, 1_024);
  assert.deepEqual(b.drops(), { 'e2e handshakes full': 1 });
});

test('sessions beyond the limit are refused while the others are in use', () => {
  const b = new ChannelSide(high, { ...knowing(low, stranger), limits: limitsWith({ sessions: 2 }) });
  const others = [low, stranger, identity(4)];
  for (const each of others) {
    const side = new ChannelSide(each, knowing(high));
    side.send(b, 'x');
    carry(side, b);
  }
  assert.equal(b.inbox.length, 2);
  assert.deepEqual(b.drops(), { 'sessions full': 1 });
  b.pass(11_000);
  const side = new ChannelSide(identity(5), knowing(high));
  side.send(b, 'later');
  carry(side, b);
  assert.equal(b.inbox.at(-1), 'later');
});

test('answers to one question are tried ten times a second at most', () => {
  const { a, b } = sides();
  a.send(b, 'x');
  b.receive(low, ...a.take());
  const [answer] = b.take() as [Uint8Array];
  for (let i = 0; i < 50; i++) a.receive(high, flipped(answer, 5 + i));
  assert.equal(a.drops()['e2e handshake unreadable'], 10);
  assert.equal(a.drops()['e2e handshake rate'], 40);
});

test('sessions of both kinds share one cap, and whichever has been idle for longest gives way', () => {
  const plain = (number: number): ChannelSide => new ChannelSide(identity(number), { e2e: 'off' });
  const b = new ChannelSide(high, { ...knowing(low, stranger), limits: limitsWith({ sessions: 3 }) });
  const meet = (side: ChannelSide): void => {
    side.send(b, 'x');
    carry(side, b);
  };
  meet(new ChannelSide(low, knowing(high)));
  b.pass(100);
  for (const number of [11, 12, 13]) meet(plain(number));
  assert.deepEqual(b.kinds(), ['e2e', 'ironwood', 'ironwood']);
  assert.equal(b.drops()['sessions full'], 1);
  b.pass(10_000);
  meet(plain(14));
  assert.deepEqual(b.kinds(), ['ironwood', 'ironwood', 'ironwood'], 'the e2e session has been idle for longest');
  b.pass(11_000);
  meet(new ChannelSide(stranger, knowing(high)));
  assert.deepEqual(b.kinds(), ['e2e', 'ironwood', 'ironwood']);
});
