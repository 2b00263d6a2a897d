/** The channel of a datagram link as a whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { LINK_FRAME } from '../../daemon/wire/link-frames.ts';
import { ChannelPair } from '../support/channel-pair.ts';
import { Chance } from '../support/core.ts';

const octets = (size: number, seed = 1): Uint8Array => new Chance(seed).octets(size);

test('the first packet shows the link to the router, on both sides', () => {
  const pair = new ChannelPair(1);
  assert.deepEqual([pair.a.opens, pair.b.opens], [0, 0]);
  pair.open();
  assert.deepEqual([pair.a.opens, pair.b.opens], [1, 1]);
  assert.ok(pair.a.channel.isOpen && pair.b.channel.isOpen);
});

test('both sides know the round trip soon; while young it counts double', () => {
  const pair = new ChannelPair(1, { delayMs: 20 }).open();
  assert.ok(pair.a.channel.lagMs >= 80, `${pair.a.channel.lagMs} ms`);
  pair.run(2_000);
  for (const end of [pair.a, pair.b]) {
    end.act(() => {});
    assert.ok(end.channel.lagMs >= 40 && end.channel.lagMs < 50, `${end.channel.lagMs} ms`);
  }
});

test('control frames arrive, in their order and with their types', () => {
  const pair = new ChannelPair(2).open();
  const bodies = [10, 300, 1, 1_100].map((size, i) => octets(size, i));
  for (const [i, body] of bodies.entries()) pair.a.sendControl(body, FRAME.sigReq + i);
  pair.run(100);
  assert.deepEqual(
    pair.b.control.map(({ type }) => type),
    [FRAME.sigReq, FRAME.sigRes, FRAME.announce, FRAME.bloomFilter],
  );
  assert.deepEqual(
    pair.b.control.map(({ body }) => body),
    bodies,
  );
});

test('a message that fits leaves alone and where it lay', () => {
  const pair = new ChannelPair(3).open();
  const { channel } = pair.a;
  const body = octets(500);
  pair.a.sent.length = 0;
  pair.a.act(() => pair.a.reserve(body));
  assert.notEqual(channel.plain, channel.target.subarray(0, 0));
  pair.run(50);
  assert.deepEqual(pair.b.messages, [body]);
  assert.deepEqual(pair.a.sent[0], 25 + 1 + 1 + 500);
});

test('small messages that wait together share packets, a large one has its own', () => {
  const pair = new ChannelPair(4).open();
  pair.run(5_000);
  pair.a.sent.length = 0;
  const bodies = [100, 200, 300, 1_400, 50, 60].map((size, i) => octets(size, i));
  pair.a.sendMessages(...bodies);
  pair.run(50);
  assert.deepEqual(pair.b.messages, bodies);
  assert.equal(pair.a.sent.length, 3);
});

test('messages larger than a packet are cut, and arrive whole', () => {
  const pair = new ChannelPair(5).open();
  const bodies = [1_500, 9_000, 65_000, 131_069].map((size, i) => octets(size, i));
  for (const body of bodies) pair.a.sendMessages(body);
  pair.run(50);
  assert.deepEqual(pair.b.messages, bodies);
});

test('after a time without anything to say the other side is told that we live', () => {
  const pair = new ChannelPair(6).open();
  pair.run(5_000);
  const before = pair.b.sent.length;
  pair.a.sendMessages(octets(100));
  pair.run(900);
  assert.equal(pair.b.sent.length, before);
  pair.run(200);
  assert.deepEqual(pair.b.sent.slice(before), [25]);
});

test('a peer that falls silent is given up after 6 s', () => {
  const pair = new ChannelPair(7).open();
  pair.b.medium = { loss: 1 };
  pair.a.sendMessages(octets(100));
  pair.run(5_990);
  assert.equal(pair.a.ends, 0);
  pair.run(20);
  assert.equal(pair.a.channel.ended?.reason, 'peer silent');
  assert.equal(pair.a.ends, 1);
});

test('a link on which nothing is said is asked every 20 s, by one side', () => {
  const pair = new ChannelPair(8).open();
  pair.run(5_000);
  const before = pair.a.sent.length + pair.b.sent.length;
  pair.run(100_000);
  const packets = pair.a.sent.length + pair.b.sent.length - before;
  assert.ok(packets >= 8 && packets <= 20, `${packets} packets`);
  assert.equal(pair.a.channel.ended, undefined);
});

test('CLOSE ends the other side at once, with its reason', () => {
  const pair = new ChannelPair(9).open();
  pair.a.act(() => pair.a.channel.close('shutdown', 'good night'));
  pair.run(20);
  assert.deepEqual(pair.b.channel.ended, { reason: 'closed by peer', detail: 'it shuts down: good night', code: 1 });
  assert.deepEqual([pair.a.ends, pair.b.ends], [1, 1]);
  const sent = pair.a.sent.length + pair.b.sent.length;
  pair.run(60_000);
  assert.equal(pair.a.sent.length + pair.b.sent.length, sent);
});

test('a link that the router refuses is closed with the reason', () => {
  const pair = new ChannelPair(10);
  pair.b.refusal = 'too many links';
  pair.open();
  assert.equal(pair.a.channel.ended?.code, 6);
  assert.equal(pair.b.ends, 0);
});

test('the packet size grows to what the path takes', () => {
  const pair = new ChannelPair(11, { mtu: 1_410 }).open();
  assert.equal(pair.a.channel.mtu, 1_400);
  pair.run(10_000);
  assert.equal(pair.a.channel.mtu, 1_400);
});

test('every packet begins with a frame that is known', () => {
  const pair = new ChannelPair(12).open();
  for (const { plain } of pair.a.sentTo) if (plain.length > 0) assert.ok((plain[0] as number) <= LINK_FRAME.rack);
});

for (const [carrierClass, mtu, delayMs, size] of [
  ['U', 600, 20, 60_000],
  ['S', 500, 20, 60_000],
] as const) {
  test(`a carrier of class ${carrierClass} carries control, messages and fragments of its size`, () => {
    const pair = new ChannelPair(20, { delayMs }, { carrierClass, mtu, rxMtuOfPeer: mtu }).open();
    pair.run(3_000);
    const bodies = [100, size, 30, 40].map((each, i) => octets(each, i));
    for (const body of bodies) pair.a.sendMessages(body);
    const control = [10, 700, 1_100].map((each, i) => octets(each, i));
    for (const body of control) pair.b.sendControl(body);
    pair.run(120_000);
    assert.deepEqual(pair.b.messages, bodies);
    assert.deepEqual(
      pair.a.control.map(({ body }) => body),
      control,
    );
    for (const each of [...pair.a.sent, ...pair.b.sent]) assert.ok(each <= mtu + 2, `${each} octets`);
    assert.equal(pair.a.ends + pair.b.ends, 0);
  });
}

test('under load what finds paths goes before traffic', () => {
  const pair = new ChannelPair(21).open();
  pair.a.act(() => {
    for (let i = 0; i < 20; i++) pair.a.reserve(octets(1_300, i));
    const frame = encodeFrame(FRAME.pathNotify, (writer) => writer.octets(octets(50)));
    pair.a.channel.reserve(frame.length, 1, 1, true);
    pair.a.channel.target.set(frame, pair.a.channel.targetAt);
  });
  pair.run(50);
  assert.equal(pair.b.frames[0]?.type, FRAME.pathNotify);
  assert.equal(pair.b.frames.length, 21);
});

test('a traffic queue that stays long is shortened', () => {
  const pair = new ChannelPair(22).open();
  pair.run(3_000);
  // The carrier takes one packet each 10 ms, twice as many come.
  pair.a.isWritable = false;
  for (let ms = 0; ms < 3_000; ms += 5) pair.later(ms, () => pair.a.sendMessages(octets(2_000)));
  for (let ms = 0; ms < 3_000; ms += 10) {
    pair.later(ms, () => pair.a.act(() => pair.a.channel.next(new Uint8Array(2_000), 0, 1_900)));
  }
  pair.run(3_000);
  const late = pair.a.drops('traffic queue late');
  assert.ok(late > 10, `${late} dropped`);
});

test('after a sleep a link that lives stays, and one that does not ends soon', () => {
  for (const isAlive of [true, false]) {
    const pair = new ChannelPair(23).open();
    for (const end of [pair.a, pair.b]) end.medium = { loss: isAlive ? 0 : 1 };
    pair.a.sendMessages(octets(100));
    pair.nowMs += 3_600_000;
    pair.run(4_000);
    assert.equal(pair.a.ends, isAlive ? 0 : 1);
  }
});

test('asked whether it lives, a link that does not ends after 6 s', () => {
  const pair = new ChannelPair(24).open();
  pair.run(10_000);
  pair.b.medium = { loss: 1 };
  pair.a.act(() => pair.a.channel.probe());
  pair.run(5_990);
  assert.equal(pair.a.ends, 0);
  pair.run(20);
  assert.equal(pair.a.ends, 1);
});
