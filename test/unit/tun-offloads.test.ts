import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isSuperPacket, isUnfinished, prepareSuperPacket } from '../../daemon/wire/super-packet.ts';
import type { Offloads, Tun } from '../../native-bindings/addon.ts';
import {
  assertChecksum,
  assertSegments,
  cutAll,
  FLAG,
  portableCutter,
  superPacket,
  TCP,
  UDP,
} from '../support/super-packets.ts';
import { addon, makeTun, skip, textOf, UDP_PORT, udp, until } from '../support/tuns.ts';

const SLOT = 66_000;
const SLOTS = 8;
const MSS = 1_220;
const HEADER = 10;

/** What the kernel gives for `to`, virtio header first. */
function collectViews(tun: Tun, to: Uint8Array, seen: (view: Buffer) => void): void {
  const arena = new Uint8Array(SLOT * SLOTS);
  const [offsets, lengths] = [new Int32Array(SLOTS), new Int32Array(SLOTS)];
  tun.startReading(() => {
    const count = tun.readBatch(arena, SLOT, HEADER, offsets, lengths, SLOTS);
    for (let i = 0; i < count; i++) {
      const at = offsets[i] as number;
      const view = Buffer.from(arena.slice(at - HEADER, at + (lengths[i] as number)));
      if (Buffer.compare(view.subarray(34, 50), to) === 0) seen(view);
    }
  });
}

function write(tun: Tun, view: Uint8Array): void {
  const buffer = new Uint8Array(view.length + 9).fill(0xdb);
  buffer.set(view, 4);
  const isWritten = tun.writeBatch([buffer], Int32Array.of(4), Int32Array.of(view.length), 1, Uint8Array.of(1));
  assert.equal(isWritten, 1);
  assert.ok([0, 1, 2, 3].every((at) => buffer[at] === 0xdb) && buffer.subarray(-5).every((octet) => octet === 0xdb));
}

async function offloadsOf(context: TestContext, wanted: Offloads): Promise<Offloads> {
  return (await makeTun(context, 1_400, wanted)).tun.offloads;
}

test('gives what is wanted, as far as the kernel has it', { skip }, async (context) => {
  assert.equal(await offloadsOf(context, 'none'), 'none');
  const all = await offloadsOf(context, 'all');
  assert.equal(await offloadsOf(context, 'tcp'), all === 'none' ? 'none' : 'tcp');
  context.diagnostic(`this kernel: ${all}`);
});

test('a datagram comes with its checksum undone, and the header says where', { skip }, async (context) => {
  const { tun, host } = await makeTun(context, 1_400, 'all');
  if (tun.offloads === 'none') return context.skip('needs a kernel with TUN offloads');
  const views: Buffer[] = [];
  collectViews(tun, host(2), (view) => views.push(view));
  const socket = await udp(context);
  socket.send(Buffer.alloc(33, 5), UDP_PORT, textOf(host(2)));
  await until(() => views.length === 1, 'the datagram');
  const [view = assert.fail()] = views;
  assert.ok(isUnfinished(view, 0) && prepareSuperPacket(view, 0, view.length) && isSuperPacket(view, 0, view.length));
  assert.ok(portableCutter.complete(view, 0, view.length));
  assertChecksum(view.subarray(HEADER));
});

test('a TCP stream comes in super-packets that peers take, and their segments carry it', { skip }, async (context) => {
  const { tun, host } = await makeTun(context, 1_400, 'all');
  if (tun.offloads === 'none') return context.skip('needs a kernel with TUN offloads');
  const data = Buffer.from(Uint8Array.from({ length: 9_000 }, (_, i) => i * 31));
  const pieces = new Map<number, Buffer>();
  let largest = 0;
  const answer = (flags: number, seq: number, ack: number, options = new Uint8Array(0)): void => {
    const spec = { protocol: TCP, source: host(2), dest: host(1), data: new Uint8Array(0), segmentSize: 0 } as const;
    const view = superPacket({ ...spec, flags, seq, options });
    view.writeUInt16BE(UDP_PORT, 50);
    view.writeUInt16BE(socket.localPort ?? 0, 52);
    view.writeUInt32BE(ack >>> 0, 58);
    view.writeUInt16BE(0xffff, 64);
    write(tun, view);
  };
  collectViews(tun, host(2), (view) => {
    const [seq, flags] = [view.readUInt32BE(54), view.readUInt8(63)];
    // We are the other end of the connection; our sequence numbers begin at 7000.
    if ((flags & FLAG.syn) !== 0)
      return answer(FLAG.syn | FLAG.ack, 7_000, seq + 1, Uint8Array.of(2, 4, MSS >> 8, MSS & 255));
    if (!isUnfinished(view, 0) || view.length <= 70) return;
    largest = Math.max(largest, view.length);
    assert.ok(prepareSuperPacket(view, 0, view.length), 'a peer takes it');
    const isOne = view[1] === 0;
    if (isOne) assert.ok(portableCutter.complete(view, 0, view.length));
    const segments = isOne ? [view.subarray(HEADER)] : cutAll(portableCutter, view);
    if (!isOne) assertSegments(view, segments);
    for (const segment of segments.map((octets) => Buffer.from(octets))) {
      assertChecksum(segment);
      pieces.set(segment.readUInt32BE(44), segment.subarray(60));
    }
    answer(FLAG.ack, 7_001, seq + view.length - 70);
  });
  const socket = connect({ host: textOf(host(2)), port: UDP_PORT });
  context.after(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(data);
  const arrived = () => [...pieces.values()].reduce((sum, piece) => sum + piece.length, 0);
  await until(() => arrived() === data.length, 'the stream');
  const order = [...pieces.keys()].sort((a, b) => (a - b) | 0);
  assert.deepEqual(Buffer.concat(order.map((seq) => pieces.get(seq) ?? Buffer.of())), data);
  assert.ok(largest > 2 * MSS, `the largest packet had ${largest} octets`);
});

for (const offloads of ['all', 'tcp', 'none'] as const) {
  test(`what peers left undone reaches sockets; the kernel finishes: ${offloads}`, { skip }, async (context) => {
    const { tun, host } = await makeTun(context, 1_400, offloads);
    const socket = await udp(context);
    const received: Buffer[] = [];
    socket.on('message', (message) => received.push(message));
    const data = Uint8Array.from({ length: 1_000 }, (_, i) => i * 13);
    const spec = { protocol: UDP, source: host(2), dest: host(1), data } as const;
    const { port } = socket.address();
    for (const segmentSize of [300, 0]) {
      const view = superPacket({ ...spec, segmentSize });
      // The port is part of the checksum; of the pseudo header it is not.
      view.writeUInt16BE(port, 52);
      write(tun, view);
    }
    await until(() => received.length === 5, 'five datagrams');
    assert.deepEqual(
      received.map(({ length }) => length),
      [300, 300, 300, 100, 1_000],
    );
    assert.deepEqual(Buffer.concat(received.slice(0, 4)), Buffer.from(data));
    assert.deepEqual(received[4], Buffer.from(data));
    assert.equal(tun.writeErrors, 0);
  });

  test(`what makes no sense is refused and counted; the kernel finishes: ${offloads}`, { skip }, async (context) => {
    const { tun, host } = await makeTun(context, 1_400, offloads);
    const spec = { protocol: UDP, source: host(2), dest: host(1), data: new Uint8Array(1_000) } as const;
    const bad = [
      superPacket({ ...spec, segmentSize: 0 }).subarray(0, 10),
      superPacket({ ...spec, segmentSize: 300 }),
      superPacket({ ...spec, segmentSize: 0 }),
    ];
    bad[1]?.writeUInt8(0x33, 1);
    bad[2]?.writeUInt16LE(60_000, 6);
    const lengths = Int32Array.from(bad, ({ length }) => length);
    assert.equal(tun.writeBatch(bad, new Int32Array(3), lengths, 3, new Uint8Array(3).fill(1)), 0);
    assert.equal(tun.writeErrors, 3);
  });
}

test('columns that are too short are our mistake', { skip }, async (context) => {
  const { tun } = await makeTun(context, 1_400, 'all');
  const packet = new Uint8Array(100);
  const column = new Int32Array(2);
  assert.throws(() => tun.writeBatch([packet, packet], column, column, 2, new Uint8Array(1)), RangeError);
  if (tun.offloads === 'none') return;
  // No room for the header.
  assert.throws(() => tun.readBatch(packet, 50, 9, column, column, 1), RangeError);
});

test('an interface of the largest MTU gives packets of 65535 octets', { skip }, async (context) => {
  const { tun, host } = await makeTun(context, 65_535, 'all');
  const views: Buffer[] = [];
  collectViews(tun, host(2), (view) => views.push(view));
  const socket = await udp(context);
  socket.send(Buffer.alloc(65_535 - 48, 5), UDP_PORT, textOf(host(2)));
  await until(() => views.length === 1, 'the datagram');
  assert.equal(views[0]?.length, 65_535 + HEADER);
  assert.ok(addon !== undefined);
});
