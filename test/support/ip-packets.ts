/** IPv6 packets from their fields, with checksums by the book, for tests of what makes them small. */

export type IpSpec = {
  readonly source: Uint8Array;
  readonly dest: Uint8Array;
  readonly trafficClass?: number;
  readonly label?: number;
  readonly hopLimit?: number;
};

export type TcpSpec = {
  readonly ports?: readonly [number, number];
  readonly seq?: number;
  readonly acknowledged?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly urgent?: number;
  /** Whole words. */
  readonly options?: Uint8Array;
  readonly data?: Uint8Array;
  /** Added to the right one. */
  readonly checksumOff?: number;
};

const CHECKSUM_AT: Record<number, number> = { 6: 16, 17: 6, 58: 2 };

export function tcpPacket(ip: IpSpec, spec: TcpSpec): Uint8Array {
  const { ports = [50_000, 22], options = new Uint8Array(0), data = new Uint8Array(0) } = spec;
  const head = Buffer.alloc(20);
  head.writeUInt16BE(ports[0], 0);
  head.writeUInt16BE(ports[1], 2);
  head.writeUInt32BE((spec.seq ?? 0) >>> 0, 4);
  head.writeUInt32BE((spec.acknowledged ?? 0) >>> 0, 8);
  head.writeUInt8((5 + options.length / 4) << 4, 12);
  head.writeUInt8(spec.flags ?? 0x18, 13);
  head.writeUInt16BE(spec.window ?? 501, 14);
  head.writeUInt16BE(spec.urgent ?? 0, 18);
  return ipPacket(ip, 6, Buffer.concat([head, options, data]), spec.checksumOff);
}

export function udpPacket(ip: IpSpec, ports: readonly [number, number], data: Uint8Array, checksumOff = 0): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(ports[0], 0);
  head.writeUInt16BE(ports[1], 2);
  head.writeUInt16BE(8 + data.length, 4);
  return ipPacket(ip, 17, Buffer.concat([head, data]), checksumOff);
}

/** Echo: type 128 or 129, identifier and sequence number; others by analogy. */
export function icmpPacket(
  ip: IpSpec,
  type: number,
  words: readonly [number, number],
  data: Uint8Array,
  checksumOff = 0,
): Uint8Array {
  const head = Buffer.alloc(8);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(words[0], 4);
  head.writeUInt16BE(words[1], 6);
  return ipPacket(ip, 58, Buffer.concat([head, data]), checksumOff);
}

export function timesOption(value: number, echo: number): Uint8Array {
  const option = Buffer.from('0101080a0000000000000000', 'hex');
  option.writeUInt32BE(value >>> 0, 4);
  option.writeUInt32BE(echo >>> 0, 8);
  return Uint8Array.from(option);
}

/** `transport` has zeros in the place of its checksum. */
export function ipPacket(ip: IpSpec, next: number, transport: Uint8Array, checksumOff = 0): Uint8Array {
  const packet = Buffer.alloc(40 + transport.length);
  packet.writeUInt32BE(0x6000_0000 + ((ip.trafficClass ?? 0) << 20) + (ip.label ?? 0), 0);
  packet.writeUInt16BE(transport.length, 4);
  packet.writeUInt8(next, 6);
  packet.writeUInt8(ip.hopLimit ?? 64, 7);
  packet.set(ip.source, 8);
  packet.set(ip.dest, 24);
  packet.set(transport, 40);
  const checksumAt = CHECKSUM_AT[next];
  if (checksumAt !== undefined && transport.length >= checksumAt + 2) {
    packet.writeUInt16BE((checksumOf(packet) + checksumOff) & 0xffff, 40 + checksumAt);
  }
  return Uint8Array.from(packet);
}

/** RFC 8200, 8.1, over a packet whose checksum is zero. */
export function checksumOf(packet: Uint8Array): number {
  const octets = [...packet.subarray(8), packet.length % 2 === 0 ? [] : [0]].flat();
  let sum = BigInt(packet.length - 40) + BigInt(packet[6] as number);
  for (let i = 0; i < octets.length; i += 2) sum += BigInt((octets[i] as number) * 256 + (octets[i + 1] as number));
  const checksum = 0xffffn - (sum % 0xffffn);
  // The complement of a sum that is a multiple of 0xffff and not zero is 0, which UDP writes as 0xffff.
  if (checksum === 0xffffn) return packet[6] === 17 ? 0xffff : 0;
  return Number(checksum);
}
