/** What an authenticated peer may send: anything. The channel stays whole, and small (link document, section 6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Writer } from '../../daemon/wire/cursor.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { LINK_FRAME, writeCtrl, writeFragHead, writePing } from '../../daemon/wire/link-frames.ts';
import { ChannelPair, rowOf } from '../support/channel-pair.ts';
import { Chance } from '../support/core.ts';
import { anyOctets, fc, join } from './wire-property.ts';

const octets = (size: number, seed = 1): Uint8Array => new Chance(seed).octets(size);

/** Frames that are well formed, or begin so. */
const anyFrame = fc.oneof(
  fc
    .tuple(fc.constantFrom(...Object.values(LINK_FRAME)), anyOctets(0, 40))
    .map(([type, body]) => join(Uint8Array.of(type), body)),
  fc.tuple(fc.nat({ max: 100_000 }), anyOctets(0, 60)).map(([offset, body]) => {
    const writer = new Writer(new Uint8Array(100));
    writeCtrl(writer, offset, body);
    return writer.written();
  }),
  fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 255 }), fc.nat({ max: 255 })).map(([id, index, last]) => {
    const writer = new Writer(new Uint8Array(5));
    writeFragHead(writer, id, index, last);
    return writer.written();
  }),
  anyOctets(0, 100),
);
const anyPacket = fc.array(anyFrame, { maxLength: 6 }).map((frames) => join(...frames));

test('whatever a peer sends, nothing is thrown, and what is kept has a bound', () => {
  fc.assert(
    fc.property(fc.array(anyPacket, { minLength: 1, maxLength: 60 }), fc.nat(), (packets, seed) => {
      const pair = new ChannelPair(seed).open();
      pair.a.sendControl(octets(3_000));
      pair.a.sendMessages(octets(9_000), octets(10));
      for (const [i, packet] of packets.entries()) {
        pair.a.forge(packet, rowOf(i % 5 === 0 ? 66 : 2));
        if (i % 7 === 0) pair.run(40);
      }
      pair.run(3_000);
      assert.ok(pair.a.channel.queuedBytes < 10_000);
      assert.ok(pair.a.sent.every((size) => size <= 1_452));
    }),
    { numRuns: 300 },
  );
});

test('a packet causes one packet in answer at most, however many frames ask', () => {
  const pair = new ChannelPair(1).open();
  pair.run(5_000);
  const writer = new Writer(new Uint8Array(1_400));
  for (let id = 0; id < 250; id++) writePing(writer, LINK_FRAME.ping, id);
  let before = pair.a.sent.length;
  pair.a.forge(writer.written());
  assert.equal(pair.a.sent.length - before, 1);
  assert.equal(pair.a.sent.at(-1), 25 + 8 * 5, '8 of them are answered');
  const challenges = new Uint8Array(9 * 100).map((_, i) => (i % 9 === 0 ? LINK_FRAME.pchal : i & 0xff));
  before = pair.a.sent.length;
  pair.a.forge(challenges);
  assert.equal(pair.a.sent.length - before, 1);
});

test('a packet that ends inside a frame is counted, and what came before stands', () => {
  const pair = new ChannelPair(2).open();
  const message = Uint8Array.of(LINK_FRAME.msgl, 3, FRAME.traffic, 1, 2);
  pair.b.forge(join(message, Uint8Array.of(LINK_FRAME.ctrl, 0, 9, 1)));
  pair.b.forge(join(message, Uint8Array.of(0x7f, 0)));
  assert.equal(pair.b.messages.length, 2);
  assert.deepEqual([pair.b.drops('link frame malformed'), pair.b.drops('link frame unknown')], [1, 1]);
  assert.equal(pair.b.ends, 0);
});

test('64 frames of a packet are handled, messages apart', () => {
  const pair = new ChannelPair(21).open();
  const message = Uint8Array.of(LINK_FRAME.msgl, 3, FRAME.traffic, 1, 2);
  const pong = Uint8Array.of(LINK_FRAME.pong, 0, 0, 0, 9);
  const of = (count: number, frame: Uint8Array) => join(...Array.from({ length: count }, () => frame));
  pair.b.forge(join(of(200, message), of(64, pong), message));
  assert.equal(pair.b.messages.length, 201);
  assert.equal(pair.b.drops('link frames too many'), 0);
  pair.b.forge(join(of(65, pong), message));
  assert.equal(pair.b.messages.length, 201);
  assert.equal(pair.b.drops('link frames too many'), 1);
});

test('nothing after the end of a link does anything', () => {
  const pair = new ChannelPair(3).open();
  pair.b.forge(Uint8Array.of(LINK_FRAME.close, 5));
  const sent = pair.b.sent.length;
  pair.b.forge(Uint8Array.of(LINK_FRAME.msgl, 3, FRAME.traffic, 1, 2));
  pair.b.act(() => {
    pair.b.channel.sendControl(
      FRAME.announce,
      encodeFrame(FRAME.announce, (writer) => writer.u8(1)),
    );
    pair.b.reserve(octets(100));
    pair.b.channel.probe();
    pair.b.channel.close('removed', 'again');
  });
  pair.run(30_000);
  assert.deepEqual([pair.b.messages.length, pair.b.sent.length, pair.b.ends], [0, sent, 1]);
  pair.b.channel.dispose();
});

test('frames behind the one that ended the link are not read', () => {
  const pair = new ChannelPair(4).open();
  const message = Uint8Array.of(LINK_FRAME.msgl, 3, FRAME.traffic, 1, 2);
  pair.b.forge(join(Uint8Array.of(LINK_FRAME.msgl, 2, 0, 0), message));
  assert.equal(pair.b.messages.length, 0);
});

test('a thousand incomplete messages leave nothing behind', () => {
  const pair = new ChannelPair(5).open();
  for (let id = 0; id < 1_000; id++) {
    const writer = new Writer(new Uint8Array(1_105));
    writeFragHead(writer, id, 0, 99);
    pair.b.forge(writer.octets(octets(1_100)).written());
    if (id % 50 === 0) pair.run(100);
  }
  pair.run(2_000);
  assert.equal(pair.b.drops('link message incomplete'), 1_000);
});

test('the text of a CLOSE is shown as printable ASCII only', () => {
  const pair = new ChannelPair(6).open();
  pair.b.forge(Uint8Array.of(LINK_FRAME.close, 99, 0x1b, 0x5b, 0x41, 0x0a, 0xc3, 0x7e));
  assert.equal(pair.b.channel.ended?.detail, 'reason 99: ?[A??~');
});

test('L14: frames do not care under which key they come', () => {
  // Keys are the owner's: half of the packets under way are opened with the old key, half with the new one, none is lost.
  const pair = new ChannelPair(7, { delayMs: 30, jitterMs: 20 }).open();
  const count = 2_000;
  for (let i = 0; i < count; i++) {
    pair.later(i, () => pair.a.sendMessages(octets(i % 10 === 0 ? 5_000 : 200, i)));
    if (i % 20 === 0) pair.later(i, () => pair.a.sendControl(octets(100, i)));
  }
  pair.later(count / 2, () => pair.a.act(() => pair.a.channel.probe()));
  pair.run(count + 1_000);
  assert.equal(pair.b.messages.length, count);
  assert.equal(pair.b.control.length, count / 20);
});
