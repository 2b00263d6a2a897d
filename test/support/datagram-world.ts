/**
 * Nodes joined by datagrams, in virtual time: a medium that loses, delays, repeats and reorders, seen and changed by
 * whoever tests. Everything follows from one seed.
 */
import { Node } from '../../daemon/core/node.ts';
import {
  type CarrierClass,
  type CoreEvent,
  DATAGRAM_ADDRESS,
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
} from '../../daemon/core/port.ts';
import { Schedule } from '../sim/schedule.ts';
import { Chance, type Identity, nodeOptions, UNIX_MS } from './core.ts';

const SPOILT = 0xdb;

/** One datagram on its way. Whoever sees it may change it, or take it away. */
export type Flight = {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly octets: Uint8Array;
  /** Does not hear itself on a medium without addresses. */
  readonly sender: DatagramHost;
};

export class DatagramWorld {
  readonly schedule = new Schedule();
  readonly chance: Chance;
  readonly hosts: DatagramHost[] = [];
  /** Of each datagram. */
  lossShare = 0;
  repeatShare = 0;
  delayMs: () => number = () => 5;
  /** Sees everything that is sent; false: it does not arrive. */
  watch: (flight: Flight) => boolean = () => true;

  constructor(seed = 1) {
    this.chance = new Chance(seed);
    this.schedule.nowMs = 1_000;
  }

  get nowMs(): number {
    return this.schedule.nowMs;
  }

  host(owner: Identity, changes: Partial<NodeOptions> = {}): DatagramHost {
    const host = new DatagramHost(this, this.hosts.length + 1, owner, changes);
    this.hosts.push(host);
    return host;
  }

  run(ms: number): void {
    this.schedule.runTo(this.nowMs + ms);
  }

  /** Runs until a condition holds; false: it did not within the time. */
  runUntil(isTrue: () => boolean, ms: number, stepMs = 10): boolean {
    return this.schedule.runUntil(isTrue, ms, stepMs);
  }

  send(flight: Flight): void {
    if (!this.watch(flight)) return;
    const copies = this.isDue(this.repeatShare) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (this.isDue(this.lossShare)) continue;
      this.schedule.after(this.delayMs(), () => this.arrive(flight));
    }
  }

  /** At once, whatever the medium is like. */
  arrive({ from, to, octets, sender }: Flight): void {
    for (const host of this.hosts) if (host !== sender && host.isAt(to)) host.receive(from, octets);
  }

  isDue(share: number): boolean {
    return share > 0 && this.chance.u32() / 0x1_0000_0000 < share;
  }
}

/** A node with one socket, and the shell around it. */
export class DatagramHost {
  readonly world: DatagramWorld;
  readonly owner: Identity;
  readonly key: PublicKey;
  /** Its address: 192.0.2.N:9000. */
  row: Uint8Array;
  readonly events: CoreEvent[] = [];
  readonly delivered: Uint8Array[] = [];
  readonly socket = 1 as SocketId;
  node: Node;
  /** Of its wall clock. */
  skewMs = 0;
  isUp = true;
  /** How many of the next datagrams the system takes; infinity: all. */
  takes = Number.POSITIVE_INFINITY;
  /** False: the system holds enough, although it would take more. */
  hasRoom = true;
  readonly #options: NodeOptions;
  #facts: SocketFacts | undefined;
  #nextDial = 1;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  /** Counts starts. */
  life = 0;

  constructor(world: DatagramWorld, number: number, owner: Identity, changes: Partial<NodeOptions>) {
    this.world = world;
    this.owner = owner;
    this.key = owner.key;
    this.row = addressRowOf(number);
    const chance = new Chance(world.chance.u32());
    this.#options = nodeOptions(owner, { random: (octets) => chance.fill(octets), ...changes });
    this.node = this.#start();
  }

  /** The process died and begins anew: a new node with the same key and, if it had one, the same socket. */
  restart(): void {
    this.stop();
    this.isUp = true;
    this.node = this.#start();
    if (this.#facts !== undefined) this.open(this.#facts);
  }

  /** Without a word. */
  stop(): void {
    this.isUp = false;
    this.life++;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
  }

  open(facts: Partial<SocketFacts> = {}): void {
    this.#facts = socketFacts(facts);
    this.feed({ kind: 'socketOpened', socket: this.socket, facts: this.#facts });
  }

  dial(to: Pick<DatagramHost, 'key' | 'row'>, facts: Partial<DialFacts> = {}): DialId {
    const dial = this.#nextDial++ as DialId;
    this.feed({ kind: 'dial', dial, socket: this.socket, address: to.row, facts: dialFacts(to.key, facts) });
    return dial;
  }

  feed(input: Input): void {
    this.node.handle(input, this.world.nowMs);
    this.node.drain(this.#sink);
    this.#wake();
  }

  /** As a system does: the octets are gone once the node has been drained. */
  receive(from: Uint8Array, octets: Uint8Array): void {
    this.receiveMany([{ from, octets }]);
  }

  receiveMany(datagrams: readonly { from: Uint8Array; octets: Uint8Array }[]): void {
    if (!this.isUp) return;
    const batch: DatagramBatch = {
      buffers: datagrams.map(({ octets }) => new Uint8Array(octets)),
      offsets: new Int32Array(datagrams.length),
      lengths: Int32Array.from(datagrams, ({ octets }) => octets.length),
      addresses: new Uint8Array(datagrams.length * DATAGRAM_ADDRESS),
      count: datagrams.length,
    };
    for (const [i, { from }] of datagrams.entries()) batch.addresses.set(from, i * DATAGRAM_ADDRESS);
    this.feed({ kind: 'datagrams', socket: this.socket, batch });
    for (const buffer of batch.buffers) buffer.fill(SPOILT);
  }

  sendPacket(packet: Uint8Array): void {
    const arena = new Uint8Array(PACKET_HEADROOM + packet.length);
    arena.set(packet, PACKET_HEADROOM);
    const rows = { offsets: Int32Array.of(PACKET_HEADROOM), lengths: Int32Array.of(packet.length), count: 1 };
    this.feed({ kind: 'packets', batch: { arena, ...rows } });
  }

  isAt(row: Uint8Array): boolean {
    return this.isUp && this.row.every((octet, i) => octet === row[i]);
  }

  drops(reason: string): number {
    const count = this.node.stats().drops[reason];
    if (count === undefined) throw new Error(`there is no drop reason '${reason}'`);
    return count;
  }

  of<K extends CoreEvent['kind']>(kind: K): Extract<CoreEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<CoreEvent, { kind: K }> => event.kind === kind);
  }

  #start(): Node {
    this.life++;
    const node = new Node(this.#options);
    node.handle({ kind: 'wallClock', unixMs: UNIX_MS + this.world.nowMs + this.skewMs }, this.world.nowMs);
    return node;
  }

  #wake(): void {
    const atMs = this.node.deadline();
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    const life = this.life;
    this.world.schedule.at(atMs, () => {
      if (life !== this.life || this.#wakeAtMs !== atMs) return;
      this.#wakeAtMs = Number.POSITIVE_INFINITY;
      this.feed({ kind: 'timer' });
    });
  }

  readonly #sink: Sink = {
    write: () => true,
    close: () => {},
    hasRoom: () => this.hasRoom,
    send: (_socket, batch) => {
      const count = Math.min(batch.count, this.takes);
      this.takes -= count;
      for (let i = 0; i < count; i++) {
        const at = batch.offsets[i] as number;
        const octets = (batch.buffers[i] as Uint8Array).slice(at, at + (batch.lengths[i] as number));
        const to = batch.addresses.slice(i * DATAGRAM_ADDRESS, (i + 1) * DATAGRAM_ADDRESS);
        this.world.send({ from: this.row, to, octets, sender: this });
      }
      return count;
    },
    deliver: (batch) => {
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offsets[i] as number;
        this.delivered.push((batch.buffers[i] as Uint8Array).slice(at, at + (batch.lengths[i] as number)));
      }
    },
    event: (event) => void this.events.push(event),
  };
}

/** 192.0.2.N:PORT as a row of a batch. */
export function addressRowOf(number: number, port = 9_000): Uint8Array {
  const row = new Uint8Array(DATAGRAM_ADDRESS);
  row.set([0xff, 0xff, 192, 0, 2, number], 10);
  row.set([port >> 8, port & 0xff], 20);
  return row;
}

/** What carriers without addresses have. */
export const NO_ADDRESS: Uint8Array = new Uint8Array(DATAGRAM_ADDRESS);

export function socketFacts(changes: Partial<SocketFacts> = {}): SocketFacts {
  const carrierClass: CarrierClass = changes.carrierClass ?? 'U';
  return {
    uri: 'udp://192.0.2.0:9000',
    carrierClass,
    mtu: carrierClass === 'R' ? 222 : 1_472,
    psk: new Uint8Array(32),
    priority: 0,
    cost: undefined,
    isExemptFromAllowList: false,
    isSlow: false,
    ...changes,
  };
}

export function dialFacts(key: PublicKey, changes: Partial<DialFacts> = {}): DialFacts {
  return {
    uri: 'udp://192.0.2.0:9000',
    key,
    psk: new Uint8Array(32),
    priority: 0,
    cost: undefined,
    isConfigured: true,
    isExemptFromAllowList: false,
    attempts: 0,
    ...changes,
  };
}
