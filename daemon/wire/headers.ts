/** The headers of an IPv6 packet between two nodes as fields, and back, octet by octet (README of this folder, compressed packets). */
import { IPV6_DEST, IPV6_HEADER, IPV6_SOURCE } from './ipv6.ts';

/** How the transport header is said. */
export const RULE = { other: 0, tcp: 1, udp: 2, icmp: 3 } as const;

/** Whose packets they are: 16 octets an address, 8 a subnet. */
export type Ends = {
  readonly source: Uint8Array;
  readonly sourceSubnet: Uint8Array;
  readonly dest: Uint8Array;
  readonly destSubnet: Uint8Array;
};

export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 0x10 } as const;
/** The checksum is what it must be. */
export const OURS = -1;
/** NOP, NOP, timestamps of ten octets: the first word of the options. */
export const TIMES_HEAD = 0x0101_080a;
/** With the head. */
export const TIMES_SIZE = 12;
export const TCP_HEADER = 20;

const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;
const UDP_HEADER = 8;
/** Type, code, checksum and two words. */
const ICMP_HEADER = 8;
const PAYLOAD_MAX = 65_535;

/** Numbers alone, so that a packet makes no objects. What a rule does not have means nothing. */
export class Headers {
  rule: number = RULE.other;
  next = 0;
  trafficClass = 0;
  label = 0;
  hopLimit = 0;
  /** The source is not the node's own address but one of its subnet: its last 8 octets, as halves. */
  isSourceInSubnet = false;
  sourceHigh = 0;
  sourceLow = 0;
  isDestInSubnet = false;
  destHigh = 0;
  destLow = 0;
  /** TCP, UDP: both ports. ICMPv6: type, code and first word. */
  flow = 0;
  /** TCP. ICMPv6: the second word. */
  seq = 0;
  acknowledged = 0;
  flags = 0;
  window = 0;
  urgent = 0;
  /** TCP: the options begin with timestamps. */
  hasTimes = false;
  timeValue = 0;
  timeEcho = 0;
  /** TCP: where the other options lie. */
  optionsAt = 0;
  optionsSize = 0;
  checksum: number = OURS;
  /** Where the data begins; and of a packet that was read, whether there is any. */
  dataAt = 0;
  hasData = false;

  /** What a context keeps. */
  keep(from: Headers): void {
    this.rule = from.rule;
    this.next = from.next;
    this.trafficClass = from.trafficClass;
    this.label = from.label;
    this.hopLimit = from.hopLimit;
    this.isSourceInSubnet = from.isSourceInSubnet;
    this.sourceHigh = from.sourceHigh;
    this.sourceLow = from.sourceLow;
    this.isDestInSubnet = from.isDestInSubnet;
    this.destHigh = from.destHigh;
    this.destLow = from.destLow;
    this.flow = from.flow;
    this.seq = from.seq;
    this.acknowledged = from.acknowledged;
    this.window = from.window;
    this.hasTimes = from.hasTimes;
    this.timeValue = from.timeValue;
    this.timeEcho = from.timeEcho;
  }

  /** Same protocol, addresses and ports. */
  isFlowOf(other: Headers): boolean {
    return (
      this.flow === other.flow &&
      this.rule === other.rule &&
      this.isSourceInSubnet === other.isSourceInSubnet &&
      this.sourceHigh === other.sourceHigh &&
      this.sourceLow === other.sourceLow &&
      this.isDestInSubnet === other.isDestInSubnet &&
      this.destHigh === other.destHigh &&
      this.destLow === other.destLow
    );
  }

  /** It may make a context. */
  get isPlain(): boolean {
    if (this.rule === RULE.tcp) return this.optionsSize === 0;
    return this.rule !== RULE.other;
  }
}

/** Of the packet `buffer[at..end)`. False: not every octet of it would come back. */
export function readHeaders(buffer: Uint8Array, at: number, end: number, ends: Ends, into: Headers): boolean {
  const payload = end - at - IPV6_HEADER;
  if (payload < 0 || payload > PAYLOAD_MAX || (buffer[at] as number) >> 4 !== 6) return false;
  if (u16(buffer, at + 4) !== payload) return false;
  const isOwnSource = isAt(ends.source, buffer, at + IPV6_SOURCE);
  const isOwnDest = isAt(ends.dest, buffer, at + IPV6_DEST);
  if (!isOwnSource && !isAt(ends.sourceSubnet, buffer, at + IPV6_SOURCE)) return false;
  if (!isOwnDest && !isAt(ends.destSubnet, buffer, at + IPV6_DEST)) return false;
  const first = u32(buffer, at);
  into.trafficClass = (first >>> 20) & 0xff;
  into.label = first & 0xf_ffff;
  into.next = buffer[at + 6] as number;
  into.hopLimit = buffer[at + 7] as number;
  into.isSourceInSubnet = !isOwnSource;
  into.sourceHigh = isOwnSource ? 0 : u32(buffer, at + IPV6_SOURCE + 8);
  into.sourceLow = isOwnSource ? 0 : u32(buffer, at + IPV6_SOURCE + 12);
  into.isDestInSubnet = !isOwnDest;
  into.destHigh = isOwnDest ? 0 : u32(buffer, at + IPV6_DEST + 8);
  into.destLow = isOwnDest ? 0 : u32(buffer, at + IPV6_DEST + 12);
  into.optionsSize = 0;
  into.checksum = OURS;
  into.rule = readTransport(buffer, at + IPV6_HEADER, payload, into);
  if (into.rule === RULE.other) into.dataAt = at + IPV6_HEADER;
  else readChecksum(buffer, at, end, into);
  into.hasData = into.dataAt < end;
  return true;
}

/** Octets of the packet that `writePacket` makes of so much data; more than a packet can have: 0. */
export function packetSize(headers: Headers, data: number): number {
  const payload = transportSize(headers) + data;
  return payload > PAYLOAD_MAX ? 0 : IPV6_HEADER + payload;
}

/** Writes the whole packet, whose data is `buffer[headers.dataAt..end)`; `target` has room for `packetSize`. */
export function writePacket(
  headers: Headers,
  buffer: Uint8Array,
  end: number,
  ends: Ends,
  target: Uint8Array,
  at: number,
): void {
  const transportAt = at + IPV6_HEADER;
  const dataAt = transportAt + transportSize(headers);
  const packetEnd = dataAt + end - headers.dataAt;
  putU32(target, at, 0x6000_0000 + headers.trafficClass * 0x10_0000 + headers.label);
  putU16(target, at + 4, packetEnd - transportAt);
  target[at + 6] = headers.next;
  target[at + 7] = headers.hopLimit;
  target.set(ends.source, at + IPV6_SOURCE);
  target.set(ends.dest, at + IPV6_DEST);
  if (headers.isSourceInSubnet) {
    putRest(target, at + IPV6_SOURCE, ends.sourceSubnet, headers.sourceHigh, headers.sourceLow);
  }
  if (headers.isDestInSubnet) putRest(target, at + IPV6_DEST, ends.destSubnet, headers.destHigh, headers.destLow);
  writeTransport(headers, buffer, target, transportAt, packetEnd - transportAt);
  target.set(buffer.subarray(headers.dataAt, end), dataAt);
  if (headers.rule === RULE.other) return;
  const checksumAt = transportAt + checksumOffset(headers.rule);
  const { checksum } = headers;
  putU16(target, checksumAt, checksum === OURS ? checksumOf(target, at, packetEnd, headers) : checksum);
}

function readTransport(buffer: Uint8Array, at: number, payload: number, into: Headers): number {
  if (into.next === TCP && payload >= TCP_HEADER) return readTcp(buffer, at, payload, into);
  if (into.next === UDP && payload >= UDP_HEADER && u16(buffer, at + 4) === payload) {
    into.flow = u32(buffer, at);
    into.dataAt = at + UDP_HEADER;
    return RULE.udp;
  }
  if (into.next !== ICMPV6 || payload < ICMP_HEADER) return RULE.other;
  into.flow = u16(buffer, at) * 0x1_0000 + u16(buffer, at + 4);
  into.seq = u16(buffer, at + 6);
  into.dataAt = at + ICMP_HEADER;
  return RULE.icmp;
}

function readTcp(buffer: Uint8Array, at: number, payload: number, into: Headers): number {
  const layout = buffer[at + 12] as number;
  const header = (layout >> 4) * 4;
  if ((layout & 0x0f) !== 0 || header < TCP_HEADER || header > payload) return RULE.other;
  into.flow = u32(buffer, at);
  into.seq = u32(buffer, at + 4);
  into.acknowledged = u32(buffer, at + 8);
  into.flags = buffer[at + 13] as number;
  into.window = u16(buffer, at + 14);
  into.urgent = u16(buffer, at + 18);
  const optionsAt = at + TCP_HEADER;
  into.hasTimes = header >= TCP_HEADER + TIMES_SIZE && u32(buffer, optionsAt) === TIMES_HEAD;
  into.timeValue = into.hasTimes ? u32(buffer, optionsAt + 4) : 0;
  into.timeEcho = into.hasTimes ? u32(buffer, optionsAt + 8) : 0;
  into.dataAt = at + header;
  into.optionsAt = optionsAt + (into.hasTimes ? TIMES_SIZE : 0);
  into.optionsSize = into.dataAt - into.optionsAt;
  return RULE.tcp;
}

function readChecksum(buffer: Uint8Array, at: number, end: number, into: Headers): void {
  const checksum = u16(buffer, at + IPV6_HEADER + checksumOffset(into.rule));
  if (checksum !== checksumOf(buffer, at, end, into)) into.checksum = checksum;
}

function writeTransport(headers: Headers, from: Uint8Array, target: Uint8Array, at: number, payload: number): void {
  const { rule, flow } = headers;
  if (rule === RULE.other) return;
  if (rule === RULE.icmp) {
    putU16(target, at, flow >>> 16);
    putU16(target, at + 4, flow);
    return putU16(target, at + 6, headers.seq);
  }
  putU32(target, at, flow);
  if (rule === RULE.udp) return putU16(target, at + 4, payload);
  putU32(target, at + 4, headers.seq);
  putU32(target, at + 8, headers.acknowledged);
  target[at + 12] = transportSize(headers) << 2;
  target[at + 13] = headers.flags;
  putU16(target, at + 14, headers.window);
  putU16(target, at + 18, headers.urgent);
  let optionsAt = at + TCP_HEADER;
  if (headers.hasTimes) {
    putU32(target, optionsAt, TIMES_HEAD);
    putU32(target, optionsAt + 4, headers.timeValue);
    putU32(target, optionsAt + 8, headers.timeEcho);
    optionsAt += TIMES_SIZE;
  }
  target.set(from.subarray(headers.optionsAt, headers.optionsAt + headers.optionsSize), optionsAt);
}

function transportSize({ rule, hasTimes, optionsSize }: Headers): number {
  if (rule === RULE.other) return 0;
  if (rule === RULE.udp) return UDP_HEADER;
  return rule === RULE.icmp ? ICMP_HEADER : TCP_HEADER + (hasTimes ? TIMES_SIZE : 0) + optionsSize;
}

function checksumOffset(rule: number): number {
  if (rule === RULE.tcp) return 16;
  return rule === RULE.udp ? 6 : 2;
}

/** As it must be in the packet `buffer[at..end)`, whatever stands in its place. */
function checksumOf(buffer: Uint8Array, at: number, end: number, { rule, next }: Headers): number {
  let sum = end - at - IPV6_HEADER + next - u16(buffer, at + IPV6_HEADER + checksumOffset(rule));
  let i = at + IPV6_SOURCE;
  for (; i + 1 < end; i += 2) sum += ((buffer[i] as number) << 8) | (buffer[i + 1] as number);
  if (i < end) sum += (buffer[i] as number) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const checksum = ~sum & 0xffff;
  return rule === RULE.udp && checksum === 0 ? 0xffff : checksum;
}

function putRest(target: Uint8Array, at: number, subnet: Uint8Array, high: number, low: number): void {
  target.set(subnet, at);
  putU32(target, at + 8, high);
  putU32(target, at + 12, low);
}

function isAt(octets: Uint8Array, buffer: Uint8Array, at: number): boolean {
  for (let i = 0; i < octets.length; i++) if (octets[i] !== buffer[at + i]) return false;
  return true;
}

// Once for each field: without objects.

export function u16(buffer: Uint8Array, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
}

export function u32(buffer: Uint8Array, at: number): number {
  return u16(buffer, at) * 0x1_0000 + u16(buffer, at + 2);
}

export function putU16(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
}

export function putU32(buffer: Uint8Array, at: number, value: number): void {
  putU16(buffer, at, value >>> 16);
  putU16(buffer, at + 2, value & 0xffff);
}
