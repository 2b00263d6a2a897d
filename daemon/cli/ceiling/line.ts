/** Nodes in a row inside this process, joined by buffers: the whole road of a packet without kernel and wires. */
import { randomFillSync } from 'node:crypto';
import { addressForKey } from '../../core/identity.ts';
import { DEFAULT_LIMITS } from '../../core/limits.ts';
import { Node } from '../../core/node.ts';
import {
  type Crypto,
  type E2eMode,
  type Input,
  type LinkFacts,
  type LinkId,
  linkId,
  PACKET_HEADROOM,
  type PacketBatch,
  type Sink,
} from '../../core/port.ts';

type Station = { readonly node: Node; readonly ends: End[]; readonly inbox: Chunk[]; delivered: number };
type End = { readonly to: Station; readonly link: LinkId };
type Chunk = { readonly link: LinkId; readonly octets: Uint8Array };

/** Packets fed at once, as the TUN would. */
const BATCH = 16;

export class Line {
  readonly #stations: Station[];
  readonly #batch: PacketBatch;
  #nowMs = 1_000;

  /** Ready to carry packets of `size` octets from the first of `count` nodes to the last. */
  constructor(count: number, size: number, crypto: Crypto, e2e: E2eMode) {
    this.#stations = Array.from({ length: count }, () => newStation(crypto, e2e));
    for (let i = 0; i + 1 < count; i++) join(this.#station(i), this.#station(i + 1));
    for (const station of this.#stations) this.#feed(station, { kind: 'wallClock', unixMs: 1_800_000_000_000 });
    this.#stations.forEach((station, i) => {
      station.ends.forEach((_, link) => {
        this.#feed(station, { kind: 'linkOpened', link: linkId(link), facts: factsOf(link === 0 && i > 0) });
      });
    });
    this.#pass((count + 4) * 1_000);
    this.#batch = packets(this.#station(0).node.key, this.#station(count - 1).node.key, size);
    for (let i = 0; i < 20 && this.#last.delivered === 0; i++) {
      this.#feed(this.#station(0), { kind: 'packets', batch: this.#batch });
      this.#pass(100);
    }
    if (this.#last.delivered === 0) throw new Error('the line carries no packets');
  }

  get batchSize(): number {
    return this.#batch.count;
  }

  /** One batch from end to end. */
  carry(): void {
    const before = this.#last.delivered;
    this.#feed(this.#station(0), { kind: 'packets', batch: this.#batch });
    this.#pump();
    if (this.#last.delivered !== before + this.#batch.count) throw new Error('the line loses packets');
  }

  get #last(): Station {
    return this.#station(this.#stations.length - 1);
  }

  #station(index: number): Station {
    return this.#stations[index] as Station;
  }

  #pass(ms: number): void {
    for (const untilMs = this.#nowMs + ms; this.#nowMs < untilMs; this.#nowMs += 10) this.#pump();
  }

  #pump(): void {
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const station of this.#stations) {
        for (const { link, octets } of station.inbox.splice(0)) {
          isBusy = true;
          this.#feed(station, { kind: 'linkBytes', link, bytes: octets });
        }
        if (station.node.deadline() <= this.#nowMs) this.#feed(station, { kind: 'timer' });
      }
    }
  }

  #feed(station: Station, input: Input): void {
    station.node.handle(input, this.#nowMs);
    station.node.drain(sinkOf(station));
  }
}

function newStation(crypto: Crypto, e2e: E2eMode): Station {
  const node = new Node({
    seed: randomFillSync(new Uint8Array(32)),
    crypto,
    random: (octets) => randomFillSync(octets),
    allowedKeys: [],
    requiresBound: false,
    groupPassword: new Uint8Array(0),
    e2e,
    e2eKnown: [],
    mtu: 65_535,
    hasTun: true,
    nodeInfo: new Uint8Array(0),
    limits: DEFAULT_LIMITS,
  });
  return { node, ends: [], inbox: [], delivered: 0 };
}

function join(a: Station, b: Station): void {
  const [aLink, bLink] = [linkId(a.ends.length), linkId(b.ends.length)];
  a.ends.push({ to: b, link: bLink });
  b.ends.push({ to: a, link: aLink });
}

function factsOf(isInbound: boolean): LinkFacts {
  const password = new Uint8Array(0);
  return {
    uri: 'memory',
    isInbound,
    isConfigured: true,
    password,
    priority: 0,
    cost: undefined,
    pinnedKeys: [],
    boundKey: undefined,
    isExemptFromAllowList: false,
  };
}

function sinkOf(station: Station): Sink {
  return {
    write(link, bytes) {
      const end = station.ends[link];
      end?.to.inbox.push({ link: end.link, octets: bytes.slice() });
      return true;
    },
    close: (_, reason) => {
      throw new Error(`a link ended: ${reason}`);
    },
    send: () => 0,
    deliver: (batch) => {
      station.delivered += batch.count;
    },
    event: () => {},
  };
}

function packets(fromKey: Uint8Array, toKey: Uint8Array, size: number): PacketBatch {
  const slot = PACKET_HEADROOM + size;
  const count = Math.max(1, Math.min(BATCH, Math.floor(200_000 / size)));
  const batch = {
    arena: new Uint8Array(count * slot),
    offsets: Int32Array.from({ length: count }, (_, i) => i * slot + PACKET_HEADROOM),
    lengths: new Int32Array(count).fill(size),
    count,
  };
  for (const at of batch.offsets) {
    batch.arena.set([0x60, 0, 0, 0, (size - 40) >> 8, (size - 40) & 0xff, 17, 64], at);
    batch.arena.set(addressForKey(fromKey), at + 8);
    batch.arena.set(addressForKey(toKey), at + 24);
  }
  return batch;
}
