/** Two channels joined by a medium that loses, delays, reorders and repeats packets; keys are left out. Virtual time. */
import type { Context } from '../../daemon/core/context.ts';
import { Channel } from '../../daemon/core/link/datagram/channel.ts';
import { RepairSpace } from '../../daemon/core/link/datagram/fragments.ts';
import type { ChannelOptions } from '../../daemon/core/link/datagram/parts.ts';
import { ReassemblySpace } from '../../daemon/core/link/datagram/reassembly.ts';
import type { Pipe, PipeUser } from '../../daemon/core/link/pipe.ts';
import { type CloseReason, DATAGRAM_ADDRESS, linkId } from '../../daemon/core/port.ts';
import { ReplayWindow } from '../../daemon/core/replay-window.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { Chance, contextOf, type Frame, identities, linkFacts } from './core.ts';

/** Of one direction; what is left out does not happen. */
export type Medium = {
  /** Probabilities. */
  loss: number;
  duplication: number;
  delayMs: number;
  /** Added to the delay at random: packets overtake each other. */
  jitterMs: number;
  /** Larger packets vanish. */
  mtu: number;
};

/** A packet on its way: the plaintext, and what the record around it would tell. */
export type Packet = {
  readonly plain: Uint8Array;
  readonly counter: number;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly size: number;
};

const ARENA = 70_000;
const AT = 64;
/** Counters of packets that tests make up begin here. */
const FORGED = 1_000_000;
export const OVERHEAD = 25;

/** An address row: 192.0.2.`host`, port 9000. */
export function rowOf(host: number): Uint8Array {
  const row = new Uint8Array(DATAGRAM_ADDRESS);
  row.set([0xff, 0xff, 192, 0, 2, host], 10);
  row.set([0x23, 0x28], 20);
  return row;
}

export class ChannelPair {
  nowMs = 1_000;
  readonly a: End;
  readonly b: End;
  readonly chance: Chance;
  /** Earliest first; of one moment, in the order they were asked for. */
  readonly #tasks: { atMs: number; act: () => void }[] = [];

  constructor(seed: number, medium: Partial<Medium> = {}, changes: Partial<ChannelOptions> = {}) {
    this.chance = new Chance(seed);
    const [us, them] = identities(2);
    if (us === undefined || them === undefined) throw new Error('two identities were asked for');
    const space = new ReassemblySpace();
    this.a = new End(this, contextOf(us), { ...changes, key: them.key, address: rowOf(2) }, rowOf(1), medium, space);
    this.b = new End(this, contextOf(them), { ...changes, key: us.key, address: rowOf(1) }, rowOf(2), medium, space);
  }

  /** Both sides know each other: as after a handshake. */
  open(): this {
    this.a.act(() => this.a.channel.probe());
    this.run(500);
    return this;
  }

  later(delayMs: number, act: () => void): void {
    const atMs = this.nowMs + delayMs;
    let low = 0;
    for (let high = this.#tasks.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#tasks[middle]?.atMs ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    this.#tasks.splice(low, 0, { atMs, act });
  }

  run(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let turns = 0; ; turns++) {
      if (turns > 5_000_000) throw new Error('time does not pass');
      const taskMs = this.#tasks[0]?.atMs ?? Number.POSITIVE_INFINITY;
      const atMs = Math.min(taskMs, this.a.deadlineMs, this.b.deadlineMs);
      if (atMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      if (taskMs <= this.nowMs) this.#tasks.shift()?.act();
      for (const end of [this.a, this.b]) end.wake();
    }
    this.nowMs = untilMs;
  }

  /** Runs until something holds; says whether it came to that. */
  runUntil(holds: () => boolean, withinMs: number): boolean {
    const untilMs = this.nowMs + withinMs;
    while (!holds()) {
      if (this.nowMs >= untilMs) return false;
      this.run(1);
    }
    return true;
  }

  /** Puts a packet on the medium of its sender. */
  carry(packet: Packet, medium: Partial<Medium>): void {
    const { loss = 0, duplication = 0, delayMs = 10, jitterMs = 0, mtu = ARENA } = medium;
    const copies = this.#happens(duplication) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (packet.size > mtu || this.#happens(loss)) continue;
      const lateMs = jitterMs > 0 ? this.chance.below(jitterMs * 1_000) / 1_000 : 0;
      this.later(delayMs + lateMs, () => this.arrive(packet));
    }
  }

  /** At whoever has that address now. */
  arrive(packet: Packet): void {
    for (const end of [this.a, this.b]) {
      if (end.rows.some((row) => same(row, packet.to)) && !same(end.rows[0] as Uint8Array, packet.from))
        end.receive(packet);
    }
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.chance.below(1_000_000) < probability * 1_000_000;
  }
}

/** One channel, its router and the records around it. */
export class End implements PipeUser {
  readonly channel: Channel;
  readonly context: Context;
  readonly repairSpace = new RepairSpace();
  /** The first is where its packets come from; at all of them it can be reached. */
  rows: Uint8Array[];
  /** Of the packets it sends. */
  medium: Partial<Medium>;
  readonly frames: Frame[] = [];
  /** Sizes of packets sent. */
  readonly sent: number[] = [];
  readonly sentTo: Packet[] = [];
  opens = 0;
  ends = 0;
  refusal: CloseReason | undefined;
  onPacket: (packet: Packet) => Packet | undefined = (packet) => packet;
  onFrame: () => void = () => {};
  /** Nothing leaves while false. */
  isWritable = true;
  readonly #pair: ChannelPair;
  readonly #arena = new Uint8Array(ARENA);
  readonly #seen = new Set<number>();
  #counter = 0;
  #forged = 0;
  #highest = -1;

  constructor(
    pair: ChannelPair,
    context: Context,
    changes: Partial<ChannelOptions> & Pick<ChannelOptions, 'key' | 'address'>,
    row: Uint8Array,
    medium: Partial<Medium>,
    space: ReassemblySpace,
  ) {
    this.#pair = pair;
    this.context = context;
    context.nowMs = pair.nowMs;
    this.rows = [row];
    this.medium = medium;
    this.channel = new Channel(context, {
      id: linkId(0),
      facts: linkFacts({ uri: 'udp://test' }),
      priority: 0,
      carrierClass: 'U',
      isSlow: false,
      mtu: 1_452,
      rxMtuOfPeer: 1_452,
      isThin: true,
      hasRepair: true,
      user: this,
      space,
      repairSpace: this.repairSpace,
      mark: () => {},
      window: () => new ReplayWindow(32),
      ...changes,
    });
  }

  get deadlineMs(): number {
    return this.context.timers.nextMs;
  }

  get messages(): Uint8Array[] {
    return this.frames.filter(({ type }) => type >= FRAME.pathLookup).map(({ body }) => body);
  }

  get control(): Frame[] {
    return this.frames.filter(({ type }) => type < FRAME.pathLookup);
  }

  drops(reason: keyof Context['stats']['drops']): number {
    return this.context.stats.drops[reason];
  }

  /** Does something in the present moment, then sends what there is to send. */
  act(act: () => void): void {
    this.context.nowMs = this.#pair.nowMs;
    act();
    this.#drain();
  }

  wake(): void {
    if (!this.context.timers.isDue(this.#pair.nowMs)) return;
    this.act(() => this.channel.timer(this.#pair.nowMs));
  }

  receive({ plain, counter, from }: Packet): void {
    if (this.#seen.has(counter)) return;
    this.#seen.add(counter);
    const isNewest = counter > this.#highest;
    this.#highest = Math.max(this.#highest, counter);
    const buffer = new Uint8Array(plain.length + AT);
    buffer.set(plain, AT);
    this.act(() => this.channel.receive(buffer, AT, buffer.length, from, isNewest));
    buffer.fill(0xdb);
  }

  /** A packet from the other side that only the test has made. */
  forge(plain: Uint8Array, from = rowOf(this.rows[0]?.[15] === 1 ? 2 : 1)): void {
    const to = this.rows[0] as Uint8Array;
    this.receive({ plain, counter: FORGED + this.#forged++, from, to, size: plain.length + OVERHEAD });
  }

  /** A control frame whose body is `octets`. */
  sendControl(octets: Uint8Array, type: number = FRAME.announce): void {
    this.act(() =>
      this.channel.sendControl(
        type,
        encodeFrame(type, (writer) => writer.octets(octets)),
      ),
    );
  }

  /** Traffic frames with these bodies, waiting together. */
  sendMessages(...bodies: Uint8Array[]): void {
    this.act(() => {
      for (const body of bodies) this.reserve(body);
    });
  }

  reserve(body: Uint8Array, dest = 1, source = 1): void {
    const length = body.length + 1;
    const prefix = length < 0x80 ? 1 : length < 0x4000 ? 2 : 3;
    this.channel.reserve(prefix + length, dest, source);
    const writer = new Writer(this.channel.target, this.channel.targetAt);
    writer.uvarint(length).u8(FRAME.traffic).octets(body);
  }

  opened(): CloseReason | undefined {
    this.opens++;
    return this.refusal;
  }

  frame(_: Pipe, type: number, buffer: Uint8Array, start: number, end: number): void {
    this.frames.push({ type, body: buffer.slice(start, end) });
    this.onFrame();
  }

  settle(): void {}

  gone(): void {
    this.ends++;
  }

  #drain(): void {
    const { channel, context } = this;
    while (this.isWritable) {
      this.#arena.fill(0xee);
      const room = ARENA - AT - OVERHEAD;
      const size = channel.next(this.#arena, AT, room);
      if (size < 0) break;
      const plain = channel.plain.slice(channel.plainAt, channel.plainAt + size);
      this.sent.push(size + OVERHEAD);
      const from = this.rows[0] as Uint8Array;
      const packet = {
        plain,
        counter: this.#counter++,
        from,
        to: channel.destination.slice(),
        size: size + OVERHEAD,
      };
      this.sentTo.push(packet);
      const altered = this.onPacket(packet);
      if (altered !== undefined) this.#pair.carry(altered, this.medium);
    }
    context.pool.settle();
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((octet, i) => octet === b[i]);
}
