/** Messages larger than a packet: cut, put together, repaired, and all of it within bounds (link document, section 10). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constantsOf } from '../../daemon/core/link/datagram/classes.ts';
import { Reassembly, ReassemblySpace } from '../../daemon/core/link/datagram/reassembly.ts';
import { BufferPool } from '../../daemon/core/pool.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { LINK_FRAME, writeFnack, writeFragHead } from '../../daemon/wire/link-frames.ts';
import { ChannelPair, type End } from '../support/channel-pair.ts';
import { Chance } from '../support/core.ts';
import { fc } from './wire-property.ts';

const octets = (size: number, seed = 1): Uint8Array => new Chance(seed).octets(size);

function frag(id: number, index: number, last: number, body: Uint8Array): Uint8Array {
  const writer = new Writer(new Uint8Array(5 + body.length));
  writeFragHead(writer, id, index, last);
  return writer.octets(body).written();
}

function fnack(id: number, last: number, missing: readonly number[]): Uint8Array {
  const writer = new Writer(new Uint8Array(40));
  writeFnack(writer, id, last, (index) => missing.includes(index));
  return writer.written();
}

const firstOf = (end: End, type: number) => end.sentTo.filter(({ plain }) => plain[0] === type);
const fragsOf = (end: End) => firstOf(end, LINK_FRAME.frag);
const fnacksOf = (end: End) => firstOf(end, LINK_FRAME.fnack);

/** One reassembly of class U by itself. */
class Bench {
  readonly pool = new BufferPool();
  readonly space: ReassemblySpace;
  readonly reassembly: Reassembly;
  nowMs = 0;

  constructor(space = new ReassemblySpace()) {
    this.space = space;
    this.reassembly = new Reassembly(constantsOf('U', false), this.pool, space, true);
  }

  add(id: number, index: number, last: number, body: Uint8Array): boolean {
    return this.reassembly.add(id, index, last, body, 0, body.length, this.nowMs);
  }

  /** The message that has just been completed. */
  take(): Uint8Array | undefined {
    const { message, messageSize } = this.reassembly;
    return message?.octets.slice(0, messageSize);
  }
}

function arrivals(hasRepair: boolean, seed: number): number {
  const pair = new ChannelPair(seed, { delayMs: 10 }, { mtu: 1_200, hasRepair }).open();
  pair.a.medium = { loss: 0.01, delayMs: 10 };
  pair.b.medium = { loss: 0.01, delayMs: 10 };
  const count = 1_500;
  for (let i = 0; i < count; i++) {
    pair.later(i * 10, () => {
      const body = new Uint8Array(16_383).fill(i & 0xff);
      pair.a.sendMessages(body);
    });
  }
  pair.run(count * 10 + 2_000);
  return pair.b.messages.length / count;
}

test('16 KiB messages at 1 % loss: above 99.7 % arrive whole with repair, 87 % without', () => {
  const repaired = arrivals(true, 1);
  assert.ok(repaired > 0.997 && repaired <= 1, `${(repaired * 100).toFixed(2)} % with repair`);
  const plain = arrivals(false, 1);
  assert.ok(plain > 0.84 && plain < 0.9, `${(plain * 100).toFixed(2)} % without`);
});

test('what is missing is asked for 10 ms after the last fragment came, and comes', () => {
  const pair = new ChannelPair(2, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.run(5_000);
  const body = octets(16_383);
  let dropped = 0;
  pair.a.onPacket = (packet) => (packet.plain[0] === LINK_FRAME.frag && ++dropped === 4 ? undefined : packet);
  pair.b.sentTo.length = 0;
  pair.a.sendMessages(body);
  pair.run(14);
  assert.equal(fnacksOf(pair.b).length, 0);
  pair.run(2);
  assert.equal(fnacksOf(pair.b).length, 1);
  pair.run(10);
  assert.deepEqual(pair.b.messages, [body]);
});

test('a later message that is whole makes the gap known at once', () => {
  const pair = new ChannelPair(3, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.run(5_000);
  let sent = 0;
  pair.a.onPacket = (packet) => (packet.plain[0] === LINK_FRAME.frag && ++sent === 2 ? undefined : packet);
  pair.b.sentTo.length = 0;
  pair.a.sendMessages(octets(8_000, 1), octets(8_000, 2));
  pair.run(5.5);
  assert.equal(pair.b.messages.length, 1);
  assert.equal(fnacksOf(pair.b).length, 1);
  pair.run(20);
  assert.equal(pair.b.messages.length, 2);
});

test('at 5 % loss 64 KiB messages arrive: fewer than one in a hundred is given up', () => {
  const pair = new ChannelPair(17, { delayMs: 20 }, { mtu: 1_452 }).open();
  pair.a.medium = { loss: 0.05, delayMs: 20 };
  pair.b.medium = { loss: 0.05, delayMs: 20 };
  const body = octets(65_000);
  const count = 400;
  for (let i = 0; i < count; i++) pair.later(i * 5, () => pair.a.sendMessages(body));
  pair.run(4_000);
  assert.ok(pair.b.messages.length > count * 0.99, `${pair.b.messages.length} of ${count}`);
});

test('fragments are asked for four times and never a fifth time', () => {
  const pair = new ChannelPair(4, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.b.forge(frag(7, 0, 2, octets(1_000)));
  pair.run(5_000);
  assert.equal(fnacksOf(pair.b).length, 4);
  assert.deepEqual(fnacksOf(pair.b)[0]?.plain.slice(0, 5), Uint8Array.of(LINK_FRAME.fnack, 0, 7, 2, 0b110));
  assert.equal(pair.b.drops('link message incomplete'), 1);
});

test('without the feature nothing is asked for', () => {
  const pair = new ChannelPair(5, {}, { hasRepair: false }).open();
  pair.b.forge(frag(7, 0, 2, octets(1_000)));
  pair.run(5_000);
  assert.equal(fnacksOf(pair.b).length, 0);
});

test('a fragment is sent again four times and not a fifth time', () => {
  const pair = new ChannelPair(6, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.a.sendMessages(octets(20_000));
  pair.run(50);
  pair.a.sendMessages(octets(20_000));
  const before = fragsOf(pair.a).length;
  for (let i = 0; i < 6; i++) pair.a.forge(fnack(0, 17, [3]));
  assert.equal(fragsOf(pair.a).length - before, 4);
  assert.equal(pair.a.drops('link repair refused'), 2);
});

test('no more than a quarter of what was sent in the last second is sent again', () => {
  const pair = new ChannelPair(7, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.run(5_000);
  pair.a.sent.length = 0;
  pair.a.sendMessages(octets(100_000));
  pair.run(50);
  const sent = pair.a.sent.reduce((sum, size) => sum + size, 0);
  pair.a.sent.length = 0;
  const last = Math.ceil(100_001 / 1_170) - 1;
  pair.a.forge(
    fnack(
      0,
      last,
      Array.from({ length: last + 1 }, (_, i) => i),
    ),
  );
  const again = pair.a.sent.reduce((sum, size) => sum + size, 0);
  assert.ok(again <= sent / 4 && again > sent / 4 - 3_000, `${again} of ${sent} octets again`);
});

test('fragments are kept for a second, and 8 MiB of them', () => {
  const pair = new ChannelPair(8, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.a.sendMessages(octets(20_000));
  pair.run(1_010);
  let before = fragsOf(pair.a).length;
  pair.a.forge(fnack(0, 17, [0]));
  assert.equal(fragsOf(pair.a).length, before);
  // Each keeps a buffer of 147 456 octets: 56 of them are below the bound.
  for (let i = 1; i <= 57; i++) pair.a.sendMessages(octets(100_000));
  before = fragsOf(pair.a).length;
  pair.a.forge(fnack(1, 85, [0]));
  assert.equal(fragsOf(pair.a).length, before, 'pushed out by the later ones');
  pair.a.forge(fnack(2, 85, [0]));
  assert.equal(fragsOf(pair.a).length, before + 1);
});

test('all links together keep 32 MiB: one that sends beyond that keeps less itself', () => {
  const pair = new ChannelPair(15, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.a.sendMessages(octets(20_000));
  pair.a.repairSpace.bytes = 33_554_432;
  let before = fragsOf(pair.a).length;
  pair.a.forge(fnack(0, 17, [0]));
  assert.equal(fragsOf(pair.a).length, before + 1);
  pair.a.sendMessages(octets(3_000));
  before = fragsOf(pair.a).length;
  pair.a.forge(fnack(0, 17, [0]));
  assert.equal(fragsOf(pair.a).length, before);
});

test('a path of 400 Mbit/s and 20 ms each way is repaired: what was lost is still kept when it is asked for', () => {
  const pair = new ChannelPair(16, { delayMs: 20 }, { mtu: 1_452 }).open();
  pair.a.medium = { loss: 0.01, delayMs: 20 };
  const body = octets(65_000);
  const count = 400;
  for (let i = 0; i < count; i++) pair.later(i * 1.3, () => pair.a.sendMessages(body));
  pair.run(3_000);
  assert.ok(pair.b.messages.length >= count * 0.99, `${pair.b.messages.length} of ${count}`);
});

test('a FNACK for another number of fragments, or an unknown message, is ignored', () => {
  const pair = new ChannelPair(9, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.a.sendMessages(octets(20_000));
  const before = fragsOf(pair.a).length;
  pair.a.forge(fnack(0, 16, [0]));
  pair.a.forge(fnack(1, 17, [0]));
  assert.equal(fragsOf(pair.a).length, before);
});

test('a repaired message that comes twice is handed over once', () => {
  const pair = new ChannelPair(10, { delayMs: 5 }, { mtu: 1_200 }).open();
  pair.a.sendMessages(octets(5_000));
  pair.run(20);
  pair.a.forge(fnack(0, 4, [0, 1, 2, 3, 4]));
  pair.run(3_000);
  assert.equal(pair.b.messages.length, 1);
  assert.equal(fnacksOf(pair.b).length, 0);
});

test('a message larger than 131 070 octets is dropped, and counted', () => {
  const pair = new ChannelPair(11).open();
  pair.a.sendMessages(octets(131_070), octets(10));
  pair.run(50);
  assert.equal(pair.a.drops('link message too large'), 1);
  assert.equal(pair.b.messages.length, 1);
});

test('packets keep their size while fragments, control and answers share them', () => {
  const pair = new ChannelPair(12, { delayMs: 5, loss: 0.05 }, { mtu: 1_200 }).open();
  for (let i = 0; i < 50; i++) {
    pair.later(i * 3, () => pair.a.sendControl(octets(100 + i * 20, i)));
    pair.later(i * 3, () => pair.b.sendMessages(octets(i * 50)));
    pair.later(i * 3 + 1, () => pair.a.sendMessages(octets(i * 100), octets(3_000), octets(i)));
  }
  pair.run(3_000);
  for (const size of [...pair.a.sent, ...pair.b.sent]) assert.ok(size <= 1_200);
  assert.equal(pair.b.control.length, 50);
});

test('messages are whole in whatever order their fragments come', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 1, max: 600 }), fc.nat(), (count, share, seed) => {
      const chance = new Chance(seed);
      const size = Math.min(131_070, share * (count - 1) + 1 + chance.below(share));
      if (Math.ceil(size / share) !== count) return;
      const body = octets(size, seed);
      const order = Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = chance.below(i + 1);
        [order[i], order[j]] = [order[j] as number, order[i] as number];
      }
      const bench = new Bench();
      order.forEach((index, i) => {
        const isDone = bench.add(9, index, count - 1, body.subarray(index * share, (index + 1) * share));
        assert.equal(isDone, i === count - 1);
      });
      assert.deepEqual(bench.take(), body);
      assert.equal(bench.space.bytes, 0);
    }),
    { numRuns: 200 },
  );
});

test('contradictions give the message up: another count, another size, other octets', () => {
  const contradictions: [number, number, number, Uint8Array][] = [
    [1, 1, 3, octets(100)],
    [1, 1, 2, octets(99)],
    [1, 2, 2, octets(101)],
    [1, 0, 2, octets(100, 2)],
  ];
  for (const [id, index, last, body] of contradictions) {
    const bench = new Bench();
    bench.add(1, 0, 2, octets(100));
    assert.equal(bench.add(id, index, last, body), false);
    assert.equal(bench.reassembly.abandoned, 1);
    assert.equal(bench.space.bytes, 0);
    assert.equal(bench.add(1, 1, 2, octets(100)), false, 'and nothing brings it back');
  }
});

test('a tail that came before the others must not be larger than they are', () => {
  const bench = new Bench();
  bench.add(1, 2, 2, octets(101));
  bench.add(1, 0, 2, octets(100));
  assert.equal(bench.reassembly.abandoned, 1);
});

test('a fragment twice the same is no contradiction', () => {
  const bench = new Bench();
  for (const index of [2, 2, 0, 0, 2]) bench.add(1, index, 2, octets(index === 2 ? 50 : 100, index));
  assert.ok(bench.add(1, 1, 2, octets(100, 1)));
  assert.equal(bench.take()?.length, 250);
});

test('fragments that would make more than 131 070 octets are given up before anything is stored', () => {
  const bench = new Bench();
  assert.equal(bench.add(1, 0, 255, octets(515)), false);
  assert.equal(bench.add(2, 0, 2, octets(65_535)), false);
  assert.equal(bench.reassembly.abandoned, 2);
  assert.equal(bench.space.bytes, 0);
});

test('256 messages may be incomplete; the 257th costs the oldest', () => {
  const bench = new Bench();
  for (let id = 0; id < 257; id++) bench.add(id, 0, 1, octets(100));
  assert.equal(bench.reassembly.abandoned, 1);
  assert.equal(bench.add(0, 1, 1, octets(100)), false);
  assert.ok(bench.add(1, 1, 1, octets(100)));
});

test('incomplete messages hold 8 MiB at most', () => {
  const bench = new Bench();
  for (let id = 0; id < 60; id++) {
    bench.add(id, 0, 99, octets(1_200));
    assert.ok(bench.space.bytes <= 8_388_608);
  }
  // In buffers of 147 456 octets.
  assert.equal(bench.reassembly.abandoned, 4);
});

test('all links together hold 16 MiB at most, and the link that holds most gives its oldest message', () => {
  const space = new ReassemblySpace();
  const benches = Array.from({ length: 6 }, () => new Bench(space));
  const [modest, ...others] = benches as [Bench, ...Bench[]];
  for (let id = 0; id < 7; id++) modest.add(id, 0, 99, octets(1_200));
  for (const bench of others) {
    for (let id = 0; id < 50; id++) {
      bench.add(id, 0, 99, octets(1_200));
      assert.ok(space.bytes <= 16_777_216);
    }
  }
  assert.equal(modest.reassembly.abandoned, 0);
  assert.ok(others.every(({ reassembly }) => reassembly.abandoned > 0));
  for (const bench of benches) bench.reassembly.clear();
  assert.deepEqual([space.bytes, space.holders.size], [0, 0]);
});

test('an incomplete message is given up after a second', () => {
  const bench = new Bench();
  bench.add(1, 0, 1, octets(100));
  bench.reassembly.expire(999);
  assert.equal(bench.reassembly.abandoned, 0);
  bench.reassembly.expire(1_000);
  assert.equal(bench.reassembly.abandoned, 1);
  assert.equal(bench.space.bytes, 0);
});

test('a message of a type that does not belong into traffic ends the link', () => {
  for (const type of [0, 2, 5, 10]) {
    const pair = new ChannelPair(13).open();
    pair.b.forge(Uint8Array.of(LINK_FRAME.msg, type, 1, 2));
    assert.equal(pair.b.channel.ended?.reason, 'frame type unknown');
  }
  const pair = new ChannelPair(14).open();
  pair.b.forge(frag(1, 0, 0, Uint8Array.of(4, 1, 2)));
  assert.equal(pair.b.channel.ended?.reason, 'frame type unknown');
});
