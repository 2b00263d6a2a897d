import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import { compareOctets } from '../../daemon/core/octetmap.ts';
import type { NodeOptions } from '../../daemon/core/port.ts';
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
const DATA = 0x22;

type Pair = { a: ChannelSide; b: ChannelSide };

/** A session whose messages take so long; `lacking`: who does not know compressed packets. */
function joined(oneWayMs: number, lacking: readonly Identity[] = []): Pair {
  const sideOf = (self: Identity, other: Identity) =>
    new ChannelSide(self, { ...knowing(other), compresses: !lacking.includes(self) });
  const pair = { a: sideOf(low, high), b: sideOf(high, low) };
  pair.a.send(pair.b, 'hello');
  travel(pair, oneWayMs);
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

/** The octets of a record that are not the packet's data. */
function exchange({ a, b }: Pair, packet: Uint8Array): number {
  const { length } = send(a, b, packet);
  carry(a, b);
  assert.deepEqual(arrived(b), [asContent(packet)]);
  return length - 25;
}

test('packets on slow paths are compressed, those on fast ones are not', () => {
  assert.equal(exchange(joined(149), ping(1)), 57);
  assert.equal(exchange(joined(150), ping(1)), 15);
});

test('both sides compress as soon as one does', () => {
  const pair = joined(1);
  const reply = icmpPacket(back, 129, [7, 1], new Uint8Array(8));
  assert.equal(send(pair.b, pair.a, reply).length, 25 + 57);
  carry(pair.a, pair.b);
  pair.a.channels.e2e.get(high.key)?.current?.goSlow();
  assert.equal(exchange(pair, ping(1)), 15);
  assert.equal(send(pair.b, pair.a, reply).length, 25 + 15);
});

for (const lacking of [[low], [high], [low, high]]) {
  test(`where ${lacking.length} of two do not know it, packets go as they are`, () => {
    const pair = joined(SLOW, lacking);
    assert.equal(exchange(pair, ping(1)), 57);
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

test('new keys begin without contexts, and both sides know it', () => {
  const pair = joined(SLOW);
  const talk = (seq: number): number => {
    const size = exchange(pair, ping(seq));
    send(pair.b, pair.a, icmpPacket(back, 129, [7, seq], new Uint8Array(8)));
    carry(pair.a, pair.b);
    return size;
  };
  for (let seq = 1; seq < 5; seq++) talk(seq);
  const keys = pair.a.channels.e2e.get(high.key)?.current;
  for (let passed = 0; passed < 130_000; passed += 10_000) {
    pair.a.pass(10_000);
    pair.b.pass(10_000);
    travel(pair, SLOW);
    talk(passed / 1_000);
  }
  assert.notEqual(pair.a.channels.e2e.get(high.key)?.current, keys);
  assert.deepEqual([pair.a.drops(), pair.b.drops()], [{}, {}]);
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
        assert.equal(record[0], DATA);
        octets += record.length - 25;
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
