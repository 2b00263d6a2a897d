import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey, subnetForKey } from '../../daemon/core/identity.ts';
import { Desk, far, us } from '../support/core-desk.ts';
import { inSubnet } from '../support/core-mesh.ts';
import {
  assertChecksum,
  assertSegments,
  FLAG,
  portableCutter,
  type SuperSpec,
  superPacket,
  TCP,
  UDP,
} from '../support/super-packets.ts';

const cutter = portableCutter;
const [ourAddress, farAddress] = [addressForKey(us.key), addressForKey(far.key)];
const [ourSubnet, farSubnet] = [inSubnet(subnetForKey(us.key)), inSubnet(subnetForKey(far.key))];
const elsewhere = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(12));

function outgoing(changes: Partial<SuperSpec> = {}): Buffer {
  const data = new Uint8Array(5_000).fill(7);
  return superPacket({ protocol: TCP, source: ourAddress, dest: farAddress, data, segmentSize: 1_000, ...changes });
}

function incoming(changes: Partial<SuperSpec> = {}): Buffer {
  return outgoing({ source: farAddress, dest: ourAddress, ...changes });
}

function acquainted(): Desk {
  const desk = new Desk({ cutter });
  desk.packets.found(far.key);
  return desk;
}

/** What left in whole packets. */
function wholes(desk: Desk): Uint8Array[] {
  return desk.sent.map(({ packet }) => {
    assert.equal(packet[0], 1);
    return packet.subarray(1);
  });
}

// To peers

test('a super-packet leaves whole, with its header written anew, to who takes it', () => {
  const desk = acquainted();
  const expected = Buffer.concat([Uint8Array.of(3), outgoing()]);
  const view = outgoing();
  view.writeUInt16LE(4_096, 2);
  desk.outgoingUnfinished(view);
  assert.deepEqual(desk.superPackets, [Uint8Array.from(expected)]);
  assert.deepEqual(desk.sent, []);
});

for (const protocol of [TCP, UDP] as const) {
  test(`one packet of protocol ${protocol} leaves with its checksum undone, to who takes it`, () => {
    const desk = acquainted();
    const view = outgoing({ protocol, segmentSize: 0 });
    desk.outgoingUnfinished(view);
    assert.deepEqual(desk.superPackets, [Uint8Array.of(3, ...view)]);
  });

  test(`a super-packet of protocol ${protocol} leaves in segments, to who takes none`, () => {
    const desk = acquainted();
    desk.takesSuperPackets = false;
    desk.outgoingUnfinished(outgoing({ protocol }));
    assertSegments(outgoing({ protocol }), wholes(desk));
    assert.deepEqual(desk.superPackets, []);
  });

  for (const length of [100, 1_300]) {
    test(`one packet of protocol ${protocol} and ${length} octets of data leaves with its checksum, to who takes none`, () => {
      const desk = acquainted();
      desk.takesSuperPackets = false;
      desk.outgoingUnfinished(outgoing({ protocol, segmentSize: 0, data: new Uint8Array(length).fill(9) }));
      const [packet = assert.fail('nothing left')] = wholes(desk);
      assertChecksum(packet);
      assert.equal(desk.sent.length, 1);
    });
  }
}

test('what no peer takes whole is cut for one that takes the others', () => {
  const desk = acquainted();
  // 129 segments.
  const many = outgoing({ segmentSize: 10, data: new Uint8Array(1_281) });
  desk.outgoingUnfinished(many);
  assertSegments(many, wholes(desk));
  assert.deepEqual(desk.superPackets, []);
});

test('a packet that the kernel has finished leaves as it is', () => {
  const desk = acquainted();
  const view = outgoing({ segmentSize: 0 });
  view.fill(0, 0, 10);
  // "The checksum was found right": forwarded for another.
  view[0] = 2;
  desk.outgoingUnfinished(view);
  assert.deepEqual(desk.sent, [{ dest: far.key, packet: Uint8Array.of(1, ...view.subarray(10)) }]);
});

test('more segments than wait for sealing are cut when the others are sealed', () => {
  const desk = acquainted();
  desk.takesSuperPackets = false;
  const views = Array.from({ length: 5 }, (_, i) =>
    outgoing({ data: new Uint8Array(65_000).fill(i), segmentSize: 1_208, seq: i * 65_000 }),
  );
  desk.outgoingUnfinished(...views);
  const packets = wholes(desk);
  for (const [i, view] of views.entries()) assertSegments(view, packets.slice(i * 54, (i + 1) * 54));
  assert.equal(packets.length, 5 * 54);
  assert.ok(desk.settled > 0);
  desk.outgoingUnfinished(...views);
  assert.equal(desk.sent.length, 2 * 5 * 54, 'the next batch begins anew');
});

test('small segments are many, and none is lost', () => {
  const desk = acquainted();
  desk.takesSuperPackets = false;
  const view = outgoing({ data: new Uint8Array(20_000).fill(3), segmentSize: 8 });
  desk.outgoingUnfinished(view);
  assertSegments(view, wholes(desk));
  assert.equal(desk.sent.length, 2_500);
});

for (const { what, change, drop } of [
  { what: 'from another address', change: { source: farAddress }, drop: 'packet source not ours' },
  { what: 'to a place outside the mesh', change: { dest: elsewhere }, drop: 'packet destination not in the mesh' },
  { what: 'to ourselves', change: { dest: ourAddress }, drop: 'packet destination not in the mesh' },
]) {
  test(`a super-packet ${what} does not leave`, () => {
    const desk = acquainted();
    desk.outgoingUnfinished(outgoing(change));
    assert.deepEqual([desk.sent, desk.superPackets, desk.drops()], [[], [], { [drop]: 1 }]);
  });
}

test('a super-packet for an unknown address leaves one whole packet behind, which waits', () => {
  const desk = new Desk({ cutter });
  const view = outgoing({ flags: FLAG.ack | FLAG.psh });
  desk.outgoingUnfinished(view);
  assert.ok(desk.lookups.length > 0);
  desk.packets.found(far.key);
  const [last = assert.fail('nothing waited')] = wholes(desk);
  assert.equal(desk.sent.length, 1);
  assertChecksum(last);
});

test('a header that makes no sense is a drop', () => {
  const desk = acquainted();
  desk.takesSuperPackets = false;
  const [noPlace, noKind] = [outgoing({ segmentSize: 0 }), outgoing()];
  noPlace.writeUInt16LE(60_000, 6);
  noKind[1] = 3;
  desk.outgoingUnfinished(noPlace, noKind);
  assert.deepEqual([desk.sent, desk.drops()], [[], { 'packet malformed': 2 }]);
});

test('without a cutter nobody looks before the packet', () => {
  const desk = new Desk();
  desk.packets.found(far.key);
  desk.outgoingUnfinished(outgoing());
  assert.deepEqual([desk.sent.length, desk.superPackets], [1, []]);
});

// From peers

for (const [what, source, dest] of [
  ['an address', farAddress, ourAddress],
  ['a subnet', farSubnet, ourSubnet],
] as const) {
  test(`a super-packet from and to ${what} is delivered for the kernel to finish`, () => {
    const desk = acquainted();
    const view = incoming({ source, dest });
    desk.superIncoming(view);
    assert.deepEqual(desk.delivered(), [Uint8Array.from(view)]);
    assert.deepEqual(desk.unfinished(), [1]);
  });
}

test('what is delivered afterwards is whole again', () => {
  const desk = acquainted();
  desk.superIncoming(incoming());
  desk.packets.deliveries.count = 0;
  desk.incoming(incoming().subarray(10));
  assert.deepEqual(desk.unfinished(), [0]);
});

const badFlags = incoming();
badFlags[0] = 0;
for (const { what, view, drop } of [
  { what: 'that breaks a rule', view: badFlags, drop: 'super-packet malformed' },
  { what: 'that is nothing', view: Buffer.alloc(0), drop: 'super-packet malformed' },
  { what: 'from another', view: incoming({ source: ourAddress }), drop: 'packet source not of the sender' },
  { what: 'for another', view: incoming({ dest: farAddress }), drop: 'packet destination not ours' },
]) {
  test(`a super-packet ${what} is not delivered`, () => {
    const desk = acquainted();
    desk.superIncoming(view);
    assert.deepEqual([desk.delivered(), desk.drops()], [[], { [drop]: 1 }]);
  });
}

test('a super-packet is as large as its segments: of the MTU it passes, one octet more is answered', () => {
  for (const [mtu, isTooBig] of [
    [1_400, false],
    [1_399, true],
  ] as const) {
    const desk = new Desk({ cutter, mtu });
    desk.packets.found(far.key);
    const view = incoming({ segmentSize: 1_340 });
    desk.superIncoming(view);
    assert.equal(desk.delivered().length, isTooBig ? 0 : 1);
    if (!isTooBig) continue;
    assert.deepEqual(desk.drops(), { 'packet too big': 1 });
    const [answer = assert.fail('no answer')] = wholes(desk).map((packet) => Buffer.from(packet));
    assert.deepEqual([answer[6], answer[40], answer.readUInt32BE(44)], [58, 2, mtu]);
    // The first segment is quoted: its addresses, its length, its sequence number.
    const quote = answer.subarray(48);
    assert.equal(quote.readUInt16BE(4), 1_360);
    assert.deepEqual(Buffer.from(quote.subarray(8, 56)), Buffer.from(view.subarray(18, 66)));
  }
});

test('one packet without its checksum is as large as it is', () => {
  const desk = new Desk({ cutter, mtu: 5_060 });
  desk.packets.found(far.key);
  desk.superIncoming(incoming({ segmentSize: 0 }));
  desk.superIncoming(incoming({ segmentSize: 0, data: new Uint8Array(5_001) }));
  assert.equal(desk.delivered().length, 1);
  assert.deepEqual(desk.drops(), { 'packet too big': 1 });
});

test('whoever sends a super-packet becomes known', () => {
  const desk = new Desk({ cutter });
  desk.superIncoming(incoming());
  desk.outgoingUnfinished(outgoing());
  assert.equal(desk.superPackets.length, 1);
});

test('a cutter that cannot go on costs the packet and nothing else', () => {
  for (const answer of [0, -1]) {
    let asked = 0;
    const stuck = {
      ...cutter,
      cut: () => {
        asked++;
        return answer;
      },
    };
    const desk = new Desk({ cutter: stuck });
    desk.takesSuperPackets = false;
    desk.packets.found(far.key);
    desk.outgoingUnfinished(outgoing());
    assert.deepEqual([asked, desk.sent.length, desk.drops()], [1, 0, { 'packet malformed': 1 }]);
  }
});
