import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey, partialKey, subnetForKey } from '../../daemon/core/identity.ts';
import type { NodeOptions } from '../../daemon/core/port.ts';
import { IPV6_DEST, IPV6_SOURCE, readEcho, writeEcho } from '../../daemon/wire/ipv6.ts';
import { identityOf, vectorsOf } from '../support/core.ts';
import { Desk, far, us } from '../support/core-desk.ts';
import { inSubnet, packetTo } from '../support/core-mesh.ts';
import { octets } from './wire-vectors.ts';

const [ourAddress, farAddress] = [us, far].map(({ key }) => addressForKey(key)) as [Uint8Array, Uint8Array];
const [ourSubnet, farSubnet] = [us, far].map(({ key }) => inSubnet(subnetForKey(key))) as [Uint8Array, Uint8Array];
const elsewhere = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(12));

// From the TUN (section 6.2)

/** A desk that knows the far node. */
function acquainted(changes: Partial<NodeOptions> = {}): Desk {
  const desk = new Desk(changes);
  desk.packets.found(far.key);
  return desk;
}

for (const { what, source, dest } of [
  { what: 'from our address to an address', source: ourAddress, dest: farAddress },
  { what: 'from our address to a subnet', source: ourAddress, dest: farSubnet },
  { what: 'from our subnet to an address', source: ourSubnet, dest: farAddress },
]) {
  test(`a packet ${what} leaves behind the type octet one`, () => {
    const desk = acquainted();
    const packet = packetTo(source, dest);
    desk.outgoing(packet);
    assert.deepEqual(desk.sent, [{ dest: far.key, packet: Uint8Array.of(1, ...packet) }]);
  });
}

const version4 = packetTo(ourAddress, farAddress);
version4[0] = 0x45;
const tooLong = packetTo(ourAddress, farAddress);
tooLong[5] = 61;

for (const { what, packet, drop } of [
  { what: 'of version 4', packet: version4, drop: 'packet malformed' },
  { what: 'of 39 octets', packet: packetTo(ourAddress, farAddress, 40).slice(0, 39), drop: 'packet malformed' },
  { what: 'shorter than it says', packet: tooLong, drop: 'packet malformed' },
  { what: 'from another address', packet: packetTo(farAddress, farAddress), drop: 'packet source not ours' },
  {
    what: 'from a link-local address',
    packet: packetTo(Uint8Array.of(0xfe, 0x80, ...new Uint8Array(14)), farAddress),
    drop: 'packet source not ours',
  },
  {
    what: 'to an address outside the mesh',
    packet: packetTo(ourAddress, elsewhere),
    drop: 'packet destination not in the mesh',
  },
  {
    what: 'to a multicast group',
    packet: packetTo(ourAddress, Uint8Array.of(0xff, 2, ...new Uint8Array(14))),
    drop: 'packet destination not in the mesh',
  },
  { what: 'to ourselves', packet: packetTo(ourAddress, ourAddress), drop: 'packet destination not in the mesh' },
  { what: 'to our own subnet', packet: packetTo(ourAddress, ourSubnet), drop: 'packet destination not in the mesh' },
]) {
  test(`a packet ${what} does not leave`, () => {
    const desk = acquainted();
    desk.outgoing(packet);
    assert.deepEqual([desk.sent, desk.lookups, desk.drops()], [[], [], { [drop]: 1 }]);
  });
}

test('a packet of 40 octets leaves', () => {
  const desk = acquainted();
  desk.outgoing(packetTo(ourAddress, farAddress, 40));
  assert.equal(desk.sent.length, 1);
});

test('all packets of a batch leave', () => {
  const desk = acquainted();
  desk.outgoing(...[100, 200, 300].map((size) => packetTo(ourAddress, farAddress, size)));
  assert.deepEqual(
    desk.sent.map(({ packet }) => packet.length),
    [101, 201, 301],
  );
});

for (const { what, dest, partial } of [
  { what: 'address', dest: farAddress, partial: partialKey(farAddress) },
  { what: 'subnet', dest: farSubnet, partial: partialKey(subnetForKey(far.key)) },
]) {
  test(`a packet for an unknown ${what} waits and leaves when its key is found`, () => {
    const desk = new Desk();
    const packet = packetTo(ourAddress, dest);
    desk.outgoing(packet);
    assert.deepEqual([desk.sent, desk.lookups], [[], [partial]]);
    desk.packets.found(far.key);
    assert.deepEqual(desk.sent, [{ dest: far.key, packet: Uint8Array.of(1, ...packet) }]);
  });
}

test('every packet for an unknown address asks again', () => {
  const desk = new Desk();
  desk.outgoing(...[1, 2, 3].map(() => packetTo(ourAddress, farAddress)));
  assert.equal(desk.lookups.length, 3);
});

// To the TUN

for (const { what, source, dest } of [
  { what: 'from the sender’s address to ours', source: farAddress, dest: ourAddress },
  { what: 'from the sender’s subnet to our address', source: farSubnet, dest: ourAddress },
  { what: 'from the sender’s address to our subnet', source: farAddress, dest: ourSubnet },
]) {
  test(`a packet ${what} is delivered as it is`, () => {
    const desk = new Desk();
    const packet = packetTo(source, dest);
    desk.incoming(packet);
    assert.deepEqual(desk.delivered(), [packet]);
  });
}

for (const { what, packet, drop } of [
  { what: 'of version 4', packet: version4, drop: 'packet malformed' },
  { what: 'of 39 octets', packet: new Uint8Array(39).fill(0x60), drop: 'packet malformed' },
  { what: 'of no octets', packet: new Uint8Array(0), drop: 'packet malformed' },
  { what: 'for another node', packet: packetTo(farAddress, elsewhere), drop: 'packet destination not ours' },
  { what: 'for the sender itself', packet: packetTo(farAddress, farAddress), drop: 'packet destination not ours' },
  { what: 'under our address', packet: packetTo(ourAddress, ourAddress), drop: 'packet source not of the sender' },
  { what: 'under a foreign address', packet: packetTo(elsewhere, ourAddress), drop: 'packet source not of the sender' },
]) {
  test(`a packet ${what} is not delivered`, () => {
    const desk = new Desk();
    desk.incoming(packet);
    assert.deepEqual([desk.delivered(), desk.sent, desk.drops()], [[], [], { [drop]: 1 }]);
  });
}

test('whoever writes to us becomes known, and gets what waited', () => {
  const desk = new Desk();
  desk.outgoing(packetTo(ourAddress, farAddress));
  desk.incoming(packetTo(farAddress, ourAddress));
  assert.equal(desk.sent.length, 1);
  desk.outgoing(packetTo(ourAddress, farSubnet));
  assert.equal(desk.sent.length, 2);
});

test('a packet under a false address makes nobody known', () => {
  const desk = new Desk();
  desk.incoming(packetTo(elsewhere, ourAddress));
  assert.equal(desk.packets.contacts.size, 0);
});

// Packet Too Big (section 6.4)

type Keys = { items: { public_key: string; seed: string }[] };
const keys = vectorsOf<Keys>('keys').items;
const seedOf = (start: string): Uint8Array =>
  octets(keys.find((item) => item.public_key.startsWith(start))?.seed ?? '');
const application = vectorsOf<{
  packet_too_big: { payload_without_type_octet: string };
  ipv6_echo_request: { payload: string };
}>('application');

test('a packet that is too big is answered as in the vectors', () => {
  const answer = octets(application.packet_too_big.payload_without_type_octet);
  const packet = new Uint8Array(1_401);
  packet.set(answer.subarray(48));
  const desk = new Desk({ mtu: 1_400 }, identityOf(seedOf('30e446')));
  const sender = identityOf(seedOf('ff453a'));
  desk.incoming(packet, sender);
  assert.deepEqual(desk.sent, [{ dest: sender.key, packet: Uint8Array.of(1, ...answer) }]);
  assert.equal(desk.delivered().length, 0);
});

test('a packet of exactly the MTU is delivered', () => {
  const desk = new Desk({ mtu: 1_400 });
  desk.incoming(packetTo(farAddress, ourAddress, 1_400));
  assert.equal(desk.delivered().length, 1);
});

test('size is asked before destination', () => {
  const desk = new Desk({ mtu: 1_400 });
  desk.incoming(packetTo(farAddress, elsewhere, 1_401));
  assert.equal(desk.sent.length, 1);
  assert.deepEqual(desk.drops(), { 'packet too big': 1 });
});

// Echo

const request = (source: Uint8Array, dest: Uint8Array): Uint8Array =>
  writeEcho(source, dest, { isReply: false, identifier: 7, sequence: 3, data: Uint8Array.of(1, 2, 3, 4) });

test('a node without a TUN answers an echo request', () => {
  const desk = new Desk({ hasTun: false });
  desk.incoming(request(farAddress, ourAddress));
  const reply = desk.sent[0]?.packet.subarray(1) ?? new Uint8Array(0);
  assert.deepEqual(readEcho(reply), { isReply: true, identifier: 7, sequence: 3, data: Uint8Array.of(1, 2, 3, 4) });
  assert.deepEqual([reply.slice(IPV6_SOURCE, IPV6_DEST), reply.slice(IPV6_DEST, 40)], [ourAddress, farAddress]);
});

test('the captured echo request is one that we answer', () => {
  const desk = new Desk({ hasTun: false }, identityOf(seedOf('ff453a')));
  desk.incoming(octets(application.ipv6_echo_request.payload).slice(1), identityOf(seedOf('30e446')));
  assert.equal(desk.sent.length, 1);
});

test('a node with a TUN leaves echo requests to its system', () => {
  const desk = new Desk();
  desk.incoming(request(farAddress, ourAddress));
  assert.deepEqual([desk.sent.length, desk.delivered().length], [0, 1]);
});

test('without a TUN only the node’s own address answers', () => {
  const desk = new Desk({ hasTun: false });
  desk.incoming(request(farAddress, ourSubnet));
  assert.deepEqual([desk.sent.length, desk.delivered().length], [0, 0]);
});

test('without a TUN an echo reply is not answered', () => {
  const desk = new Desk({ hasTun: false });
  desk.incoming(
    writeEcho(farAddress, ourAddress, { isReply: true, identifier: 7, sequence: 3, data: new Uint8Array(8) }),
  );
  assert.equal(desk.sent.length, 0);
});

/** Asks the far node, and gives what it would answer. */
function askedEcho(desk: Desk, sequence = 5): Uint8Array {
  desk.packets.echo(farAddress, sequence, 56);
  const echo = readEcho(desk.sent.at(-1)?.packet.subarray(1) ?? new Uint8Array(0));
  assert.ok(echo && !echo.isReply && echo.data.length === 56);
  return writeEcho(farAddress, ourAddress, { ...echo, isReply: true });
}

for (const hasTun of [true, false]) {
  test(`the reply to an echo of our own is an event, with its round trip (${hasTun ? 'with' : 'without'} a TUN)`, () => {
    const desk = acquainted({ hasTun });
    const reply = askedEcho(desk);
    desk.context.nowMs += 42;
    desk.incoming(reply);
    assert.deepEqual(desk.echoReplies(), [{ kind: 'echoReply', from: farAddress, sequence: 5, rttMs: 42 }]);
    assert.deepEqual(desk.delivered(), []);
  });
}

test('a second reply to the same echo is no event', () => {
  const desk = acquainted();
  const reply = askedEcho(desk);
  desk.incoming(reply);
  desk.incoming(reply);
  assert.equal(desk.echoReplies().length, 1);
});

test('a reply to another’s echo is delivered', () => {
  const desk = acquainted();
  askedEcho(desk);
  const foreign = writeEcho(farAddress, ourAddress, {
    isReply: true,
    identifier: 7,
    sequence: 5,
    data: new Uint8Array(8),
  });
  desk.incoming(foreign);
  assert.deepEqual([desk.echoReplies().length, desk.delivered().length], [0, 1]);
});

test('an echo to ourselves is answered at once', () => {
  const desk = new Desk();
  desk.packets.echo(ourAddress, 9, 8);
  assert.deepEqual(desk.echoReplies(), [{ kind: 'echoReply', from: ourAddress, sequence: 9, rttMs: 0 }]);
  assert.deepEqual(desk.sent, []);
});

test('an echo to an unknown address looks for it', () => {
  const desk = new Desk();
  desk.packets.echo(farAddress, 1, 8);
  assert.deepEqual(desk.lookups, [partialKey(farAddress)]);
});

test('an echo to an address outside the mesh goes nowhere', () => {
  const desk = new Desk();
  desk.packets.echo(elsewhere, 1, 8);
  assert.deepEqual([desk.sent, desk.lookups], [[], []]);
});

test('an echo of any size does no harm', () => {
  const desk = acquainted();
  for (const size of [0, 65_487, 65_488, 200_000]) desk.packets.echo(farAddress, 1, size);
  for (const { packet } of desk.sent) assert.ok(packet.length <= 65_536, `${packet.length}`);
});
