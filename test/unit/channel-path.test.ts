/** Where packets go and how large they are: change of address, size of the path (link document, sections 12 and 13). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayMoveTo } from '../../daemon/core/link/datagram/addresses.ts';
import { DATAGRAM_ADDRESS } from '../../daemon/core/port.ts';
import { LINK_FRAME } from '../../daemon/wire/link-frames.ts';
import { ChannelPair, type End, type Packet, rowOf } from '../support/channel-pair.ts';
import { Chance } from '../support/core.ts';

const octets = (size: number, seed = 1): Uint8Array => new Chance(seed).octets(size);
const challenges = (end: End) => end.sentTo.filter(({ plain }) => plain[0] === LINK_FRAME.pchal);

/** Both sides say something every 5 ms; the times at which b heard something. */
function talk(pair: ChannelPair, forMs: number): number[] {
  const heard: number[] = [];
  pair.b.onFrame = () => heard.push(pair.nowMs);
  for (let ms = 0; ms < forMs; ms += 5) {
    pair.later(ms, () => pair.a.sendMessages(octets(800, ms)));
    pair.later(ms, () => pair.b.sendMessages(octets(100, ms)));
  }
  return heard;
}

function longestGap(times: readonly number[]): number {
  return times.reduce((longest, time, i) => (i === 0 ? 0 : Math.max(longest, time - (times[i - 1] as number))), 0);
}

test('L17: a NAT that forgets costs one round trip', () => {
  const pair = new ChannelPair(1, { delayMs: 40 }).open();
  pair.run(3_000);
  const heard = talk(pair, 3_000);
  pair.later(1_000, () => {
    pair.b.rows = [rowOf(77)];
  });
  pair.run(4_000);
  assert.deepEqual(pair.a.channel.address, rowOf(77));
  const gap = longestGap(heard);
  // One way until a packet from the new address arrives, one round trip for the challenge, one way for the data.
  assert.ok(gap <= 80 + 80 + 50, `${gap} ms without anything`);
  assert.equal(pair.a.ends + pair.b.ends, 0);
});

test('L17: what was acknowledged before the challenge is answered counts from the first packet that comes', () => {
  const pair = new ChannelPair(2, { delayMs: 40 }).open();
  pair.run(3_000);
  talk(pair, 2_000);
  let firstMs = 0;
  pair.later(1_000, () => {
    pair.b.rows = [rowOf(77)];
  });
  pair.a.onPacket = (packet) => {
    if (packet.plain[0] === LINK_FRAME.pchal && firstMs === 0) firstMs = pair.nowMs;
    return packet;
  };
  pair.runUntil(() => pair.a.channel.address[15] === 77, 3_000);
  assert.ok(pair.nowMs - firstMs <= 80 + 50, `${pair.nowMs - firstMs} ms`);
});

test('L18: an attacker who sends copies faster, from elsewhere, moves nothing', () => {
  const pair = new ChannelPair(3, { delayMs: 30 }).open();
  pair.run(3_000);
  pair.b.onPacket = (packet: Packet) => {
    pair.later(5, () => pair.arrive({ ...packet, from: rowOf(66) }));
    return packet;
  };
  const heard = talk(pair, 20_000);
  const before = challenges(pair.a).length;
  pair.run(25_000);
  assert.deepEqual(pair.a.channel.address, rowOf(2));
  assert.ok(longestGap(heard) <= 10);
  // A pair of challenges each 10 s while refused, not one for every packet.
  assert.ok(challenges(pair.a).length - before <= 24, `${challenges(pair.a).length - before} challenges`);
  for (const { to } of pair.a.sentTo) assert.ok(to[15] === 2 || to[15] === 66);
  const toAttacker = pair.a.sentTo.filter(({ to }) => to[15] === 66);
  assert.ok(toAttacker.every(({ plain }) => plain[0] === LINK_FRAME.pchal && plain.length === 9));
});

test('an attacker who even passes challenges on loses against the address that still answers', () => {
  const pair = new ChannelPair(4, { delayMs: 30 }).open();
  pair.run(3_000);
  pair.b.onPacket = (packet: Packet) => {
    pair.later(5, () => pair.arrive({ ...packet, from: rowOf(66) }));
    return packet;
  };
  // What is sent to the attacker reaches b as if it had been sent there.
  pair.a.onPacket = (packet: Packet) => {
    if (packet.to[15] === 66) pair.later(40, () => pair.arrive({ ...packet, to: rowOf(2) }));
    return packet;
  };
  talk(pair, 10_000);
  pair.run(10_000);
  assert.deepEqual(pair.a.channel.address, rowOf(2));
});

test('a late answer of the old address takes the link back', () => {
  const pair = new ChannelPair(5, { delayMs: 30 }).open();
  pair.run(3_000);
  // The way to the old address is slow: its answer comes after that of the new one.
  pair.b.rows = [rowOf(77), rowOf(2)];
  pair.a.onPacket = (packet: Packet) => {
    if (packet.to[15] !== 2 || packet.plain[0] !== LINK_FRAME.pchal) return packet;
    pair.later(1_000, () => pair.arrive(packet));
    return undefined;
  };
  pair.b.sendMessages(octets(10));
  pair.run(200);
  assert.deepEqual(pair.a.channel.address, rowOf(77));
  pair.run(1_000);
  assert.deepEqual(pair.a.channel.address, rowOf(2));
  pair.b.sendMessages(octets(10));
  pair.run(5_000);
  assert.deepEqual(pair.a.channel.address, rowOf(2), 'the new one is ignored for 10 s');
});

test('an address that does not answer is forgotten after 3 tries and ignored for 10 s', () => {
  const pair = new ChannelPair(6).open();
  pair.run(3_000);
  pair.a.forge(Uint8Array.of(), rowOf(66));
  pair.run(2_500);
  const toNew = () => challenges(pair.a).filter(({ to }) => to[15] === 66).length;
  assert.equal(toNew(), 3);
  pair.run(2_000);
  pair.a.forge(Uint8Array.of(), rowOf(66));
  pair.run(7_000);
  assert.equal(toNew(), 3);
  pair.run(2_000);
  pair.a.forge(Uint8Array.of(), rowOf(66));
  assert.equal(toNew(), 4);
});

test('a packet that is not the newest moves nothing', () => {
  const pair = new ChannelPair(7).open();
  pair.a.forge(Uint8Array.of());
  const before = challenges(pair.a).length;
  // Its counter is below that of the forged one.
  pair.b.rows = [rowOf(77), rowOf(2)];
  pair.b.sendMessages(octets(10));
  pair.run(100);
  assert.equal(challenges(pair.a).length, before);
  assert.equal(pair.a.messages.length, 1);
});

test('an answer counts only from the new address, and only once it was asked', () => {
  const pair = new ChannelPair(8).open();
  pair.a.forge(Uint8Array.of(LINK_FRAME.presp, ...octets(8)), rowOf(66));
  const [challenge] = challenges(pair.a);
  assert.ok(challenge);
  const answer = Uint8Array.of(LINK_FRAME.presp, ...challenge.plain.subarray(1));
  pair.a.forge(answer, rowOf(67));
  assert.deepEqual(pair.a.channel.address, rowOf(2));
  pair.a.forge(answer, rowOf(66));
  assert.deepEqual(pair.a.channel.address, rowOf(66));
});

test('the answer to a challenge goes where the challenge came from', () => {
  const pair = new ChannelPair(9).open();
  const body = octets(8);
  pair.a.forge(Uint8Array.of(LINK_FRAME.pchal, ...body), rowOf(66));
  const answers = pair.a.sentTo.filter(({ plain }) => plain[0] === LINK_FRAME.presp);
  assert.deepEqual(
    answers.map(({ to, plain }) => [to[15], plain.slice(1)]),
    [[66, body]],
  );
});

test('when the old address is silent, data goes to the new one before it is validated, thrice what came at most', () => {
  const pair = new ChannelPair(10).open();
  pair.run(3_000);
  pair.b.isWritable = false;
  pair.a.forge(new Uint8Array(1_000), rowOf(66));
  pair.run(1_990);
  pair.a.sendMessages(octets(400));
  assert.ok(pair.a.sentTo.every(({ to, size }) => to[15] === 2 || size < 100));
  pair.run(20);
  for (let i = 0; i < 20; i++) pair.a.sendMessages(octets(400));
  const toNew = pair.a.sentTo.filter(({ to }) => to[15] === 66);
  const bytes = toNew.reduce((sum, { size }) => sum + size, 0);
  assert.ok(bytes > 1_025 && bytes <= 3 * 1_025, `${bytes} octets`);
});

test('after a move the size of packets and the round trip are found anew', () => {
  const pair = new ChannelPair(11, { delayMs: 40 }).open();
  pair.run(3_000);
  assert.equal(pair.a.channel.mtu, 1_452);
  pair.b.rows = [rowOf(77)];
  pair.b.sendMessages(octets(10));
  pair.runUntil(() => pair.a.channel.address[15] === 77, 1_000);
  assert.equal(pair.a.channel.mtu, 1_200);
  pair.run(3_000);
  assert.equal(pair.a.channel.mtu, 1_452);
});

test('L19: a black hole at 1300 octets in the middle of a transfer is left within 10 s', () => {
  for (const lateMs of [0, 1_300, 2_600, 4_900]) {
    const pair = new ChannelPair(12, { delayMs: 20 }).open();
    pair.run(3_000);
    let sequence = 0;
    for (let ms = 0; ms < 30_000; ms += 10) {
      pair.later(ms, () => pair.a.sendMessages(new Uint8Array(1_390).fill(sequence++ & 0xff)));
      if (ms % 50 === 0) pair.later(ms, () => pair.b.sendMessages(octets(60)));
    }
    pair.run(6_000 + lateMs);
    assert.ok(pair.a.channel.mtu > 1_300);
    pair.a.medium = { delayMs: 20, mtu: 1_300 };
    const atMs = pair.nowMs;
    const count = pair.b.messages.length;
    const isBack = pair.runUntil(() => pair.b.messages.length > count + 10, 12_000);
    assert.ok(isBack && pair.nowMs - atMs < 10_000, `${pair.nowMs - atMs} ms`);
    assert.equal(pair.a.ends, 0);
  }
});

test('after a black hole the search begins anew in 60 s', () => {
  const pair = new ChannelPair(13).open();
  pair.run(3_000);
  pair.a.medium = { mtu: 1_300 };
  for (let ms = 0; ms < 10_000; ms += 10) pair.later(ms, () => pair.a.sendMessages(new Uint8Array(1_390)));
  assert.ok(pair.runUntil(() => pair.a.channel.mtu === 1_200, 10_000));
  pair.a.medium = {};
  pair.run(59_000);
  assert.equal(pair.a.channel.mtu, 1_200);
  pair.run(3_000);
  assert.equal(pair.a.channel.mtu, 1_452);
});

test('a size that does not pass is tried 3 times; then the search rests for 600 s', () => {
  const pair = new ChannelPair(14, { mtu: 1_300 }).open();
  const probes = () => pair.a.sentTo.filter(({ plain }) => plain[0] === LINK_FRAME.probe).map(({ size }) => size);
  pair.run(20_000);
  assert.deepEqual(probes(), [1_280, 1_352, 1_352, 1_352]);
  assert.equal(pair.a.channel.mtu, 1_280);
  pair.a.medium = {};
  pair.b.medium = {};
  pair.run(560_000);
  assert.equal(pair.a.channel.mtu, 1_280);
  pair.run(40_000);
  assert.equal(pair.a.channel.mtu, 1_452);
});

test('the search ends at what the other side receives, and at what the carrier takes', () => {
  const near = new ChannelPair(15, {}, { mtu: 65_507, rxMtuOfPeer: 9_000 }).open();
  near.run(3_000);
  assert.equal(near.a.channel.mtu, 9_000);
  const small = new ChannelPair(16, {}, { mtu: 500, rxMtuOfPeer: 1_452, carrierClass: 'S' }).open();
  small.run(3_000);
  assert.equal(small.a.channel.mtu, 500);
  small.a.sendMessages(octets(5_000));
  small.run(100);
  assert.equal(small.b.messages.length, 1);
  assert.ok(small.a.sent.every((size) => size <= 500));
});

test('the system may lower the search, not the size in use nor the base', () => {
  const pair = new ChannelPair(17);
  pair.a.channel.tooBig(1_360);
  pair.open().run(5_000);
  assert.equal(pair.a.channel.mtu, 1_360);
  pair.a.channel.tooBig(600);
  pair.run(5_000);
  assert.equal(pair.a.channel.mtu, 1_360);
});

test('only a probe that came as a whole is confirmed', () => {
  const pair = new ChannelPair(18).open();
  const before = pair.b.sentTo.length;
  pair.b.forge(Uint8Array.of(LINK_FRAME.probe, 0, 0, 0, 9, 5, 120, 0));
  assert.ok(pair.b.sentTo.slice(before).every(({ plain }) => plain[0] !== LINK_FRAME.probed));
});

function row(ip: readonly number[], port = 9_000): Uint8Array {
  const address = new Uint8Array(DATAGRAM_ADDRESS);
  if (ip.length === 4) address.set([0xff, 0xff, ...ip], 10);
  else address.set(ip);
  address.set([port >> 8, port & 0xff], 20);
  return address;
}

test('a link never moves to many, to nobody, to this machine or into the mesh', () => {
  const old = row([192, 0, 2, 1]);
  const six = (...start: number[]) => [...start, ...new Array(15 - start.length).fill(0), 1];
  for (const ip of [
    [224, 0, 0, 1],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
    [127, 0, 0, 1],
  ]) {
    assert.equal(mayMoveTo(row(ip), old), false, ip.join('.'));
  }
  for (const ip of [six(0xff, 2), new Array(16).fill(0), six(0), six(2), six(3)]) {
    assert.equal(mayMoveTo(row(ip), old), false, ip.join(' '));
  }
  assert.equal(mayMoveTo(row([192, 0, 2, 2], 0), old), false);
  assert.equal(mayMoveTo(row([192, 0, 2, 2]), old), true);
  assert.equal(mayMoveTo(row(six(0x20, 1)), old), true);
  assert.equal(mayMoveTo(row(six(0xfe, 0x80)), old), true);
  assert.equal(mayMoveTo(row([127, 0, 0, 1], 7), row([127, 0, 0, 1])), true);
});
