import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import { compareOctets } from '../../daemon/core/octetmap.ts';
import { Bucket } from '../../daemon/core/policy.ts';
import type { NodeOptions } from '../../daemon/core/port.ts';
import { E2eKeys } from '../../daemon/core/session/e2e-keys.ts';
import { type Attempt, E2ePeer } from '../../daemon/core/session/e2e-peer.ts';
import { ContextSpace, FlowsIn, FlowsOut } from '../../daemon/core/session/flows.ts';
import { COMPRESSED_MAX, NONE } from '../../daemon/wire/compressed.ts';
import { type Ends, Headers, readHeaders } from '../../daemon/wire/headers.ts';
import { Chance, type Identity, identity, UNIX_MS } from '../support/core.ts';
import { ChannelSide, carry } from '../support/core-channels.ts';
import { icmpPacket, tcpPacket, timesOption, udpPacket } from '../support/ip-packets.ts';

const [low, high] = [identity(1), identity(2)].sort((a, b) => compareOctets(a.key, b.key)) as [Identity, Identity];
const knowing = (...others: Identity[]): Partial<NodeOptions> => ({
  e2eKnown: others.map(({ key }) => ({ key, unixMs: UNIX_MS })),
});
const SLOW = 200;
const there = { source: addressForKey(low.key), dest: addressForKey(high.key) };
const back = { source: there.dest, dest: there.source };
const SHORT = 0x23;
/** Octets of a short record around its content, and what others have more. */
const AROUND = 20;
const LONGER = 5;

type Pair = { a: ChannelSide; b: ChannelSide };

/** A session whose messages take so long; `lacking`: who does not know compressed packets. */
function joined(oneWayMs: number, lacking: readonly Identity[] = []): Pair {
  const sideOf = (self: Identity, other: Identity) =>
    new ChannelSide(self, { ...knowing(other), compresses: !lacking.includes(self) });
  const pair = { a: sideOf(low, high), b: sideOf(high, low) };
  for (const text of ['hello', 'so the other side knows too']) {
    pair.a.send(pair.b, text);
    travel(pair, oneWayMs);
  }
  for (const side of [pair.a, pair.b]) side.inbox.length = 0;
  return pair;
}

/** Until nothing is under way. */
function travel({ a, b }: Pair, oneWayMs: number): void {
  while (a.outbox.length + b.outbox.length > 0) {
    const [toB, toA] = [a.take(), b.take()];
    for (const side of [a, b]) side.context.nowMs += oneWayMs;
    b.receive(low, ...toB);
    a.receive(high, ...toA);
  }
}

function send(from: ChannelSide, to: ChannelSide, packet: Uint8Array): Uint8Array {
  from.send(to, `\x01${Buffer.from(packet).toString('latin1')}`);
  assert.equal(from.outbox.length, 1);
  return from.outbox[0] as Uint8Array;
}

const arrived = (side: ChannelSide): string[] =>
  side.inbox.splice(0).map((text) => Buffer.from(text, 'latin1').toString('hex'));
const asContent = (packet: Uint8Array): string => `01${Buffer.from(packet).toString('hex')}`;
const ping = (seq: number): Uint8Array => icmpPacket(there, 128, [7, seq], new Uint8Array(8));

/** The octets of the content that a packet becomes, if its record is short. */
function exchange({ a, b }: Pair, packet: Uint8Array): number {
  const { length } = send(a, b, packet);
  carry(a, b);
  assert.deepEqual(arrived(b), [asContent(packet)]);
  return length - AROUND;
}

test('packets on slow paths are compressed, those on fast ones are not', () => {
  assert.equal(exchange(joined(149), ping(1)), 57 + LONGER);
  assert.equal(exchange(joined(150), ping(1)), 15);
});

test('both sides compress as soon as one does', () => {
  const pair = joined(1);
  const reply = icmpPacket(back, 129, [7, 1], new Uint8Array(8));
  assert.equal(send(pair.b, pair.a, reply).length, AROUND + LONGER + 57);
  carry(pair.a, pair.b);
  pair.a.channels.e2e.get(high.key)?.current?.goSlow();
  assert.equal(exchange(pair, ping(1)), 15);
  assert.equal(send(pair.b, pair.a, reply).length, AROUND + 15);
});

for (const lacking of [[low], [high], [low, high]]) {
  test(`where ${lacking.length} of two do not know it, packets go as they are`, () => {
    const pair = joined(SLOW, lacking);
    assert.equal(exchange(pair, ping(1)), 57 + LONGER);
    assert.deepEqual([pair.a.drops(), pair.b.drops()], [{}, {}]);
  });
}

test('a content from 0x80 on from who has not agreed is no packet', () => {
  const pair = joined(SLOW, [low]);
  pair.a.send(pair.b, '\x93abc');
  carry(pair.a, pair.b);
  assert.deepEqual(arrived(pair.b), ['93616263']);
});

test('what no rule fits arrives as it is: questions, packets with something behind them, of others', () => {
  const pair = joined(SLOW);
  for (const text of ['\x02\x01', '\x01', '\x01abc', `\x01${Buffer.from([...ping(1), 0]).toString('latin1')}`]) {
    pair.a.send(pair.b, text);
    carry(pair.a, pair.b);
    assert.deepEqual(pair.b.inbox.splice(0), [text]);
  }
});

test('an end that is malformed, or of a context that nobody made, is dropped and counted', () => {
  const pair = joined(SLOW);
  pair.a.send(pair.b, '\x82a');
  pair.a.send(pair.b, '\xc6a');
  carry(pair.a, pair.b);
  assert.deepEqual(pair.b.drops(), { 'e2e packet malformed': 1, 'e2e context unknown': 1 });
  assert.deepEqual(pair.b.inbox, []);
});

test('super-packets are cut where the path is slow', () => {
  const pair = joined(SLOW);
  const octets = new Uint8Array(100);
  assert.equal(pair.a.channels.sendSuperPacket(high.key, octets, 40, 60), false);
});

test('an echo takes a context with its second packet, and is 3 octets in it once that is acknowledged', () => {
  const pair = joined(SLOW);
  const sizes: number[] = [];
  for (let seq = 1; seq <= 5; seq++) {
    sizes.push(exchange(pair, ping(seq)) - 8);
    send(pair.b, pair.a, icmpPacket(back, 129, [7, seq], new Uint8Array(8)));
    carry(pair.a, pair.b);
  }
  assert.deepEqual(sizes, [7, 8, 5, 3, 3]);
  assert.deepEqual([pair.a.drops(), pair.b.drops()], [{}, {}]);
});

test('new keys begin without contexts, and both sides know it; the second ones on a slow path live an hour', () => {
  const pair = joined(SLOW);
  const keysNow = () => pair.a.channels.e2e.get(high.key)?.current as E2eKeys;
  const born: number[] = [];
  for (let i = 0; i < 400; i++) {
    if (keysNow().bornMs !== born.at(-1)) born.push(keysNow().bornMs);
    pair.a.pass(10_000);
    pair.b.pass(10_000);
    travel(pair, SLOW);
    if (i % 10 > 0) continue;
    exchange(pair, ping(i));
    send(pair.b, pair.a, icmpPacket(back, 129, [7, i], new Uint8Array(8)));
    carry(pair.a, pair.b);
  }
  const [first = 0, second = 0, third = 0, ...more] = born;
  assert.ok(second - first >= 108_000 && second - first < 140_000, `${born}`);
  assert.ok(third - second >= 3_240_000 && third - second < 3_640_000, `${born}`);
  assert.deepEqual([more, pair.a.drops(), pair.b.drops()], [[], {}, {}]);
});

test('one late answer alone makes no path slow, and what seemed slow to one handshake is slow for two minutes', () => {
  const pair = joined(SLOW);
  assert.equal(pair.a.channels.e2e.get(high.key)?.current?.isCompressing, true);
  for (let i = 0; i < 13; i++) {
    pair.a.pass(10_000);
    pair.b.pass(10_000);
    pair.a.send(pair.b, 'x');
    travel(pair, 1);
  }
  assert.equal(pair.a.channels.e2e.get(high.key)?.current?.isCompressing, false);
  // First message and its answer take long, what follows does not.
  const other = joined(1);
  const late = new ChannelSide(low, knowing(high));
  late.context.nowMs = other.b.context.nowMs;
  late.context.setWallClock(UNIX_MS + late.context.nowMs + 60_000);
  other.b.pass(20_000);
  late.context.nowMs = other.b.context.nowMs;
  late.send(other.b, 'x');
  const first = late.take();
  for (const side of [late, other.b]) side.context.nowMs += 500;
  other.b.receive(low, ...first);
  late.receive(high, ...other.b.take());
  travel({ a: late, b: other.b }, 1);
  assert.equal(late.channels.e2e.get(high.key)?.current?.isProven, true);
  assert.equal(late.channels.e2e.get(high.key)?.current?.isCompressing, false);
});

// A TCP connection over a path that loses and reorders

type Ending = { seq: number; acknowledged: number; window: number };

/** A packet of a connection that talks in both directions, as kernels make them; now and then everything jumps. */
function nextPacket(chance: Chance, ip: typeof there, from: Ending, to: Ending, clockMs: number): Uint8Array {
  const data = chance.octets(chance.pick([0, 0, 36, 36, 100, 1220]));
  from.acknowledged = to.seq;
  if (chance.below(9) === 0) from.window = chance.below(0x1_0000);
  const isAgain = chance.below(12) === 0;
  const seq = isAgain ? from.seq - chance.below(3_000) : from.seq;
  if (!isAgain) from.seq = (from.seq + data.length) >>> 0;
  if (chance.below(400) === 0) from.seq = (from.seq + 0x1234_5678) >>> 0;
  const sack = chance.below(10) === 0 ? Uint8Array.of(1, 1, 5, 10, ...chance.octets(8)) : new Uint8Array(0);
  return tcpPacket(
    { ...ip, label: ip === there ? 0x12345 : 0x54321, trafficClass: chance.below(20) === 0 ? 2 : 0x48 },
    {
      ports: ip === there ? [50_000, 22] : [22, 50_000],
      seq,
      acknowledged: from.acknowledged,
      flags: chance.pick([0x10, 0x18, 0x18]),
      window: from.window,
      options: Uint8Array.of(...timesOption(clockMs, clockMs - 300), ...sack),
      data,
    },
  );
}

for (const [name, loss, swaps] of [
  ['a good path', 0, 0],
  ['a path that loses a third', 0.33, 0],
  ['a path that reorders', 0, 0.5],
  ['a path that loses and reorders', 0.2, 0.3],
] as const) {
  test(`TCP over ${name}: every record that arrives is the packet that was sent, and nothing else is lost with it`, () => {
    for (let seed = 1; seed <= 5; seed++) {
      const pair = joined(SLOW);
      const chance = new Chance(seed);
      const ends = [
        { side: pair.a, other: pair.b, ip: there, self: low, tcp: { seq: 0xffff_f000, acknowledged: 0, window: 500 } },
        { side: pair.b, other: pair.a, ip: back, self: high, tcp: { seq: 0x7fff_f000, acknowledged: 0, window: 500 } },
      ] as const;
      const under: { record: Uint8Array; end: (typeof ends)[number]; packet: string }[] = [];
      let octets = 0;
      let plain = 0;
      for (let i = 0; i < 2_000; i++) {
        for (const side of [pair.a, pair.b]) side.context.nowMs += 20;
        const end = ends[chance.below(2)] as (typeof ends)[number];
        const peer = ends[1 - ends.indexOf(end)] as (typeof ends)[number];
        const packet = nextPacket(chance, end.ip, end.tcp, peer.tcp, 1_000_000 + 20 * i);
        const record = send(end.side, end.other, packet);
        end.side.take();
        assert.equal(record[0], SHORT);
        octets += record.length - 20;
        plain += packet.length + 1;
        if (chance.below(1_000) >= loss * 1_000) under.push({ record, end, packet: asContent(packet) });
        while (under.length > 0 && (swaps === 0 || chance.below(1_000) >= swaps * 1_000)) {
          const [next] = under.splice(swaps === 0 ? 0 : chance.below(under.length), 1);
          if (next === undefined) break;
          next.end.other.receive(next.end.self, next.record);
          assert.deepEqual(arrived(next.end.other), [next.packet], `seed ${seed}, packet ${i}`);
        }
      }
      assert.deepEqual([pair.a.drops(), pair.b.drops()], [{}, {}]);
      assert.ok(
        plain - octets > 2_000 * 45,
        `seed ${seed}: only ${(plain - octets) / 2_000} octets saved of each packet`,
      );
    }
  });
}

// Contexts

const ends: Ends = {
  ...there,
  sourceSubnet: there.source.subarray(0, 8),
  destSubnet: there.dest.subarray(0, 8),
};

function writer(flows = new FlowsOut(ends)) {
  const to = new Uint8Array(COMPRESSED_MAX);
  let record = 0;
  return {
    flows,
    skip: (records: number): void => {
      record += records;
    },
    /** First octet and id of the context, if it makes or names one. */
    write: (packet: Uint8Array, nowMs = 0, rttMs = 0): string => {
      const headers = new Headers();
      assert.ok(readHeaders(packet, 0, packet.length, ends, headers));
      flows.write(headers, packet, record++, nowMs, rttMs, NONE, to);
      const [first = 0, second] = to;
      if (first >= 0xc0) return `like ${(first >> 1) & 31}`;
      return (first & 0x20) === 0 ? 'plain' : `makes ${second}`;
    },
  };
}

const datagram = (port: number): Uint8Array => udpPacket(there, [port, 53], new Uint8Array(4));

test('no context is named before it is acknowledged, and another is made when that takes too long, ever later', () => {
  const { write, flows } = writer();
  assert.deepEqual([write(datagram(1)), write(datagram(1)), write(datagram(1), 1_999)], ['plain', 'makes 0', 'plain']);
  assert.deepEqual([write(datagram(1), 2_000), write(datagram(1), 5_999)], ['makes 1', 'plain']);
  assert.deepEqual([write(datagram(1), 6_000), write(datagram(1), 13_999, 9_000)], ['makes 2', 'plain']);
  flows.acknowledged(1);
  assert.equal(write(datagram(1), 14_000), 'like 1');
  flows.acknowledged(31);
});

test('the patience for an acknowledgement grows with the round trip', () => {
  const { write } = writer();
  write(datagram(1));
  assert.equal(write(datagram(1), 0, 1_000), 'makes 0');
  assert.deepEqual([write(datagram(1), 2_999, 1_000), write(datagram(1), 3_000, 1_000)], ['plain', 'makes 1']);
});

test('of 32 ids none is given again before the record that named it last is out of the window', () => {
  const { write, flows, skip } = writer();
  for (let port = 0; port < 32; port++) {
    write(datagram(port));
    assert.equal(write(datagram(port)), `makes ${port}`);
    flows.acknowledged(port);
  }
  write(datagram(32));
  assert.equal(write(datagram(32)), 'plain');
  skip(8_192 - 66);
  assert.equal(write(datagram(32)), 'plain', '8191 records after the first was made');
  assert.equal(write(datagram(0)), 'like 0');
  skip(1);
  assert.equal(write(datagram(32)), 'makes 1');
  assert.equal(write(datagram(1)), 'plain', 'its context is gone');
});

test('a flow that has run away from its context makes another, and names the old one until that is acknowledged', () => {
  const { write, flows } = writer();
  const at = (seq: number): Uint8Array => tcpPacket(there, { seq, options: timesOption(1, 1) });
  assert.equal(write(at(0)), 'makes 0');
  flows.acknowledged(0);
  assert.deepEqual([write(at(0xbfff)), write(at(0xc000)), write(at(0xc001))], ['like 0', 'makes 1', 'like 0']);
  flows.acknowledged(1);
  assert.equal(write(at(0xc001)), 'like 1');
});

test('a flow that has run away takes none of the last 16 contexts, as long as three octets can say its numbers', () => {
  const { write, flows } = writer();
  const at = (seq: number): Uint8Array => tcpPacket(there, { seq, options: timesOption(1, 1) });
  for (let id = 0; id < 16; id++) {
    assert.equal(write(at(id * 0x1_0000)), `makes ${id}`);
    flows.acknowledged(id);
  }
  assert.equal(write(at(16 * 0x1_0000)), 'like 15');
  assert.equal(write(at(15 * 0x1_0000 + 0xc0_0000)), 'makes 16');
});

test('where no id is free, new keys are due as soon as on fast paths', () => {
  const pair = joined(SLOW);
  const keys = pair.a.channels.e2e.get(high.key)?.current as E2eKeys;
  keys.goSlow(true);
  const at = (ms: number): boolean[] =>
    [false, true].map((isExhausted) => {
      if (keys.flows !== undefined) keys.flows.out.isExhausted = isExhausted;
      return keys.isOld(keys.bornMs + ms);
    });
  exchange(pair, ping(1));
  assert.deepEqual(
    [at(108_000 - 1), at(120_000), at(3_600_000)],
    [
      [false, false],
      [false, true],
      [true, true],
    ],
  );
  const { write, flows } = writer();
  for (let port = 0; port < 33; port++) {
    assert.equal(flows.isExhausted, false);
    write(datagram(port));
    write(datagram(port));
  }
  assert.equal(flows.isExhausted, true);
});

test('first and last packets of a connection make none, nor what has other options', () => {
  const { write } = writer();
  for (const flags of [0x02, 0x12, 0x11, 0x04]) assert.equal(write(tcpPacket(there, { flags })), 'plain');
  assert.equal(write(tcpPacket(there, { options: new Uint8Array(4).fill(1) })), 'plain');
  assert.equal(write(tcpPacket(there, {})), 'makes 0');
});

test('a flow with and without timestamps has two contexts', () => {
  const { write, flows } = writer();
  const timed = tcpPacket(there, { options: timesOption(1, 1) });
  assert.equal(write(timed), 'makes 0');
  flows.acknowledged(0);
  assert.equal(write(tcpPacket(there, {})), 'makes 1');
  flows.acknowledged(1);
  assert.deepEqual([write(timed), write(tcpPacket(there, {}))], ['like 0', 'like 1']);
});

test('a context is acknowledged three times, or until it is named', () => {
  const flows = new FlowsIn(ends, new ContextSpace());
  const headers = new Headers();
  flows.received(headers, { makes: 4, uses: NONE, got: NONE });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => flows.takeOwed()),
    [4, 4, 4, NONE],
  );
  flows.received(headers, { makes: 9, uses: NONE, got: NONE });
  assert.equal(flows.takeOwed(), 9);
  flows.received(headers, { makes: NONE, uses: 9, got: NONE });
  assert.equal(flows.takeOwed(), NONE);
});

test('a node keeps 65536 contexts for its peers and not one more, until keys go', () => {
  const full = new ContextSpace();
  full.count = 65_535;
  const flows = new FlowsIn(ends, full);
  const headers = new Headers();
  const making = (makes: number) => ({ makes, uses: NONE, got: NONE });
  flows.received(headers, making(0));
  flows.received(headers, making(1));
  assert.deepEqual([full.count, flows.base(0) !== undefined, flows.base(1)], [65_536, true, undefined]);
  assert.deepEqual([flows.takeOwed(), flows.takeOwed(), flows.takeOwed(), flows.takeOwed()], [0, 0, 0, NONE]);
  flows.received(headers, making(0));
  assert.equal(full.count, 65_536, 'in the place of one there is room for another');
  flows.clear();
  assert.equal(full.count, 65_535);
});

// Short records

test('on slow paths a record has 20 octets around its content, and opens by the table', () => {
  const pair = joined(SLOW);
  const keys = pair.a.channels.e2e.get(high.key)?.current as E2eKeys;
  const counter = keys.sealed;
  pair.a.send(pair.b, '\x02\x01');
  const [record] = pair.a.outbox as [Uint8Array];
  assert.deepEqual([...record.subarray(0, 4)], [0x23, keys.peerSid & 0xff, counter >> 8, counter & 0xff]);
  assert.equal(record.length, 2 + 20);
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32LE(counter, 4);
  const opening = createDecipheriv('chacha20-poly1305', keys.send, nonce, { authTagLength: 16 });
  opening.setAAD(record.subarray(0, 4), { plaintextLength: 2 });
  opening.setAuthTag(record.subarray(6));
  assert.deepEqual([...opening.update(record.subarray(4, 6)), ...opening.final()], [2, 1]);
  carry(pair.a, pair.b);
  assert.deepEqual(pair.b.inbox, ['\x02\x01']);
});

test('short records that are changed, cut, repeated, of nobody or not agreed upon are dropped in silence', () => {
  const pair = joined(SLOW);
  pair.a.send(pair.b, 'x');
  const [record] = pair.a.take() as [Uint8Array];
  for (const at of [1, 2, 4, 20])
    pair.b.receive(
      low,
      record.map((octet, i) => (i === at ? octet ^ 1 : octet)),
    );
  pair.b.receive(low, record.subarray(0, 19), record.slice(), record.slice());
  pair.b.receive(identity(9), record.slice());
  assert.deepEqual(pair.b.inbox, ['x']);
  assert.deepEqual(pair.b.drops(), {
    'e2e record unknown': 2,
    'e2e unreadable': 3,
    'e2e malformed': 1,
    'e2e replay': 1,
  });
  const plain = joined(SLOW, [high]);
  const sid = plain.b.channels.e2e.get(low.key)?.current?.ownSid as number;
  plain.b.receive(low, Uint8Array.of(0x23, sid, ...record.subarray(2)));
  assert.deepEqual(plain.b.drops(), { 'e2e record unknown': 1 });
  assert.deepEqual(pair.b.outbox.length + plain.b.outbox.length, 0);
});

test('short records arrive whatever is lost, up to 32767 in a row', () => {
  const pair = joined(SLOW);
  const keys = pair.a.channels.e2e.get(high.key)?.current as E2eKeys;
  pair.a.send(pair.b, 'x');
  carry(pair.a, pair.b);
  for (let i = 0; i < 32_767; i++) keys.nextCounter();
  pair.a.send(pair.b, 'y');
  carry(pair.a, pair.b);
  assert.deepEqual(pair.b.inbox, ['x', 'y']);
});

test('no two sids for one peer end in the same octet', () => {
  const peer = new E2ePeer(high.key, new Bucket({ perSecond: 1, burst: 1 }, 0), 0);
  const keysOf = (ownSid: number): E2eKeys => {
    const pair = { send: new Uint8Array(32), receive: new Uint8Array(32) };
    return new E2eKeys(peer, { ownSid, peerSid: 1, features: 2 }, pair, true, { bornMs: 0, rekeyMs: 1 });
  };
  const [current, previous, offered] = [0x0101, 0x0202, 0x0303].map(keysOf) as [E2eKeys, E2eKeys, E2eKeys];
  peer.current = current;
  peer.previous = previous;
  peer.offers = [{ keys: offered, answer: new Uint8Array(0), timestampMs: 0, expiresAtMs: 0, answeredMs: 0 }];
  peer.attempts = [{ sid: 0x0404 } as Attempt];
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((octet) => peer.keysBySid(octet)),
    [current, previous, offered, undefined, undefined],
  );
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((octet) => peer.hasSidLike(0xab00 + octet)),
    [true, true, true, true, false],
  );
});
