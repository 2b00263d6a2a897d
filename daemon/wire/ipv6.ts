/** IPv6 packets: views, and the two ICMPv6 messages a node makes itself (sections 6.2, 6.4; RFC 8200, RFC 4443). */
import { Writer } from './cursor.ts';

export const IPV6_HEADER = 40;
const NEXT_ICMPV6 = 58;
const NEXT_AT = 6;
const SOURCE_AT = 8;
const DEST_AT = 24;
const ICMP_AT = IPV6_HEADER;
const QUOTE = 512;

const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;
const TOO_BIG = 2;
const UNREACHABLE = 1;
/** A problem of some link on the way, not of the address (RFC 4443, section 3.1). */
const LINK_PROBLEM = 3;

/** Offsets of the addresses inside a packet. */
export const IPV6_SOURCE = SOURCE_AT;
export const IPV6_DEST = DEST_AT;

/** Version 6, a whole header, and a payload length that fits. Jumbograms (length 0) pass as they are. */
export function isIpv6(buffer: Uint8Array, start: number, length: number): boolean {
  if (length < IPV6_HEADER || (buffer[start] as number) >> 4 !== 6) return false;
  const payload = ((buffer[start + 4] as number) << 8) | (buffer[start + 5] as number);
  return payload <= length - IPV6_HEADER;
}

/** Makes a packet one of `length` octets, 65 575 at most. */
export function setPayloadLength(buffer: Uint8Array, at: number, length: number): void {
  new Writer(buffer, at + 4).u16(length - IPV6_HEADER);
}

export type Echo = { isReply: boolean; identifier: number; sequence: number; data: Uint8Array };

/** An echo request or reply, if the packet is a whole one with a right checksum. */
export function readEcho(packet: Uint8Array): Echo | undefined {
  if (!isIpv6(packet, 0, packet.length) || packet.length < ICMP_AT + 8 || packet[NEXT_AT] !== NEXT_ICMPV6) return;
  const type = packet[ICMP_AT];
  if (type !== ECHO_REQUEST && type !== ECHO_REPLY) return undefined;
  if (icmpChecksum(packet) !== 0) return undefined;
  return {
    isReply: type === ECHO_REPLY,
    identifier: ((packet[ICMP_AT + 4] as number) << 8) | (packet[ICMP_AT + 5] as number),
    sequence: ((packet[ICMP_AT + 6] as number) << 8) | (packet[ICMP_AT + 7] as number),
    data: packet.subarray(ICMP_AT + 8),
  };
}

export function writeEcho(source: Uint8Array, dest: Uint8Array, echo: Echo): Uint8Array {
  const icmp = new Uint8Array(4 + echo.data.length);
  new Writer(icmp).u16(echo.identifier).u16(echo.sequence).octets(echo.data);
  return icmpPacket(source, dest, echo.isReply ? ECHO_REPLY : ECHO_REQUEST, 64, icmp);
}

/** Answers a packet larger than `mtu`: from its destination to its source, quoting its first 512 octets. */
export function writeTooBig(packet: Uint8Array, mtu: number): Uint8Array {
  return errorAbout(packet, TOO_BIG, 0, mtu);
}

/** Answers a packet that a link on the way cannot take, in the same form. */
export function writeUnreachable(packet: Uint8Array): Uint8Array {
  return errorAbout(packet, UNREACHABLE, LINK_PROBLEM, 0);
}

/** What a Packet Too Big says about an echo request; undefined: it is none, or about something else. */
export function readTooBigEcho(packet: Uint8Array): { identifier: number; sequence: number; mtu: number } | undefined {
  const quoteAt = ICMP_AT + 8;
  const echoAt = quoteAt + IPV6_HEADER;
  if (packet.length < echoAt + 8 || packet[NEXT_AT] !== NEXT_ICMPV6 || packet[ICMP_AT] !== TOO_BIG) return undefined;
  if (packet[quoteAt + NEXT_AT] !== NEXT_ICMPV6 || packet[echoAt] !== ECHO_REQUEST) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  return {
    identifier: view.getUint16(echoAt + 4),
    sequence: view.getUint16(echoAt + 6),
    mtu: view.getUint32(ICMP_AT + 4),
  };
}

/** An error answers no error, lest the answers never end (RFC 4443, section 2.4). */
export function isIcmpError(packet: Uint8Array): boolean {
  return packet[NEXT_AT] === NEXT_ICMPV6 && packet.length > ICMP_AT && (packet[ICMP_AT] as number) < ECHO_REQUEST;
}

function errorAbout(packet: Uint8Array, type: number, code: number, word: number): Uint8Array {
  const quote = packet.subarray(0, QUOTE);
  const icmp = new Uint8Array(4 + quote.length);
  new Writer(icmp).u32(word).octets(quote);
  const from = packet.subarray(DEST_AT, DEST_AT + 16);
  return icmpPacket(from, packet.subarray(SOURCE_AT, SOURCE_AT + 16), type, 255, icmp, code);
}

function icmpPacket(
  source: Uint8Array,
  dest: Uint8Array,
  type: number,
  hops: number,
  body: Uint8Array,
  code = 0,
): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER + 4 + body.length);
  const writer = new Writer(packet);
  writer
    .u32(0x6000_0000)
    .u16(4 + body.length)
    .u8(NEXT_ICMPV6)
    .u8(hops)
    .octets(source)
    .octets(dest);
  writer.u8(type).u8(code).u16(0).octets(body);
  new Writer(packet, ICMP_AT + 2).u16(icmpChecksum(packet));
  return packet;
}

/** Over the pseudo header and the whole ICMPv6 part; 0 when the checksum in place is right. */
function icmpChecksum(packet: Uint8Array): number {
  let sum = packet.length - IPV6_HEADER + NEXT_ICMPV6;
  for (let i = SOURCE_AT; i < packet.length; i++) sum += (packet[i] as number) << (i % 2 === 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
