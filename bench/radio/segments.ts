/** TCP and UDP in IPv6 as octets: as much as endpoints of the radio bench say to each other. */
export const IPV6_HEADER = 40;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const [NEXT_TCP, NEXT_UDP] = [6, 17];

const FLAG = { syn: 0x02, push: 0x08, ack: 0x10 };

export type Segment = {
  readonly fromPort: number;
  readonly toPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly isSyn: boolean;
  readonly isAck: boolean;
  /** ms of the sender's clock, and of the other side's as last seen (RFC 7323). */
  readonly stampMs: number;
  readonly echoMs: number;
  /** Octets `[from, to)` that came out of order. */
  readonly sacks: readonly (readonly [number, number])[];
  /** Of data; what they are is nobody's business. */
  readonly length: number;
  readonly windowOctets: number;
};

/** As Linux orders them: MSS 1220, SACK, time stamps, scale. */
const SYN_OPTIONS = [2, 4, 0x04, 0xc4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7];
const STAMPS = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];

export function tcpPacket(from: Uint8Array, to: Uint8Array, segment: Segment): Uint8Array {
  const options = Uint8Array.from(segment.isSyn ? SYN_OPTIONS : [...STAMPS, ...sackOption(segment.sacks)]);
  const stamps = new DataView(options.buffer, segment.isSyn ? 8 : 4);
  stamps.setUint32(0, segment.stampMs);
  stamps.setUint32(4, segment.echoMs);
  const headerOctets = TCP_HEADER + options.length;
  const packet = ipv6(from, to, NEXT_TCP, headerOctets + segment.length);
  const view = new DataView(packet.buffer, IPV6_HEADER);
  view.setUint16(0, segment.fromPort);
  view.setUint16(2, segment.toPort);
  view.setUint32(4, segment.seq);
  view.setUint32(8, segment.ack);
  const flags = (segment.isSyn ? FLAG.syn : 0) | (segment.isAck ? FLAG.ack : 0) | (segment.length > 0 ? FLAG.push : 0);
  view.setUint16(12, ((headerOctets / 4) << 12) | flags);
  view.setUint16(14, segment.windowOctets);
  packet.set(options, IPV6_HEADER + TCP_HEADER);
  fillData(packet, IPV6_HEADER + headerOctets, segment.seq);
  view.setUint16(16, checksum(packet, NEXT_TCP));
  return packet;
}

/** Undefined: no TCP. */
export function readTcp(packet: Uint8Array): Segment | undefined {
  if (packet[6] !== NEXT_TCP || packet.length < IPV6_HEADER + TCP_HEADER) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset + IPV6_HEADER, packet.length - IPV6_HEADER);
  const offsetAndFlags = view.getUint16(12);
  const headerOctets = (offsetAndFlags >> 12) * 4;
  if (checksum(packet, NEXT_TCP) !== 0) throw new Error('a TCP segment arrived with a wrong checksum');
  const isSyn = (offsetAndFlags & FLAG.syn) !== 0;
  const stampsAt = TCP_HEADER + (isSyn ? 8 : 4);
  return {
    fromPort: view.getUint16(0),
    toPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    isSyn,
    isAck: (offsetAndFlags & FLAG.ack) !== 0,
    stampMs: view.getUint32(stampsAt),
    echoMs: view.getUint32(stampsAt + 4),
    sacks: isSyn
      ? []
      : readSacks(packet.subarray(IPV6_HEADER + TCP_HEADER + STAMPS.length, IPV6_HEADER + headerOctets)),
    length: packet.length - IPV6_HEADER - headerOctets,
    windowOctets: view.getUint16(14),
  };
}

export function udpPacket(
  from: Uint8Array,
  to: Uint8Array,
  port: number,
  sequence: number,
  length: number,
): Uint8Array {
  const packet = ipv6(from, to, NEXT_UDP, UDP_HEADER + length);
  const view = new DataView(packet.buffer, IPV6_HEADER);
  view.setUint16(0, port);
  view.setUint16(2, port);
  view.setUint16(4, UDP_HEADER + length);
  view.setUint32(8, sequence);
  view.setUint16(6, checksum(packet, NEXT_UDP) || 0xffff);
  return packet;
}

/** Undefined: no UDP. */
export function readUdp(
  packet: Uint8Array,
): { readonly port: number; readonly sequence: number; readonly length: number } | undefined {
  if (packet[6] !== NEXT_UDP || packet.length < IPV6_HEADER + UDP_HEADER + 4) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset + IPV6_HEADER);
  return { port: view.getUint16(2), sequence: view.getUint32(8), length: packet.length - IPV6_HEADER - UDP_HEADER };
}

function ipv6(from: Uint8Array, to: Uint8Array, next: number, payloadOctets: number): Uint8Array {
  const packet = new Uint8Array(IPV6_HEADER + payloadOctets);
  new DataView(packet.buffer).setUint16(4, payloadOctets);
  packet[0] = 0x60;
  packet[6] = next;
  packet[7] = 64;
  packet.set(from, 8);
  packet.set(to, 24);
  return packet;
}

function sackOption(sacks: Segment['sacks']): Uint8Array {
  if (sacks.length === 0) return new Uint8Array(0);
  const octets = new Uint8Array(4 + 8 * sacks.length);
  octets.set([1, 1, 5, 2 + 8 * sacks.length]);
  const view = new DataView(octets.buffer);
  for (const [i, [from, to]] of sacks.entries()) {
    view.setUint32(4 + 8 * i, from);
    view.setUint32(8 + 8 * i, to);
  }
  return octets;
}

function readSacks(options: Uint8Array): Segment['sacks'] {
  if (options[2] !== 5) return [];
  const view = new DataView(options.buffer, options.byteOffset, options.length);
  const count = (view.getUint8(3) - 2) / 8;
  return Array.from({ length: count }, (_, i) => [view.getUint32(4 + 8 * i), view.getUint32(8 + 8 * i)] as const);
}

/** As ciphertext looks: nothing in it can be said shorter. */
function fillData(packet: Uint8Array, from: number, seed: number): void {
  let state = seed | 1;
  for (let i = from; i < packet.length; i++) {
    state = Math.imul(state, 0x6c07_8965) + 0x3039;
    packet[i] = state >>> 24;
  }
}

/** 0 over a packet that holds the right one. */
function checksum(packet: Uint8Array, next: number): number {
  let sum = next + packet.length - IPV6_HEADER;
  for (let i = 8; i < packet.length; i += 2) sum += ((packet[i] as number) << 8) | (packet[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
