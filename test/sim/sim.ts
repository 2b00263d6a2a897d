/** A whole mesh in virtual time: hosts with the daemon's own core, cables between them, one seed for everything. */
import assert from 'node:assert/strict';
import { DEFAULT_LIMITS } from '../../daemon/core/limits.ts';
import { compareOctets } from '../../daemon/core/octetmap.ts';
import type { Limits } from '../../daemon/core/port.ts';
import { chooseCrypto } from '../../daemon/crypto/choose.ts';
import { IPV6_DEST, IPV6_HEADER, IPV6_SOURCE, readEcho, writeEcho } from '../../daemon/wire/ipv6.ts';
import { Cable } from './cable.ts';
import { DatagramCable, type DatagramWeather } from './datagram-cable.ts';
import { Host } from './host.ts';
import { Random } from './random.ts';
import { remembered } from './remembered.ts';
import { Schedule } from './schedule.ts';
import type { Edge } from './topology.ts';
import { Observer } from './trace.ts';

const crypto = remembered(chooseCrypto().crypto);

const NEXT_NONE = 59;
const ID_AT = IPV6_HEADER;
const PACKET_MIN = IPV6_HEADER + 8;

export type SimOptions = {
  readonly seed: number;
  readonly nodes: number;
  readonly edges: readonly Edge[] | ((random: Random) => readonly Edge[]);
  readonly latencyMs?: readonly [number, number];
  /** Largest error of a wall clock, either way. */
  readonly skewMs?: number;
  /** How often a `write` is refused and taken over later. */
  readonly refusal?: number;
  /** Host 0 has the lowest key, and is the root of all that it reaches. */
  readonly isOrdered?: boolean;
  readonly hasTun?: boolean;
  readonly limits?: Partial<Limits>;
  /** Hosts that are as older ones: they do not know compressed packets. */
  readonly olderHosts?: readonly number[];
  /** All cables carry datagrams, in this weather. */
  readonly datagrams?: DatagramWeather;
  /** These cables, by number, are radios. */
  readonly radios?: { readonly numbers: readonly number[]; readonly weather: DatagramWeather };
};

export type Sent = {
  readonly from: Host;
  readonly to: Host;
  readonly packet: Uint8Array;
  readonly sentMs: number;
  arrivedMs: number | undefined;
};

export class Sim {
  readonly hosts: Host[];
  readonly cables: (Cable | DatagramCable)[];
  readonly random: Random;
  readonly observer: Observer;
  readonly #schedule = new Schedule();
  readonly #sent: Sent[] = [];

  constructor(options: SimOptions) {
    const { nodes, latencyMs = [0.5, 20], skewMs = 5_000, refusal = 0, hasTun = true } = options;
    this.random = new Random(options.seed);
    this.observer = new Observer(nodes);
    this.observer.isPartlySealed = options.radios !== undefined;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const randoms = Array.from({ length: nodes }, () => this.random.fork());
    const seeds = randoms.map((random) => random.octets(32));
    if (options.isOrdered === true) seeds.sort((a, b) => compareOctets(keyOf(a), keyOf(b)));
    this.hosts = randoms.map((random, index) => {
      const host = new Host({
        index,
        seed: seeds[index] as Uint8Array,
        crypto,
        schedule: this.#schedule,
        random,
        observer: this.observer,
        limits,
        hasTun,
        skewMs: random.between(-skewMs, skewMs),
        refusal,
        compresses: options.olderHosts?.includes(index) !== true,
      });
      host.onPacket = (packet) => this.#arrived(host, packet);
      return host;
    });
    const edges = typeof options.edges === 'function' ? options.edges(this.random) : options.edges;
    this.cables = edges.map(([from, to], number) => {
      const latency = this.random.between(latencyMs[0], latencyMs[1]);
      const [dialler, acceptor, random] = [this.host(from), this.host(to), this.random.fork()];
      const ends = { dialler, acceptor, number, latencyMs: latency };
      const weather = options.radios?.numbers.includes(number) === true ? options.radios.weather : options.datagrams;
      const cable =
        weather === undefined
          ? new Cable(dialler, acceptor, latency, this.#schedule, random)
          : new DatagramCable(ends, weather, this.#schedule, random);
      cable.dialler.cables.push(cable);
      cable.acceptor.cables.push(cable);
      return cable;
    });
    for (const host of this.hosts) this.at(this.random.between(0, 1_000), () => host.start());
  }

  get nowMs(): number {
    return this.#schedule.nowMs;
  }

  get up(): Host[] {
    return this.hosts.filter((host) => host.isUp);
  }

  host(index: number): Host {
    const host = this.hosts[index];
    assert.ok(host, `there is no host ${index}`);
    return host;
  }

  at(timeMs: number, act: () => void): void {
    this.#schedule.at(timeMs, act);
  }

  run(ms: number): void {
    this.#schedule.runTo(this.nowMs + ms);
  }

  /** Asks every 100 ms; fails when the answer is not yes within the limit. Returns the virtual time it took. */
  runUntil(what: string, limitMs: number, isDone: () => boolean): number {
    const startMs = this.nowMs;
    while (!isDone()) {
      assert.ok(this.nowMs - startMs < limitMs, `${what}: not within ${limitMs} virtual ms`);
      this.run(100);
    }
    return this.nowMs - startMs;
  }

  /** One IPv6 packet from host to host; nobody answers it. */
  send(from: Host, to: Host, size = 100): Sent {
    const packet = new Uint8Array(Math.max(size, PACKET_MIN));
    const view = new DataView(packet.buffer);
    view.setUint32(0, 0x6000_0000);
    view.setUint16(4, packet.length - IPV6_HEADER);
    packet.set([NEXT_NONE, 64], 6);
    packet.set(from.address, IPV6_SOURCE);
    packet.set(to.address, IPV6_DEST);
    view.setUint32(ID_AT, this.#sent.length);
    packet.fill(this.#sent.length & 0xff, PACKET_MIN);
    const sent: Sent = { from, to, packet, sentMs: this.nowMs, arrivedMs: undefined };
    this.#sent.push(sent);
    from.sendPackets([packet]);
    return sent;
  }

  #arrived(host: Host, packet: Uint8Array): void {
    if (packet[6] !== NEXT_NONE) return answerEcho(host, packet, this.#schedule);
    const id = new DataView(packet.buffer, packet.byteOffset).getUint32(ID_AT);
    const sent = this.#sent[id];
    assert.ok(sent, 'what arrives was sent');
    assert.equal(host.index, sent.to.index, 'a packet arrives where it was sent');
    assert.deepEqual(packet, sent.packet, 'a packet arrives as it was sent');
    assert.equal(sent.arrivedMs, undefined, 'a packet arrives once');
    sent.arrivedMs = this.nowMs;
  }
}

function keyOf(seed: Uint8Array): Uint8Array {
  return crypto.ed25519Signer(seed).publicKey;
}

/** The kernel behind the TUN. */
function answerEcho(host: Host, packet: Uint8Array, schedule: Schedule): void {
  const echo = readEcho(packet);
  if (echo === undefined || echo.isReply) return;
  const source = packet.slice(IPV6_SOURCE, IPV6_DEST);
  const reply = writeEcho(host.address, source, { ...echo, isReply: true });
  schedule.after(0, () => {
    if (host.isUp) host.sendPackets([reply]);
  });
}
