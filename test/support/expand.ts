/**
 * A second reader of compressed packets, made from the tables of `daemon/wire/README.md` alone: slow, with big numbers and
 * strings of bits, so that it can share no mistake with the first.
 */
import { checksumOf, type IpSpec } from './ip-packets.ts';

type Fields = {
  protocol: number;
  class: bigint;
  label: bigint;
  hops: bigint;
  source: Buffer;
  dest: Buffer;
  /** Ports; or type, code and first word. */
  flow: Buffer;
  seq: bigint;
  ack: bigint;
  window: bigint;
  times: [bigint, bigint] | undefined;
};

export type Expanded = { readonly packet: Buffer; readonly makes?: number; readonly got?: number };

class Malformed extends Error {}

export class SecondReader {
  readonly #ip: IpSpec;
  readonly #subnets: { source: Uint8Array; dest: Uint8Array };
  readonly #contexts = new Map<number, Fields>();

  constructor(ip: IpSpec, subnets: { source: Uint8Array; dest: Uint8Array }) {
    this.#ip = ip;
    this.#subnets = subnets;
  }

  expand(content: Uint8Array): Expanded | 'malformed' | 'context unknown' {
    try {
      return this.#expand(new Octets(content));
    } catch (error) {
      if (error instanceof Malformed) return 'malformed';
      if (error instanceof RangeError) return 'context unknown';
      throw error;
    }
  }

  #expand(octets: Octets): Expanded {
    const bits = octets.bits(1);
    need(bits[0] === '1');
    return bits[1] === '0' ? this.#plain(bits, octets) : this.#like(bits, octets);
  }

  #plain(bits: string, octets: Octets): Expanded {
    const [, , makes, extras, carries, feedback] = [...bits].map((bit) => bit === '1');
    const protocol = [-1, 6, 17, 58][Number.parseInt(bits.slice(6), 2)] as number;
    const id = makes ? Number(octets.number(1)) : undefined;
    const got = feedback ? Number(octets.number(1)) : undefined;
    need((id ?? 0) < 32 && (got ?? 0) < 32);
    const fields: Fields = {
      protocol,
      class: 0n,
      label: 0n,
      hops: 64n,
      source: Buffer.from(this.#ip.source),
      dest: Buffer.from(this.#ip.dest),
      flow: Buffer.alloc(0),
      seq: 0n,
      ack: 0n,
      window: 0n,
      times: undefined,
    };
    if (extras) this.#extras(octets, fields, true);
    if (protocol === -1) {
      need(!makes && !carries);
      const next = Number(octets.number(1));
      return {
        packet: whole({ ...fields, protocol: next }, octets.rest(), undefined),
        ...(got === undefined ? {} : { got }),
      };
    }
    fields.flow = octets.take(4);
    let transport: Buffer;
    if (protocol === 6) {
      fields.seq = octets.number(4);
      fields.ack = octets.number(4);
      const flags = octets.number(1);
      fields.window = octets.number(2);
      const layout = octets.bits(1);
      need(layout.slice(4, 6) === '00');
      const words = Number.parseInt(layout.slice(0, 4), 2);
      if (layout[7] === '1') fields.times = [octets.number(4), octets.number(4)];
      const urgent = layout[6] === '1' ? octets.number(2) : 0n;
      const left = 4 * words - 20 - (fields.times === undefined ? 0 : 12);
      need(left >= 0 && (!makes || left === 0));
      transport = tcp(fields, flags, urgent, octets.take(left));
    } else if (protocol === 58) {
      fields.seq = octets.number(2);
      transport = icmp(fields);
    } else transport = udp(fields);
    const carried = carries ? octets.number(2) : undefined;
    const packet = whole(fields, Buffer.concat([transport, octets.rest()]), carried ?? 'right');
    if (id !== undefined) this.#contexts.set(id, fields);
    return { packet, ...(id === undefined ? {} : { makes: id }), ...(got === undefined ? {} : { got }) };
  }

  #like(bits: string, octets: Octets): Expanded {
    const context = this.#contexts.get(Number.parseInt(bits.slice(2, 7), 2));
    if (context === undefined) throw new RangeError('nobody has made it');
    const fields = { ...context };
    const more = bits[7] === '1' ? octets.bits(1) : '00000000';
    const [f, k, x, p, w, t, u, o] = [...more].map((bit) => bit === '1');
    need(fields.protocol === 6 || !(p || w || t || u || o));
    const got = f ? Number(octets.number(1)) : undefined;
    need((got ?? 0) < 32);
    if (x) this.#extras(octets, fields, false);
    let transport: (data: Buffer) => Buffer;
    if (fields.protocol === 6) {
      const widths = (octets.bits(1).match(/../g) as string[]).map((two) => Number.parseInt(two, 2));
      need(context.times !== undefined || (widths[2] === 0 && widths[3] === 0));
      fields.seq = low(octets, widths[0] as number, context.seq);
      fields.ack = low(octets, widths[1] as number, context.ack);
      if (context.times !== undefined) {
        fields.times = [
          low(octets, widths[2] as number, context.times[0]),
          low(octets, widths[3] as number, context.times[1]),
        ];
      }
      if (w) fields.window = octets.number(2);
      need(!(t && p));
      const flags = t ? octets.number(1) : undefined;
      const urgent = u ? octets.number(2) : 0n;
      const words = o ? Number(octets.number(1)) : 0;
      need(!o || (words >= 1 && words + (context.times === undefined ? 0 : 3) <= 10));
      const options = octets.take(4 * words);
      transport = (data) => tcp(fields, flags ?? (data.length > 0 !== (p === true) ? 0x18n : 0x10n), urgent, options);
    } else if (fields.protocol === 58) {
      fields.seq = octets.number(2);
      transport = () => icmp(fields);
    } else transport = (data) => udp(fields, data);
    const carried = k ? octets.number(2) : undefined;
    const data = octets.rest();
    const packet = whole(fields, Buffer.concat([transport(data), data]), carried ?? 'right');
    return { packet, ...(got === undefined ? {} : { got }) };
  }

  #extras(octets: Octets, fields: Fields, mayNameAddresses: boolean): void {
    const bits = octets.bits(1);
    need(bits.startsWith(mayNameAddresses ? '000' : '00000'));
    if (bits[7] === '1') fields.class = octets.number(1);
    if (bits[6] === '1') fields.label = octets.number(3);
    need(fields.label < 1n << 20n);
    if (bits[5] === '1') fields.hops = octets.number(1);
    if (bits[4] === '1') fields.source = Buffer.concat([this.#subnets.source, octets.take(8)]);
    if (bits[3] === '1') fields.dest = Buffer.concat([this.#subnets.dest, octets.take(8)]);
  }
}

/** The one number from base - 1/4 to base + 3/4 of the range whose low octets are these: the candidates are tried. */
function low(octets: Octets, width: number, base: bigint): bigint {
  if (width === 0) return base;
  const range = 1n << BigInt(8 * width);
  const said = octets.number(width);
  for (const round of [-1n, 0n, 1n]) {
    const value = (base / range + round) * range + said;
    if (value >= base - range / 4n && value < base + (3n * range) / 4n) return BigInt.asUintN(32, value);
  }
  throw new Error('one of them must be');
}

function tcp({ flow, seq, ack, window, times }: Fields, flags: bigint, urgent: bigint, options: Buffer): Buffer {
  const all = Buffer.concat([
    times === undefined ? Buffer.alloc(0) : Buffer.concat([hex(0x0101_080an, 4), hex(times[0], 4), hex(times[1], 4)]),
    options,
  ]);
  const offset = hex(BigInt(5 + all.length / 4) << 4n, 1);
  return Buffer.concat([
    flow,
    hex(seq, 4),
    hex(ack, 4),
    offset,
    hex(flags, 1),
    hex(window, 2),
    hex(0n, 2),
    hex(urgent, 2),
    all,
  ]);
}

/** The length is written by `whole`. */
function udp({ flow }: Fields, _data?: Buffer): Buffer {
  return Buffer.concat([flow, hex(0n, 4)]);
}

function icmp({ flow, seq }: Fields): Buffer {
  return Buffer.concat([flow.subarray(0, 2), hex(0n, 2), flow.subarray(2), hex(seq, 2)]);
}

function whole(fields: Fields, payload: Buffer, checksum: bigint | 'right' | undefined): Buffer {
  need(payload.length <= 65_535);
  const first = (6n << 28n) | (fields.class << 20n) | fields.label;
  const head = [hex(first, 4), hex(BigInt(payload.length), 2), hex(BigInt(fields.protocol), 1), hex(fields.hops, 1)];
  const packet = Buffer.concat([...head, fields.source, fields.dest, payload]);
  if (checksum === undefined) return packet;
  if (fields.protocol === 17) packet.set(hex(BigInt(payload.length), 2), 44);
  const at = 40 + (fields.protocol === 6 ? 16 : fields.protocol === 17 ? 6 : 2);
  packet.set(hex(checksum === 'right' ? BigInt(checksumOf(packet)) : checksum, 2), at);
  return packet;
}

function hex(value: bigint, octets: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * octets, '0'), 'hex');
}

function need(holds: boolean): void {
  if (!holds) throw new Malformed();
}

class Octets {
  #left: Buffer;

  constructor(octets: Uint8Array) {
    this.#left = Buffer.from(octets);
  }

  take(count: number): Buffer {
    need(this.#left.length >= count);
    const taken = this.#left.subarray(0, count);
    this.#left = this.#left.subarray(count);
    return taken;
  }

  number(count: number): bigint {
    return BigInt(`0x${this.take(count).toString('hex')}`);
  }

  bits(count: number): string {
    return this.number(count)
      .toString(2)
      .padStart(8 * count, '0');
  }

  rest(): Buffer {
    return this.take(this.#left.length);
  }
}
