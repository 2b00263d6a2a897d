/** The control stream of a datagram link: in order and whole whatever the path does, within its bounds (link document, section 9). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '../../daemon/wire/cursor.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { LINK_FRAME, LinkFrames, writeCack, writeCtrl } from '../../daemon/wire/link-frames.ts';
import { ChannelPair, type End, type Medium } from '../support/channel-pair.ts';
import { Chance } from '../support/core.ts';

const octets = (size: number, seed = 1): Uint8Array => new Chance(seed).octets(size);

/** The frames of one type in packets that an end has sent. */
function framesSent(end: End, type: number): { offset: number; from: number; to: number; plain: Uint8Array }[] {
  const frames = new LinkFrames();
  return end.sentTo.flatMap(({ plain }) => {
    const found = [];
    frames.open(plain, 0, plain.length);
    while (frames.next()) {
      const { offset, start, end: to } = frames;
      if (frames.type === type) found.push({ offset, from: start, to, plain });
    }
    return found;
  });
}

function ctrl(offset: number, body: Uint8Array): Uint8Array {
  const writer = new Writer(new Uint8Array(body.length + 30));
  writeCtrl(writer, offset, body);
  return writer.written();
}

/** Sends frames of many sizes in both directions, some of them while others are under way. */
function exchange(pair: ChannelPair, count: number): { forth: Uint8Array[]; back: Uint8Array[] } {
  const chance = new Chance(count);
  const forth = Array.from({ length: count }, (_, i) => octets(1 + chance.below(i % 7 === 0 ? 4_000 : 400), i));
  const back = Array.from({ length: count }, (_, i) => octets(1 + chance.below(300), 1_000 + i));
  for (let i = 0; i < count; i++) {
    pair.later(i * 20, () => pair.a.sendControl(forth[i] as Uint8Array));
    pair.later(i * 20 + 7, () => pair.b.sendControl(back[i] as Uint8Array, FRAME.sigReq));
  }
  return { forth, back };
}

for (const loss of [0, 0.01, 0.1, 0.3, 0.5]) {
  test(`L16: the stream is the same on both sides at ${loss * 100} % loss, with duplicates and overtaking`, () => {
    for (let seed = 1; seed <= 4; seed++) {
      const medium: Partial<Medium> = { loss, duplication: 0.1, delayMs: 20, jitterMs: 30 };
      const pair = new ChannelPair(seed);
      pair.open();
      pair.a.medium = medium;
      pair.b.medium = medium;
      const { forth, back } = exchange(pair, 150);
      const isDone = pair.runUntil(
        () => pair.b.control.length >= forth.length && pair.a.control.length >= back.length,
        300_000,
      );
      assert.deepEqual([pair.a.channel.ended, pair.b.channel.ended], [undefined, undefined], `seed ${seed}`);
      assert.ok(isDone, `seed ${seed}: ${pair.b.control.length} and ${pair.a.control.length} frames came`);
      assert.deepEqual(
        pair.b.control.map(({ body }) => body),
        forth,
      );
      assert.deepEqual(
        pair.a.control.map(({ body }) => body),
        back,
      );
    }
  });
}

test('one loss is made good by three later frames, long before its timeout', () => {
  const pair = new ChannelPair(1, { delayMs: 20 }).open();
  pair.run(5_000);
  let isLost = false;
  pair.a.onPacket = (packet) => {
    if (isLost || packet.plain[0] !== LINK_FRAME.ctrl) return packet;
    isLost = true;
    return undefined;
  };
  for (let i = 0; i < 6; i++) pair.later(i * 2, () => pair.a.sendControl(octets(100, i)));
  pair.run(85);
  assert.ok(isLost);
  assert.equal(pair.b.control.length, 6);
});

test('nothing is sent twice on a path without loss', () => {
  const pair = new ChannelPair(2, { delayMs: 150, jitterMs: 2 }).open();
  exchange(pair, 100);
  pair.run(20_000);
  const offsets = framesSent(pair.a, LINK_FRAME.ctrl).map(({ offset }) => offset);
  assert.equal(new Set(offsets).size, offsets.length);
});

test('what comes in order is acknowledged within 25 ms, what does not at once', () => {
  const pair = new ChannelPair(3, { delayMs: 10 }).open();
  pair.run(5_000);
  pair.b.sentTo.length = 0;
  pair.a.sendControl(octets(50));
  pair.run(34);
  assert.equal(framesSent(pair.b, LINK_FRAME.cack).length, 0);
  pair.run(2);
  assert.equal(framesSent(pair.b, LINK_FRAME.cack).length, 1);
  pair.b.forge(ctrl(1_000, octets(10)));
  assert.equal(framesSent(pair.b, LINK_FRAME.cack).length, 2);
});

test('at most 65 536 octets are under way, and the rest waits', () => {
  const pair = new ChannelPair(4).open();
  pair.b.isWritable = false;
  pair.a.act(() => {
    for (let i = 0; i < 60; i++) {
      const frame = encodeFrame(FRAME.announce, (writer) => writer.octets(octets(4_000, i)));
      pair.a.channel.sendControl(FRAME.announce, frame);
    }
  });
  const ends = framesSent(pair.a, LINK_FRAME.ctrl).map(({ offset, from, to }) => offset + to - from);
  assert.equal(Math.max(...ends), 65_536);
  pair.b.isWritable = true;
  pair.run(3_000);
  assert.equal(pair.b.control.length, 60);
});

test('at most 256 pieces are under way, however small', () => {
  const pair = new ChannelPair(18).open();
  pair.b.medium = { loss: 1 };
  for (let i = 0; i < 300; i++) pair.a.sendControl(octets(1, i));
  const offsets = new Set(framesSent(pair.a, LINK_FRAME.ctrl).map(({ offset }) => offset));
  assert.equal(offsets.size, 256);
  pair.b.medium = {};
  pair.run(10_000);
  assert.equal(pair.b.control.length, 300);
});

test('a peer that takes nothing is closed when 256 KiB wait behind the window', () => {
  const pair = new ChannelPair(5).open();
  pair.b.medium = { loss: 1 };
  let count = 0;
  while (pair.a.ends === 0 && count < 200) {
    pair.a.sendControl(octets(4_000, count++));
  }
  // 16 frames and a piece fill the window, 65 more the backlog.
  assert.equal(count, Math.floor((65_536 + 262_144) / 4_003) + 1);
  assert.equal(pair.a.channel.ended?.reason, 'peer too slow');
  assert.equal(pair.b.channel.ended, undefined);
  pair.run(20);
  assert.equal(pair.b.ends, 1);
});

test('a filter that waits gives way to a newer one, and nothing else does', () => {
  const pair = new ChannelPair(6).open();
  pair.a.isWritable = false;
  const send = (type: number, mark: number) => pair.a.sendControl(Uint8Array.of(mark), type);
  send(FRAME.bloomFilter, 1);
  send(FRAME.announce, 2);
  send(FRAME.announce, 2);
  send(FRAME.bloomFilter, 3);
  send(FRAME.sigReq, 4);
  pair.a.isWritable = true;
  pair.a.act(() => {});
  pair.run(100);
  assert.deepEqual(
    pair.b.control.map(({ body }) => body[0]),
    [2, 2, 3, 4],
  );
});

test('a filter of which a part has been sent stays', () => {
  const pair = new ChannelPair(7).open();
  pair.b.isWritable = false;
  pair.a.act(() => {
    for (let i = 0; i < 17; i++) {
      const frame = encodeFrame(FRAME.bloomFilter, (writer) => writer.octets(octets(4_000, i)));
      pair.a.channel.sendControl(FRAME.bloomFilter, frame);
      while (pair.a.channel.next(new Uint8Array(2_000), 0, 1_900) >= 0);
    }
  });
  pair.a.sendControl(octets(10, 99), FRAME.bloomFilter);
  pair.b.isWritable = true;
  pair.run(120_000);
  assert.equal(pair.b.control.length, 18);
});

test('octets beyond the window, and those delivered before, are not kept', () => {
  const pair = new ChannelPair(8).open();
  const frame = encodeFrame(FRAME.announce, (writer) => writer.octets(octets(30)));
  pair.b.forge(ctrl(65_536, frame));
  pair.b.forge(ctrl(0, frame));
  pair.b.forge(ctrl(0, frame));
  pair.b.forge(ctrl(10, octets(20)));
  assert.equal(pair.b.control.length, 1);
  assert.equal(pair.b.channel.ended, undefined);
});

test('octets that come twice and differ end the link', () => {
  const pair = new ChannelPair(9).open();
  pair.b.forge(ctrl(100, octets(50, 1)));
  pair.b.forge(ctrl(120, octets(50, 2)));
  assert.equal(pair.b.channel.ended?.reason, 'frame malformed');
});

for (const [name, stream] of [
  ['a length of zero', Uint8Array.of(0)],
  ['more than 4096 octets', Uint8Array.of(0x81, 0x20)],
  ['a length without end', new Uint8Array(11).fill(0xff)],
] as const) {
  test(`a control frame with ${name} ends the link`, () => {
    const pair = new ChannelPair(10).open();
    pair.b.forge(ctrl(0, stream));
    assert.equal(pair.b.channel.ended?.reason, 'frame malformed');
    pair.run(50);
    assert.equal(pair.a.channel.ended?.code, 3);
  });
}

test('a control frame of 4096 octets arrives', () => {
  const pair = new ChannelPair(11).open();
  pair.a.sendControl(octets(4_095));
  pair.run(100);
  assert.equal(pair.b.control[0]?.body.length, 4_095);
});

for (const type of [0, 1, 6, 9, 10, 255]) {
  test(`a frame of type ${type} on the control stream ends the link`, () => {
    const pair = new ChannelPair(12).open();
    pair.b.forge(ctrl(0, Uint8Array.of(2, type, 7)));
    assert.equal(pair.b.channel.ended?.reason, 'frame type unknown');
    assert.equal(pair.b.control.length, 0);
  });
}

test('gaps are remembered up to 128; what comes beyond is asked for again', () => {
  const pair = new ChannelPair(13).open();
  for (let i = 0; i < 128; i++) pair.b.forge(ctrl(10 + 4 * i, octets(2)));
  const stream = new Uint8Array(1_000);
  pair.b.forge(ctrl(10 + 4 * 128, octets(2, 2)));
  // It was not kept: other octets at its place are no contradiction.
  pair.b.forge(ctrl(10 + 4 * 128, octets(2, 3)));
  assert.equal(pair.b.ends, 0);
  pair.b.forge(ctrl(10, stream.subarray(0, 2)));
  assert.equal(pair.b.channel.ended?.reason, 'frame malformed');
});

test('a CACK of what was never sent changes nothing', () => {
  const pair = new ChannelPair(14).open();
  pair.b.medium = { loss: 1 };
  pair.a.sendControl(octets(100));
  const writer = new Writer(new Uint8Array(200));
  writeCack(writer, 5_000, [{ from: 6_000, to: 7_000 }]);
  pair.a.forge(writer.written());
  assert.equal(pair.a.drops('link frame malformed'), 1);
  assert.ok(pair.a.channel.queuedBytes > 0);
});

test('a frame that is never acknowledged ends the link after 10 retries', () => {
  const pair = new ChannelPair(15).open();
  // Everything but CACKs comes back.
  pair.b.onPacket = (packet) => (packet.plain.includes(LINK_FRAME.cack) ? undefined : packet);
  pair.a.sendControl(octets(100));
  const isOver = pair.runUntil(() => pair.a.ends > 0, 200_000);
  assert.ok(isOver);
  const sendings = framesSent(pair.a, LINK_FRAME.ctrl).filter(({ offset }) => offset === 0).length;
  assert.equal(sendings, 11);
  assert.equal(pair.a.channel.ended?.detail, 'control frames are not acknowledged');
});

test('a broken link hears at most 10 repeated frames within a timeout', () => {
  const pair = new ChannelPair(16).open();
  pair.run(5_000);
  pair.b.medium = { loss: 1 };
  pair.a.medium = { loss: 1 };
  for (let i = 0; i < 40; i++) pair.a.sendControl(octets(1_000, i));
  const before = pair.a.sent.length;
  pair.run(115);
  assert.equal(pair.a.sent.length - before, 10);
});

test('frames survive a path that shrinks while they are under way', () => {
  const pair = new ChannelPair(17).open();
  pair.run(5_000);
  assert.equal(pair.a.channel.mtu, 1_452);
  pair.a.medium = { mtu: 1_250 };
  const bodies = Array.from({ length: 20 }, (_, i) => octets(4_000, i));
  for (const body of bodies) pair.a.sendControl(body);
  pair.run(10_000);
  assert.deepEqual(
    pair.b.control.map(({ body }) => body),
    bodies,
  );
  assert.equal(pair.a.channel.mtu, 1_200);
});
