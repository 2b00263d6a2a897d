/** Super-packets for tests: made from their fields, and judged by a second reading of the rules (daemon/wire/README.md). */
import assert from 'node:assert/strict';
import type { Cutter } from '../../daemon/core/port.ts';
import { completeChecksum, cutSegments, type Segments } from '../../daemon/wire/segments.ts';

export const TCP = 6;
export const UDP = 17;
export const FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10, urg: 0x20, ece: 0x40, cwr: 0x80 } as const;

export type SuperSpec = {
  protocol: typeof TCP | typeof UDP;
  source: Uint8Array;
  dest: Uint8Array;
  data: Uint8Array;
  /** 0: one packet. */
  segmentSize: number;
  flags?: number;
  seq?: number;
  /** A multiple of 4 octets. */
  options?: Uint8Array;
};

/** Virtio header, then the packet, as a kernel makes them. */
export function superPacket(spec: SuperSpec): Buffer {
  const { protocol, source, dest, data, segmentSize, flags = FLAG.ack, seq = 1, options = new Uint8Array(0) } = spec;
  const isTcp = protocol === TCP;
  const transport = isTcp ? Buffer.concat([Buffer.alloc(20), options, data]) : Buffer.concat([Buffer.alloc(8), data]);
  transport.writeUInt16BE(443, 0);
  transport.writeUInt16BE(50_000, 2);
  if (isTcp) {
    transport.writeUInt32BE(seq >>> 0, 4);
    transport.writeUInt8(((20 + options.length) / 4) << 4, 12);
    transport.writeUInt8(flags, 13);
  } else transport.writeUInt16BE(transport.length, 4);
  const checksumAt = isTcp ? 16 : 6;
  const head = Buffer.alloc(40);
  head.writeUInt32BE(0x6001_2345, 0);
  head.writeUInt16BE(transport.length, 4);
  head.writeUInt8(protocol, 6);
  head.writeUInt8(64, 7);
  head.set(source, 8);
  head.set(dest, 24);
  transport.writeUInt16BE(onesSum(pseudoHeader(head, transport)), checksumAt);
  const virtio = Buffer.alloc(10);
  virtio.writeUInt8(1, 0);
  virtio.writeUInt16LE(40, 6);
  virtio.writeUInt16LE(checksumAt, 8);
  if (segmentSize > 0) {
    virtio.writeUInt8(isTcp ? ((flags & FLAG.cwr) === 0 ? 4 : 0x84) : 5, 1);
    virtio.writeUInt16LE(40 + transport.length - data.length, 2);
    virtio.writeUInt16LE(segmentSize, 4);
  }
  return Buffer.concat([virtio, head, transport]);
}

/** RFC 1071 by the book. */
function onesSum(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i++) {
    sum += (octets[i] as number) * (i % 2 === 0 ? 256 : 1);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

function pseudoHeader(head: Uint8Array, transport: Uint8Array): Buffer {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(transport.length, 0);
  tail.writeUInt8(head[6] as number, 7);
  return Buffer.concat([head.subarray(8, 40), tail]);
}

/** The transport checksum of a whole packet without extension headers is there, and right. */
export function assertChecksum(packet: Uint8Array): void {
  const sum = onesSum(Buffer.concat([pseudoHeader(packet, packet.subarray(40)), packet.subarray(40)]));
  assert.equal(sum, 0xffff, 'the transport checksum is right');
  if (packet[6] === UDP) assert.notDeepEqual([packet[46], packet[47]], [0, 0], 'there is a checksum');
}

/** These are what the super-packet stands for: in order, each whole by itself, together its data. */
export function assertSegments(view: Uint8Array, segments: readonly Uint8Array[]): void {
  const whole = Buffer.from(view.subarray(10));
  const size = Buffer.from(view).readUInt16LE(4);
  const isTcp = whole[6] === TCP;
  const header = 40 + (isTcp ? (whole.readUInt8(52) >> 4) * 4 : 8);
  const data = whole.subarray(header);
  assert.equal(segments.length, Math.ceil(data.length / size), 'as many segments as the data needs');
  assert.deepEqual(Buffer.concat(segments.map((segment) => segment.subarray(header))), data, 'the same data');
  for (const [i, octets] of segments.entries()) {
    const segment = Buffer.from(octets);
    const isLast = i === segments.length - 1;
    if (!isLast) assert.equal(segment.length, header + size, 'all but the last are of the segment size');
    assert.equal(segment.readUInt16BE(4), segment.length - 40, 'the payload length is its own');
    assertChecksum(segment);
    const expected = Buffer.from(whole.subarray(0, header));
    expected.writeUInt16BE(segment.length - 40, 4);
    if (isTcp) {
      expected.writeUInt32BE((whole.readUInt32BE(44) + i * size) % 2 ** 32, 44);
      if (!isLast) expected[53] = (expected[53] as number) & ~(FLAG.fin | FLAG.psh);
      if (i > 0) expected[53] = (expected[53] as number) & ~FLAG.cwr;
    } else expected.writeUInt16BE(segment.length - 40, 44);
    const checksumAt = isTcp ? 56 : 46;
    expected.writeUInt16BE(segment.readUInt16BE(checksumAt), checksumAt);
    assert.deepEqual(segment.subarray(0, header), expected, 'the headers are those of the whole');
  }
}

/** The rules once more, in their order; the number of the first that is broken, 0 for the table, undefined if none. */
export function brokenRule(view: Uint8Array): number | undefined {
  if (view.length < 50) return 1;
  const octets = Buffer.from(view);
  const packet = octets.subarray(10);
  const [kind, headerLength, size] = [octets.readUInt8(1), octets.readUInt16LE(2), octets.readUInt16LE(4)];
  const payload = packet.length - 40;
  if (packet.readUInt8(0) >> 4 !== 6 || packet.readUInt16BE(4) !== payload || packet.length > 65_535) return 1;
  const protocol = packet.readUInt8(6);
  if (protocol !== TCP && protocol !== UDP) return 2;
  if (octets.readUInt8(0) !== 1 || octets.readUInt16LE(6) !== 40) return 0;
  if (octets.readUInt16LE(8) !== (protocol === TCP ? 16 : 6)) return 0;
  let transport = 8;
  if (protocol === TCP) {
    if (payload < 20) return 3;
    transport = (packet.readUInt8(52) >> 4) * 4;
    if (transport < 20 || transport > payload) return 3;
    if (![0, 4, 0x84].includes(kind)) return 4;
    const flags = packet.readUInt8(53);
    if (kind !== 0 && (flags & (FLAG.syn | FLAG.rst | FLAG.urg)) !== 0) return 3;
    if (kind !== 0 && (flags & FLAG.cwr) !== (kind & FLAG.cwr)) return 3;
  } else {
    if (payload < 8 || packet.readUInt16BE(44) !== payload) return 4;
    if (![0, 5].includes(kind)) return 4;
  }
  if (kind === 0) return headerLength === 0 && size === 0 ? undefined : 0;
  const data = payload - transport;
  if (headerLength !== 40 + transport || size === 0 || size >= data || Math.ceil(data / size) > 128) return 5;
  return undefined;
}

export const portableCutter: Cutter = { name: 'portable', complete: completeChecksum, cut: cutSegments };

/** What it makes of a super-packet, in arenas of a size of our choice. */
export function cutAll(cutter: Cutter, view: Uint8Array, arenaSize = 1 << 20, rows = 70_000): Uint8Array[] {
  const segments: Uint8Array[] = [];
  for (;;) {
    const into: Segments = {
      arena: new Uint8Array(arenaSize).fill(0xdb),
      offsets: new Int32Array(rows),
      lengths: new Int32Array(rows),
      used: 0,
      count: 0,
    };
    const made = cutter.cut(view, 0, view.length, segments.length, 64, into);
    assert.equal(made, into.count);
    if (made === 0) return segments;
    let used = 0;
    for (let i = 0; i < made; i++) {
      const at = into.offsets[i] as number;
      assert.equal(at, used + 64, 'headroom before each');
      assert.ok(isUntouched(into.arena.subarray(used, at)), 'nobody writes there');
      used = at + (into.lengths[i] as number);
      segments.push(into.arena.slice(at, used));
    }
    assert.equal(into.used, used);
    assert.ok(isUntouched(into.arena.subarray(used)), 'nor behind');
  }
}

/** Compared in bulk: arenas are large, and there are many. */
function isUntouched(octets: Uint8Array): boolean {
  return (
    octets.length === 0 || (octets[0] === 0xdb && Buffer.compare(octets.subarray(1), octets.subarray(0, -1)) === 0)
  );
}
