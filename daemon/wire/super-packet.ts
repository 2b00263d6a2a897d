/**
 * Packets behind a virtio header: their checksum is not computed yet, and one may stand for many (README of this folder;
 * link document, section 17). Views `buffer[at..end)` begin with the header, the IPv6 packet follows.
 */
import { IPV6_HEADER, isIpv6 } from './ipv6.ts';

/** Content type of an end-to-end record. */
export const SUPER_PACKET = 3;
/** Octets of the header. All its numbers are little-endian. */
export const VIRTIO_HEADER = 10;
/** Bit 0 of the features of an end-to-end session. */
export const FEATURE_SUPER_PACKETS = 1;
/** A super-packet that makes more is cut by its sender. */
export const SEGMENTS_MAX = 128;

export const KIND = { single: 0, tcp: 4, tcpWithCwr: 0x84, udp: 5 } as const;

const FLAG_CHECKSUM = 1;
const PACKET_MAX = 65_535;
const NEXT_AT = 6;

const TCP = 6;
const TCP_HEADER = 20;
const TCP_CHECKSUM_AT = 16;
const TCP_CWR = 0x80;
/** URG, RST, SYN: no segment of a stream that was cut has any. */
const TCP_ALONE = 0x26;

const UDP = 17;
const UDP_HEADER = 8;
const UDP_CHECKSUM_AT = 6;

/** The kernel left something to do. Without this the packet behind the header is whole. */
export function isUnfinished(buffer: Uint8Array, at: number): boolean {
  return ((buffer[at] as number) & FLAG_CHECKSUM) !== 0 || buffer[at + 1] !== KIND.single;
}

/**
 * Writes the header anew, as a peer wants it, from one that our kernel wrote: there the header length is a hint. Says
 * whether a peer takes the result; otherwise the packet is to be cut here, for which the header still serves.
 */
export function prepareSuperPacket(buffer: Uint8Array, at: number, end: number): boolean {
  const packetAt = at + VIRTIO_HEADER;
  if (end - packetAt < IPV6_HEADER + UDP_HEADER || (buffer[at] as number) % 2 !== FLAG_CHECKSUM) return false;
  buffer[at] = FLAG_CHECKSUM;
  const isSingle = buffer[at + 1] === KIND.single;
  const transport = buffer[packetAt + NEXT_AT] === TCP ? tcpHeader(buffer, packetAt) : UDP_HEADER;
  putU16(buffer, at + 2, isSingle ? 0 : u16(buffer, at + 6) + transport);
  return isSuperPacket(buffer, at, end);
}

/** All that a peer's super-packet must be, its addresses and our MTU apart. */
export function isSuperPacket(buffer: Uint8Array, at: number, end: number): boolean {
  const packetAt = at + VIRTIO_HEADER;
  const length = end - packetAt;
  if (length > PACKET_MAX || !isIpv6(buffer, packetAt, length)) return false;
  const payload = ((buffer[packetAt + 4] as number) << 8) | (buffer[packetAt + 5] as number);
  if (payload !== length - IPV6_HEADER) return false;
  if (buffer[at] !== FLAG_CHECKSUM || u16(buffer, at + 6) !== IPV6_HEADER) return false;
  switch (buffer[packetAt + NEXT_AT]) {
    case TCP:
      return isTcp(buffer, at, payload) && isSized(buffer, at, length, tcpHeader(buffer, packetAt));
    case UDP:
      return isUdp(buffer, at, payload) && isSized(buffer, at, length, UDP_HEADER);
    default:
      return false;
  }
}

/** Of the largest packet that it stands for, in octets. */
export function segmentLength(buffer: Uint8Array, at: number, end: number): number {
  const isSingle = buffer[at + 1] === KIND.single;
  return isSingle ? end - at - VIRTIO_HEADER : u16(buffer, at + 2) + u16(buffer, at + 4);
}

function isTcp(buffer: Uint8Array, at: number, payload: number): boolean {
  const packetAt = at + VIRTIO_HEADER;
  if (payload < TCP_HEADER || u16(buffer, at + 8) !== TCP_CHECKSUM_AT) return false;
  const header = tcpHeader(buffer, packetAt);
  if (header < TCP_HEADER || header > payload) return false;
  const kind = buffer[at + 1];
  if (kind === KIND.single) return true;
  const flags = buffer[packetAt + IPV6_HEADER + 13] as number;
  if ((flags & TCP_ALONE) !== 0) return false;
  return kind === ((flags & TCP_CWR) === 0 ? KIND.tcp : KIND.tcpWithCwr);
}

function isUdp(buffer: Uint8Array, at: number, payload: number): boolean {
  const udpAt = at + VIRTIO_HEADER + IPV6_HEADER;
  if (payload < UDP_HEADER || u16(buffer, at + 8) !== UDP_CHECKSUM_AT) return false;
  if ((((buffer[udpAt + 4] as number) << 8) | (buffer[udpAt + 5] as number)) !== payload) return false;
  return buffer[at + 1] === KIND.single || buffer[at + 1] === KIND.udp;
}

/** Header length and segment size, for a kind that fits the protocol. */
function isSized(buffer: Uint8Array, at: number, length: number, transport: number): boolean {
  const header = u16(buffer, at + 2);
  const size = u16(buffer, at + 4);
  if (buffer[at + 1] === KIND.single) return header === 0 && size === 0;
  const data = length - header;
  return header === IPV6_HEADER + transport && size > 0 && size < data && data <= size * SEGMENTS_MAX;
}

function tcpHeader(buffer: Uint8Array, packetAt: number): number {
  return ((buffer[packetAt + IPV6_HEADER + 12] as number) >> 4) * 4;
}

function u16(buffer: Uint8Array, at: number): number {
  return (buffer[at] as number) | ((buffer[at + 1] as number) << 8);
}

function putU16(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
}
