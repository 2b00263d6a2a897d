/**
 * A simulated machine: a node and the shell around it, which plays the driver. After every input it drains; it wakes at
 * the deadline; it spoils every buffer that the contract lets it take back, so that a core which keeps one is found out.
 */
import assert from 'node:assert/strict';
import { addressForKey } from '../../daemon/core/identity.ts';
import { Node } from '../../daemon/core/node.ts';
import {
  type CloseReason,
  type CoreEvent,
  type Crypto,
  type DeliveryBatch,
  type Input,
  type Limits,
  type LinkFacts,
  type LinkId,
  linkId,
  PACKET_HEADROOM,
  type PublicKey,
  publicKey,
  type Sink,
} from '../../daemon/core/port.ts';
import type { Cable, End } from './cable.ts';
import type { DatagramCable } from './datagram-cable.ts';
import { DatagramShell } from './datagram-shell.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';
import type { Observer } from './trace.ts';

const NOTHING = new Uint8Array(0);
const SPOILT = 0xdb;
/** 2024-01-01. */
const UNIX_START_MS = 1_704_067_200_000;
/** A deadline that does not move when its timer has been given is a loop. */
const TIMERS_AT_ONCE_MAX = 20;

export type HostOptions = {
  readonly index: number;
  readonly seed: Uint8Array;
  readonly crypto: Crypto;
  readonly schedule: Schedule;
  readonly random: Random;
  readonly observer: Observer;
  readonly limits: Limits;
  readonly hasTun: boolean;
  /** How far the wall clock is off. */
  readonly skewMs: number;
  /** How often a `write` is refused and taken over later. */
  readonly refusal: number;
  readonly compresses: boolean;
};

export type Arrival = { host: Host; packet: Uint8Array };

type Stream = { readonly end: End; held: { octets: Uint8Array; copy: Uint8Array } | undefined };

export class Host {
  readonly index: number;
  readonly key: PublicKey;
  readonly address: Uint8Array;
  readonly cables: (Cable | DatagramCable)[] = [];
  readonly datagrams: DatagramShell;
  /** Why links were closed by the core, since the start of the simulation. */
  readonly closes: CloseReason[] = [];
  readonly echoReplies: Extract<CoreEvent, { kind: 'echoReply' }>[] = [];
  readonly told: Extract<CoreEvent, { kind: 'hopAnswered' }>[] = [];
  onPacket: (packet: Uint8Array) => void = () => {};
  /** Sees, and may change, whole frames before they leave. */
  onWrite: (octets: Uint8Array) => void = () => {};
  readonly #options: HostOptions;
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #observer: Observer;
  #node: Node | undefined;
  /** The monotonic clock of this boot. */
  #bootMs = 0;
  /** Grows with every boot, so that what was scheduled before is known to be void. */
  #boots = 0;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #timersAtOnce = 0;
  #lastTimerMs = -1;
  readonly #streams = new Map<LinkId, Stream>();
  readonly #ids = new Map<End, LinkId>();
  #isDraining = false;

  constructor(options: HostOptions) {
    this.#options = options;
    this.index = options.index;
    this.#schedule = options.schedule;
    this.#random = options.random;
    this.#observer = options.observer;
    this.datagrams = new DatagramShell(this, options.schedule, (input) => this.#giveDatagrams(input));
    this.key = publicKey(options.crypto.ed25519Signer(options.seed).publicKey);
    this.address = addressForKey(this.key);
  }

  get isUp(): boolean {
    return this.#node !== undefined;
  }

  get node(): Node {
    assert.ok(this.#node, `host ${this.index} is down`);
    return this.#node;
  }

  /** What `nowMs` is for the node. */
  get nowMs(): number {
    return this.#schedule.nowMs - this.#bootMs;
  }

  start(): void {
    assert.ok(this.#node === undefined);
    const { seed, crypto, limits, hasTun, compresses } = this.#options;
    this.#boots++;
    this.#bootMs = this.#schedule.nowMs - this.#random.below(1_000_000);
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#node = new Node({
      seed,
      crypto,
      limits,
      hasTun,
      compresses,
      nodeInfo: NOTHING,
      random: (octets) => this.#random.fill(octets),
      allowedKeys: [],
      requiresBound: false,
      groupPassword: NOTHING,
      e2e: 'prefer',
      e2eKnown: [],
      mtu: 65_535,
    });
    this.#tick(this.#boots);
    for (const cable of this.cables) cable.hostStarted(this);
  }

  /** `isNoticed`: the process died and its system closed the streams. Otherwise the power went. */
  stop(isNoticed: boolean): void {
    this.#node = undefined;
    this.#boots++;
    this.#streams.clear();
    this.#ids.clear();
    this.datagrams.stopped();
    for (const cable of this.cables) cable.hostStopped(this, isNoticed);
  }

  give(input: Input): void {
    assert.ok(!this.#isDraining, 'a sink never calls back into the core');
    const { node } = this;
    node.handle(input, this.nowMs);
    this.#isDraining = true;
    node.drain(this.#sink);
    this.#isDraining = false;
    this.#wake(node.deadline());
  }

  /** Packets from the TUN, in one batch. */
  sendPackets(packets: readonly Uint8Array[]): void {
    const size = packets.reduce((sum, packet) => sum + PACKET_HEADROOM + packet.length, 0);
    const batch = {
      arena: new Uint8Array(size),
      offsets: new Int32Array(packets.length),
      lengths: new Int32Array(packets.length),
      count: packets.length,
    };
    let at = 0;
    for (const [i, packet] of packets.entries()) {
      batch.offsets[i] = at + PACKET_HEADROOM;
      batch.lengths[i] = packet.length;
      batch.arena.set(packet, at + PACKET_HEADROOM);
      at += PACKET_HEADROOM + packet.length;
    }
    this.give({ kind: 'packets', batch });
    batch.arena.fill(SPOILT);
  }

  // From the cables

  streamOpened(end: End, isInbound: boolean): void {
    let id = 1;
    while (this.#streams.has(linkId(id))) id++;
    this.#streams.set(linkId(id), { end, held: undefined });
    this.#ids.set(end, linkId(id));
    this.#observer.streamOpened(end);
    const facts: LinkFacts = {
      uri: `sim://${end.cable.dialler.index}-${end.cable.acceptor.index}`,
      isInbound,
      isConfigured: !isInbound,
      password: NOTHING,
      priority: 0,
      cost: undefined,
      pinnedKeys: [],
      boundKey: undefined,
      isExemptFromAllowList: false,
    };
    this.give({ kind: 'linkOpened', link: linkId(id), facts });
  }

  octetsArrived(end: End, octets: Uint8Array): void {
    const link = this.#ids.get(end);
    if (link === undefined) return;
    this.#observer.note('arrive', this.#schedule.nowMs, this.index, octets);
    this.give({ kind: 'linkBytes', link, bytes: octets });
    octets.fill(SPOILT);
  }

  streamEnded(end: End): void {
    const link = this.#ids.get(end);
    if (link === undefined) return;
    this.#drop(end, link);
    this.give({ kind: 'linkClosed', link, reason: 'the simulated cable' });
  }

  #giveDatagrams(input: Input): void {
    if (input.kind === 'datagrams') {
      this.#observer.note('arrive', this.#schedule.nowMs, this.index, input.batch.buffers[0] ?? NOTHING);
    }
    this.give(input);
  }

  readonly #sink: Sink = {
    write: (link, octets) => this.#write(link, octets),
    close: (link, reason) => {
      const stream = this.#streams.get(link);
      this.closes.push(reason);
      if (stream === undefined) return;
      this.#drop(stream.end, link);
      stream.end.cable.close(stream.end);
    },
    send: (socket, batch) => this.datagrams.send(socket, batch),
    deliver: (batch) => this.#deliver(batch),
    event: (event) => {
      if (event.kind === 'echoReply') this.echoReplies.push(event);
      if (event.kind === 'hopAnswered') this.told.push(event);
      this.datagrams.heard(event);
    },
  };

  #write(link: LinkId, octets: Uint8Array): boolean {
    const stream = this.#streams.get(link);
    assert.ok(stream, 'the core writes to open links only');
    assert.ok(octets.length > 0, 'a write carries something');
    assert.equal(stream.held, undefined, 'no write follows a refused one before linkWritable');
    this.#observer.sent(stream.end, octets, this.#schedule.nowMs);
    this.onWrite(octets);
    if (!this.#random.chance(this.#options.refusal)) {
      stream.end.cable.send(stream.end, octets);
      return true;
    }
    stream.held = { octets, copy: octets.slice() };
    const boot = this.#boots;
    this.#schedule.after(this.#random.between(0, 30), () => {
      if (boot === this.#boots) this.#takeOver(link, stream);
    });
    return false;
  }

  #takeOver(link: LinkId, stream: Stream): void {
    const { held } = stream;
    if (this.#streams.get(link) !== stream || held === undefined) return;
    assert.deepEqual(held.octets, held.copy, 'the core leaves a held buffer alone');
    stream.held = undefined;
    stream.end.cable.send(stream.end, held.octets);
    this.give({ kind: 'linkWritable', link });
  }

  #deliver(batch: DeliveryBatch): void {
    for (let i = 0; i < batch.count; i++) {
      const at = batch.offsets[i] as number;
      const packet = batch.buffers[i]?.slice(at, at + (batch.lengths[i] as number));
      assert.ok(packet);
      this.#observer.note('deliver', this.#schedule.nowMs, this.index, packet);
      this.onPacket(packet);
    }
  }

  #drop(end: End, link: LinkId): void {
    this.#streams.delete(link);
    this.#ids.delete(end);
  }

  /** The wall clock, at once and every second. */
  #tick(boot: number): void {
    if (boot !== this.#boots) return;
    this.give({ kind: 'wallClock', unixMs: UNIX_START_MS + this.#schedule.nowMs + this.#options.skewMs });
    this.#schedule.after(1_000, () => this.#tick(boot));
  }

  /** As a system's timer does: at the next whole millisecond, never early. */
  #wake(deadlineMs: number): void {
    const atMs = Math.max(this.#schedule.nowMs, Math.ceil(deadlineMs + this.#bootMs));
    if (!Number.isFinite(atMs) || atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    const boot = this.#boots;
    this.#schedule.at(atMs, () => {
      if (boot !== this.#boots || this.#wakeAtMs !== atMs) return;
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.#timersAtOnce = this.#lastTimerMs === atMs ? this.#timersAtOnce + 1 : 0;
      this.#lastTimerMs = atMs;
      assert.ok(this.#timersAtOnce < TIMERS_AT_ONCE_MAX, 'the deadline moves on once its timer was given');
      this.#observer.note('timer', atMs, this.index, NOTHING);
      this.give({ kind: 'timer' });
    });
  }
}
