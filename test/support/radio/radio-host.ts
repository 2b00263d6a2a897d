/** A node in virtual time with a radio, and any number of cables to others. */
import { Node } from '../../../daemon/core/node.ts';
import {
  type AirFacts,
  type AirRecord,
  type CoreEvent,
  type DatagramBatch,
  type DialFacts,
  type DialId,
  type Input,
  type NodeOptions,
  PACKET_HEADROOM,
  type PublicKey,
  type Sink,
  type SocketFacts,
  type SocketId,
} from '../../../daemon/core/port.ts';
import { Chance, type Identity, nodeOptions, UNIX_MS } from '../core.ts';
import { addressRowOf, dialFacts, NO_ADDRESS, socketFacts } from '../datagram-world.ts';
import type { Quality } from './channel.ts';
import { FrameModem, rnodeAirFacts, rnodeFrame } from './frame-modem.ts';
import type { RadioWorld } from './radio-world.ts';

const SPOILT = 0xdb;
const CABLE_DELAY_MS = 1;

export type HostChanges = {
  readonly options?: Partial<NodeOptions>;
  readonly air?: Partial<AirFacts>;
};

/** A link that is wanted; asked for again as the daemon does: 2, 4, 8 … s after a failure, or when the core says. */
type Wish = {
  readonly socket: SocketId;
  readonly address: Uint8Array;
  readonly facts: DialFacts;
  failures: number;
};

const REDIAL_EXPONENT_MAX = 12;

/** What the node's sockets are made of. */
type Carrier = { readonly facts: SocketFacts; send(octets: Uint8Array): boolean };

export class RadioHost {
  readonly world: RadioWorld;
  readonly owner: Identity;
  readonly key: PublicKey;
  readonly modem: FrameModem;
  readonly airFacts: AirFacts;
  readonly events: CoreEvent[] = [];
  readonly radio = 1 as SocketId;
  /** Where others find it on cables: there are never many links to one address. */
  readonly row: Uint8Array;
  node: Node;
  /** Each packet for the TUN, as it comes. */
  delivered: (packet: Uint8Array) => void = () => {};
  isUp = true;
  /** Counts starts. */
  life = 0;
  readonly #options: NodeOptions;
  readonly #carriers = new Map<SocketId, Carrier>();
  #nextDial = 1;
  #wishes = new Map<DialId, Wish>();
  /** What the radio has sent, as the node told it last, and when. */
  #airRecord: { readonly record: AirRecord; readonly atMs: number } | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(world: RadioWorld, number: number, owner: Identity, { options = {}, air = {} }: HostChanges) {
    this.world = world;
    this.owner = owner;
    this.key = owner.key;
    this.row = addressRowOf(number);
    const chance = new Chance(world.random.u32());
    this.#options = nodeOptions(owner, { random: (octets) => chance.fill(octets), mtu: 1_280, ...options });
    const { modulation, mendsWindow } = world.facts;
    this.airFacts = rnodeAirFacts(modulation, { ledger: `lab ${number}`, ...world.facts.air, ...air });
    const events = {
      frame: (octets: Uint8Array, { rssi, snr }: Quality) => {
        this.feed({ kind: 'airReport', socket: this.radio, report: { rssi, snr } });
        this.receive(this.radio, NO_ADDRESS, octets);
      },
      writable: () => this.writable(this.radio),
    };
    this.modem = new FrameModem(world.channel, modulation, world.random.fork(), events, mendsWindow);
    this.node = this.#start();
  }

  /** Frames that this host has put on the air, and the time they took. */
  get airMs(): number {
    return this.modem.radio.station.sent.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  }

  /** The process died and begins anew: a new node with the same key and the same sockets. */
  restart(): void {
    this.stop();
    this.isUp = true;
    this.node = this.#start();
    for (const [socket, { facts }] of this.#carriers) this.feed({ kind: 'socketOpened', socket, facts });
    const wishes = [...this.#wishes.values()];
    this.#wishes.clear();
    for (const wish of wishes) this.#ask({ ...wish, failures: 0 });
  }

  /** Without a word. */
  stop(): void {
    this.isUp = false;
    this.life++;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
  }

  open(facts: Partial<SocketFacts> = {}): void {
    const all = socketFacts({
      uri: 'rnode:///dev/lab',
      carrierClass: 'R',
      mtu: rnodeFrame(this.world.facts.modulation),
      air: this.airFacts,
      ...facts,
    });
    this.#carriers.set(this.radio, { facts: all, send: (octets) => this.modem.send(octets) });
    this.feed({ kind: 'socketOpened', socket: this.radio, facts: all });
  }

  dial(to: { readonly key: PublicKey }, facts: Partial<DialFacts> = {}): DialId {
    return this.dialAt(this.radio, to, NO_ADDRESS, { uri: 'rnode:///dev/lab', ...facts });
  }

  /** Lays a cable with datagrams to another host, and dials it. */
  cable(to: RadioHost): DialId {
    const across = (from: RadioHost, host: RadioHost, socket: () => SocketId) => (octets: Uint8Array) => {
      const copy = octets.slice();
      this.world.schedule.after(CABLE_DELAY_MS, () => host.receive(socket(), from.row, copy));
      return true;
    };
    const mine = this.attach(
      socketFacts(),
      across(this, to, () => theirs),
    );
    const theirs = to.attach(
      socketFacts(),
      across(to, this, () => mine),
    );
    return this.dialAt(mine, to, to.row);
  }

  /** Another carrier: `send` says false for what it does not take, and `writable` follows. */
  attach(facts: SocketFacts, send: (octets: Uint8Array) => boolean): SocketId {
    const socket = (2 + this.#carriers.size) as SocketId;
    this.#carriers.set(socket, { facts, send });
    this.feed({ kind: 'socketOpened', socket, facts });
    return socket;
  }

  dialAt(
    socket: SocketId,
    to: { readonly key: PublicKey },
    address = NO_ADDRESS,
    facts: Partial<DialFacts> = {},
  ): DialId {
    return this.#ask({ socket, address, facts: dialFacts(to.key, facts), failures: 0 });
  }

  writable(socket: SocketId): void {
    this.feed({ kind: 'socketWritable', socket });
  }

  feed(input: Input): void {
    if (!this.isUp) return;
    this.node.handle(input, this.world.nowMs);
    this.node.drain(this.#sink);
    this.#wake();
  }

  /** As a system does: the octets are gone once the node has been drained. */
  receive(socket: SocketId, from: Uint8Array, octets: Uint8Array): void {
    const buffer = octets.slice();
    const batch: DatagramBatch = {
      buffers: [buffer],
      offsets: new Int32Array(1),
      lengths: Int32Array.of(buffer.length),
      addresses: from.slice(),
      count: 1,
    };
    this.feed({ kind: 'datagrams', socket, batch });
    buffer.fill(SPOILT);
  }

  sendPacket(packet: Uint8Array): void {
    const arena = new Uint8Array(PACKET_HEADROOM + packet.length);
    arena.set(packet, PACKET_HEADROOM);
    const rows = { offsets: Int32Array.of(PACKET_HEADROOM), lengths: Int32Array.of(packet.length), count: 1 };
    this.feed({ kind: 'packets', batch: { arena, ...rows } });
  }

  of<K extends CoreEvent['kind']>(kind: K): Extract<CoreEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<CoreEvent, { kind: K }> => event.kind === kind);
  }

  #ask(wish: Wish): DialId {
    const dial = this.#nextDial++ as DialId;
    this.#wishes.set(dial, wish);
    const { socket, address, facts } = wish;
    this.feed({ kind: 'dial', dial, socket, address, facts });
    return dial;
  }

  #heard(event: CoreEvent): void {
    this.events.push(event);
    if (event.kind === 'airUsed') this.#airRecord = { record: event.record, atMs: this.world.nowMs };
    if (event.kind === 'datagramLinkUp' && event.dial !== undefined) {
      const wish = this.#wishes.get(event.dial);
      if (wish !== undefined) wish.failures = 0;
    }
    if (event.kind === 'datagramLinkDown' && event.dial !== undefined) this.#askLater(event.dial, event.retryAfterMs);
    if (event.kind === 'dialFailed') this.#askLater(event.dial);
  }

  #askLater(dial: DialId, waitMs?: number): void {
    const wish = this.#wishes.get(dial);
    if (wish === undefined || waitMs === Number.POSITIVE_INFINITY) return;
    wish.failures = Math.min(wish.failures + 1, REDIAL_EXPONENT_MAX);
    this.world.schedule.after(waitMs ?? 2 ** wish.failures * 1_000, () => {
      if (this.#wishes.delete(dial)) this.#ask(wish);
    });
  }

  #start(): Node {
    this.life++;
    const { nowMs } = this.world;
    const memory = this.#airRecord && { record: this.#airRecord.record, elapsedMs: nowMs - this.#airRecord.atMs };
    const node = new Node({ ...this.#options, airMemories: memory === undefined ? [] : [memory] });
    node.handle({ kind: 'wallClock', unixMs: UNIX_MS + this.world.nowMs }, this.world.nowMs);
    return node;
  }

  #wake(): void {
    const atMs = this.node.deadline();
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    const { life } = this;
    this.world.schedule.at(atMs, () => {
      if (life !== this.life || this.#wakeAtMs !== atMs) return;
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.feed({ kind: 'timer' });
    });
  }

  readonly #sink: Sink = {
    write: () => true,
    close: () => {},
    send: (socket, batch) => {
      const carrier = this.#carriers.get(socket);
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offsets[i] as number;
        const octets = (batch.buffers[i] as Uint8Array).subarray(at, at + (batch.lengths[i] as number));
        if (carrier !== undefined && !carrier.send(octets)) return i;
      }
      return batch.count;
    },
    deliver: (batch) => {
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offsets[i] as number;
        const packet = (batch.buffers[i] as Uint8Array).slice(at, at + (batch.lengths[i] as number));
        // Whoever takes it may send something, which a node that is being drained does not want to hear of.
        this.world.schedule.after(0, () => this.delivered(packet));
      }
    },
    event: (event) => this.#heard(event),
  };
}
