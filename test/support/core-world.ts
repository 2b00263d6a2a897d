/** Nodes joined in memory, in virtual time. */
import { addressForKey } from '../../daemon/core/identity.ts';
import { Node } from '../../daemon/core/node.ts';
import {
  type CloseReason,
  type CoreEvent,
  type Input,
  type LinkFacts,
  type LinkId,
  linkId,
  type NodeOptions,
  PACKET_HEADROOM,
  type PublicKey,
  type Sink,
} from '../../daemon/core/port.ts';
import { type Identity, linkFacts, nodeOptions, UNIX_MS } from './core.ts';

/** What stands at the other end of a carrier. It must not feed the node at once: it may ask the world for later. */
export type End = { bytes(octets: Uint8Array): void; closed(reason: CloseReason): void };

export class World {
  nowMs = 1_000;
  readonly hosts: Host[] = [];
  readonly #tasks: { atMs: number; order: number; act: () => void }[] = [];
  #order = 0;

  get unixMs(): number {
    return UNIX_MS + this.nowMs;
  }

  host(owner: Identity, changes: Partial<NodeOptions> = {}): Host {
    const host = new Host(this, owner, changes);
    this.hosts.push(host);
    return host;
  }

  later(delayMs: number, act: () => void): void {
    this.#tasks.push({ atMs: this.nowMs + delayMs, order: this.#order++, act });
  }

  run(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const task = this.#first();
      const wake = this.hosts.reduce((earliest, host) => Math.min(earliest, host.node.deadline()), Infinity);
      const atMs = Math.min(task?.atMs ?? Infinity, wake);
      if (atMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      if (task !== undefined && task.atMs <= this.nowMs) {
        this.#tasks.splice(this.#tasks.indexOf(task), 1);
        task.act();
      }
      for (const host of this.hosts) if (host.node.deadline() <= this.nowMs) host.feed({ kind: 'timer' });
    }
    this.nowMs = untilMs;
  }

  #first(): { atMs: number; order: number; act: () => void } | undefined {
    let first: { atMs: number; order: number; act: () => void } | undefined;
    for (const task of this.#tasks) {
      const isEarlier = first === undefined || task.atMs < first.atMs;
      if (isEarlier || (task.atMs === first?.atMs && task.order < first.order)) first = task;
    }
    return first;
  }
}

/** A node and the shell around it. */
export class Host {
  readonly world: World;
  readonly owner: Identity;
  readonly key: PublicKey;
  readonly address: Uint8Array;
  readonly events: CoreEvent[] = [];
  readonly closes: CloseReason[] = [];
  /** IPv6 packets for the TUN. */
  readonly delivered: Uint8Array[] = [];
  node: Node;
  readonly #ends = new Map<LinkId, End>();
  readonly #stalled = new Set<LinkId>();
  readonly #options: NodeOptions;
  #isDraining = false;
  #nextId = 0;

  constructor(world: World, owner: Identity, changes: Partial<NodeOptions>) {
    this.world = world;
    this.owner = owner;
    this.key = owner.key;
    this.address = addressForKey(owner.key);
    this.#options = nodeOptions(owner, changes);
    this.node = new Node(this.#options);
    this.feed({ kind: 'wallClock', unixMs: world.unixMs });
  }

  /** A new process with the same key; its carriers are gone. */
  restart(): void {
    for (const end of this.#ends.values()) end.closed('shutdown');
    this.#ends.clear();
    this.node = new Node(this.#options);
    this.feed({ kind: 'wallClock', unixMs: this.world.unixMs });
  }

  feed(input: Input): void {
    if (this.#isDraining) throw new Error('a sink never calls back into the core');
    this.node.handle(input, this.world.nowMs);
    this.#isDraining = true;
    this.node.drain(this.#sink);
    this.#isDraining = false;
  }

  /** As a system does: in a buffer of its own kind, whose octets are gone once the node has been drained. */
  feedBytes(link: LinkId, octets: Uint8Array): void {
    const bytes = Buffer.from(octets);
    this.feed({ kind: 'linkBytes', link, bytes });
    bytes.fill(0xdb);
  }

  attach(end: End, facts: Partial<LinkFacts> = {}): LinkId {
    const id = linkId(this.#nextId++);
    this.#ends.set(id, end);
    this.feed({ kind: 'linkOpened', link: id, facts: linkFacts(facts) });
    return id;
  }

  /** The carrier broke. */
  detach(link: LinkId): void {
    if (this.#ends.delete(link)) this.feed({ kind: 'linkClosed', link, reason: 'test' });
  }

  /** The system takes one more buffer and then no other, until it is released. */
  stall(link: LinkId): void {
    this.#stalled.add(link);
  }

  release(link: LinkId): void {
    this.#stalled.delete(link);
    this.feed({ kind: 'linkWritable', link });
  }

  /** From the TUN, in one batch. */
  sendPackets(...packets: Uint8Array[]): void {
    const sizes = packets.map((packet) => PACKET_HEADROOM + packet.length);
    const arena = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
    const offsets = new Int32Array(packets.length);
    const lengths = new Int32Array(packets.length);
    let at = 0;
    for (const [i, packet] of packets.entries()) {
      offsets[i] = at + PACKET_HEADROOM;
      lengths[i] = packet.length;
      arena.set(packet, at + PACKET_HEADROOM);
      at += sizes[i] as number;
    }
    this.feed({ kind: 'packets', batch: { arena, offsets, lengths, count: packets.length } });
    arena.fill(0xdb);
  }

  drops(reason: string): number {
    const count = this.node.stats().drops[reason];
    if (count === undefined) throw new Error(`there is no drop reason '${reason}'`);
    return count;
  }

  count(kind: CoreEvent['kind']): number {
    return this.events.filter((event) => event.kind === kind).length;
  }

  readonly #sink: Sink = {
    write: (link, octets) => {
      this.#ends.get(link)?.bytes(octets.slice());
      return !this.#stalled.has(link);
    },
    close: (link, reason) => {
      this.closes.push(reason);
      this.#ends.get(link)?.closed(reason);
      this.#ends.delete(link);
    },
    send: () => 0,
    deliver: (batch) => {
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offsets[i] as number;
        this.delivered.push((batch.buffers[i] as Uint8Array).slice(at, at + (batch.lengths[i] as number)));
      }
    },
    event: (event) => this.events.push(event),
  };
}

/** A link between two hosts. */
export class Cable {
  readonly world: World;
  readonly ends: [{ host: Host; link: LinkId }, { host: Host; link: LinkId }];
  /** False swallows what is sent, without either side noticing. */
  isCarrying = true;
  #isUp = true;

  constructor(a: Host, b: Host, delayMs = 5, facts: Partial<LinkFacts> = {}) {
    this.world = a.world;
    const none = { host: a, link: linkId(-1) };
    this.ends = [none, none];
    this.ends[0] = { host: a, link: a.attach(this.#end(1, delayMs), { ...facts, isInbound: false }) };
    this.ends[1] = { host: b, link: b.attach(this.#end(0, delayMs), facts) };
  }

  cut(): void {
    this.#isUp = false;
    for (const { host, link } of this.ends) host.detach(link);
  }

  #end(to: 0 | 1, delayMs: number): End {
    return {
      bytes: (octets) => {
        this.world.later(delayMs, () => {
          if (!this.#isUp || !this.isCarrying) return;
          const { host, link } = this.ends[to];
          host.feedBytes(link, octets);
        });
      },
      closed: () => {
        this.world.later(delayMs, () => {
          if (!this.#isUp) return;
          this.#isUp = false;
          const { host, link } = this.ends[to];
          host.detach(link);
        });
      },
    };
  }
}
