/**
 * Finishing what a kernel left to do: a checksum completed in place, a super-packet cut into the packets it stands for
 * (README of this folder). The packet's own header says where the checksum is: extension headers are copied as they are.
 */
import { IPV6_HEADER } from './ipv6.ts';
import { KIND, VIRTIO_HEADER } from './super-packet.ts';

/** Where segments go, and where they lie then: row i is `arena[offsets[i] .. + lengths[i])`. */
export type Segments = {
  readonly arena: Uint8Array;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  /** Octets of the arena in use. */
  used: number;
  count: number;
};

const CWR = 0x80;
const FIN_PSH = 0x09;

/** Where the parts of a packet are that is to be cut, as offsets into its buffer. */
type Shape = {
  packetAt: number;
  transportAt: number;
  checksumAt: number;
  dataAt: number;
  isTcp: boolean;
  size: number;
};

/** Of `buffer[at..end)`, virtio header first. False: the header names no place inside the packet. */
export function completeChecksum(buffer: Uint8Array, at: number, end: number): boolean {
  const transportAt = at + VIRTIO_HEADER + littleEndian(buffer, at + 6);
  const checksumAt = transportAt + littleEndian(buffer, at + 8);
  if (checksumAt + 2 > end) return false;
  putChecksum(buffer, checksumAt, sumOf(buffer, transportAt, end));
  return true;
}

/** How many packets a super-packet stands for; 0: it is none of TCP or UDP. */
export function segmentCount(buffer: Uint8Array, at: number, end: number): number {
  const shape = shapeOf(buffer, at, end);
  return shape === undefined ? 0 : Math.ceil((end - shape.dataAt) / shape.size);
}

/**
 * Appends segments of `buffer[at..end)` to `into`, from segment `first` on, as many as there is room for, each with
 * `headroom` free octets before it. Answers how many; -1: no super-packet of TCP or UDP.
 */
export function cutSegments(
  buffer: Uint8Array,
  at: number,
  end: number,
  first: number,
  headroom: number,
  into: Segments,
): number {
  const shape = shapeOf(buffer, at, end);
  if (shape === undefined) return -1;
  const { packetAt, dataAt, size } = shape;
  const before = into.count;
  for (let from = dataAt + first * size; from < end; from += size) {
    const to = Math.min(from + size, end);
    const length = dataAt - packetAt + to - from;
    const target = into.used + headroom;
    if (target + length > into.arena.length || into.count === into.offsets.length) break;
    into.arena.set(buffer.subarray(packetAt, dataAt), target);
    into.arena.set(buffer.subarray(from, to), target + dataAt - packetAt);
    finish(into.arena, target, shape, from - dataAt, to === end, target + length, end - shape.transportAt);
    into.offsets[into.count] = target;
    into.lengths[into.count++] = length;
    into.used = target + length;
  }
  return into.count - before;
}

function shapeOf(buffer: Uint8Array, at: number, end: number): Shape | undefined {
  const packetAt = at + VIRTIO_HEADER;
  const transportAt = packetAt + littleEndian(buffer, at + 6);
  const checksumAt = transportAt + littleEndian(buffer, at + 8);
  const size = littleEndian(buffer, at + 4);
  const kind = buffer[at + 1];
  const isTcp = kind === KIND.tcp || kind === KIND.tcpWithCwr;
  if (size === 0 || (!isTcp && kind !== KIND.udp) || transportAt < packetAt + IPV6_HEADER) return undefined;
  if (transportAt + (isTcp ? 20 : 8) > end || checksumAt !== transportAt + (isTcp ? 16 : 6)) return undefined;
  const header = isTcp ? ((buffer[transportAt + 12] as number) >> 4) * 4 : 8;
  const dataAt = transportAt + header;
  return header < (isTcp ? 20 : 8) || dataAt >= end
    ? undefined
    : { packetAt, transportAt, checksumAt, dataAt, isTcp, size };
}

/** Makes a copy of all headers those of one segment, whose data begins `skipped` octets into that of the whole. */
function finish(
  arena: Uint8Array,
  target: number,
  shape: Shape,
  skipped: number,
  isLast: boolean,
  end: number,
  wholeLength: number,
): void {
  const moved = target - shape.packetAt;
  const transportAt = shape.transportAt + moved;
  const checksumAt = shape.checksumAt + moved;
  putBigEndian(arena, target + 4, end - target - IPV6_HEADER);
  if (shape.isTcp) {
    const view = new DataView(arena.buffer, arena.byteOffset);
    view.setUint32(transportAt + 4, view.getUint32(transportAt + 4) + skipped);
    if (!isLast) (arena[transportAt + 13] as number) &= ~FIN_PSH;
    if (skipped > 0) (arena[transportAt + 13] as number) &= ~CWR;
  } else putBigEndian(arena, transportAt + 4, end - transportAt);
  // What is in its place is the sum of the pseudo header, which differs by the length alone.
  const sum = sumOf(arena, transportAt, end) + (~wholeLength & 0xffff) + (end - transportAt);
  putChecksum(arena, checksumAt, sum);
}

/** Of 16-bit words, not folded: below 2^32 for any packet. */
function sumOf(buffer: Uint8Array, at: number, end: number): number {
  let sum = 0;
  for (; at + 1 < end; at += 2) sum += ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
  return at < end ? sum + ((buffer[at] as number) << 8) : sum;
}

function putChecksum(buffer: Uint8Array, at: number, sum: number): void {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  // 0 would mean that there is none; to TCP both are the same.
  putBigEndian(buffer, at, ~sum & 0xffff || 0xffff);
}

function littleEndian(buffer: Uint8Array, at: number): number {
  return (buffer[at] as number) | ((buffer[at + 1] as number) << 8);
}

function putBigEndian(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
}
