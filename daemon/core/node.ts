/** A node: links, routing, sessions and packets composed into one value machine. `port.ts` is its contract. */
import { isHopMessage } from '../wire/hop.ts';
import { pathPorts } from '../wire/path.ts';
import { APP } from '../wire/query.ts';
import { AnswerBudget } from './answer-budget.ts';
import { Context } from './context.ts';
import type { WhyFacts, WhyTarget } from './explain/facts.ts';
import { whyFacts } from './explain/gather.ts';
import { Hops } from './hops.ts';
import { Ingress } from './ingress.ts';
import { DATAGRAM_LINKS_FROM, INGRESS_HOLD_MS, INGRESS_LINK_BYTES, MAINTENANCE_MS } from './limits.ts';
import { Datagrams } from './link/datagram/datagrams.ts';
import { Links } from './link/links.ts';
import type { Pipe } from './link/pipe.ts';
import { Packets } from './packets.ts';
import type {
  AirRecord,
  CloseReason,
  Coords,
  Input,
  LinkId,
  LinkInfo,
  Look,
  NodeOptions,
  PacketBatch,
  PathInfo,
  PublicKey,
  RadioInfo,
  SelfInfo,
  SessionInfo,
  Sink,
  Sizes,
  StatsInfo,
  TreeInfo,
} from './port.ts';
import { publicKey } from './port.ts';
import { Queries } from './queries.ts';
import { Ranking } from './ranking.ts';
import { radioRoundTripMs } from './routing/decision.ts';
import type { LookupSeen } from './routing/lookup-log.ts';
import type { Path } from './routing/paths.ts';
import type { PeerLink } from './routing/peers.ts';
import { Router } from './routing/router.ts';
import type { Info as TreeEntry } from './routing/tree.ts';
import { Channels } from './session/channels.ts';
import { E2ePeer } from './session/e2e-peer.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class Node {
  readonly #context: Context;
  readonly #links: Links;
  readonly #datagrams: Datagrams;
  readonly #router: Router;
  readonly #channels: Channels;
  readonly #packets: Packets;
  readonly #queries: Queries;
  readonly #budget: AnswerBudget;
  readonly #hops: Hops;
  readonly #ingress: Ingress;
  readonly #ranking = new Ranking<PeerLink>(({ pipe }) => pipe.bytesReceived + pipe.bytesSent);
  /** What waits in `#ingress` goes on by then, whatever links hold. */
  #releaseAtMs = NEVER;
  #expireAtMs = 0;

  constructor(options: NodeOptions) {
    const context = new Context(options);
    this.#context = context;
    this.#packets = new Packets(context, {
      send: (dest, buffer, at, length) => this.#channels.send(dest, buffer, at, length),
      sendSuperPacket: (dest, buffer, at, length) => this.#channels.sendSuperPacket(dest, buffer, at, length),
      lookup: (partial) => this.#router.paths.lookup(partial),
      refusalMs: (dest, size) => this.#router.refusalMs(dest, size, this.#channels.isOrdered(dest)),
      settle: () => this.#channels.settle(),
    });
    this.#router = new Router(context, {
      payload: (buffer, sourceAt, at, end) => this.#channels.received(buffer, sourceAt, at, end),
      found: (key) => this.#packets.found(key),
      settle: () => this.#channels.settle(),
    });
    this.#channels = new Channels(context, this.#router, {
      packet: (channel, buffer, at, end) => {
        if (at < end && buffer[at] === APP.ipv6) this.#packets.incoming(channel, buffer, at + 1, end);
        else if (isHopMessage(buffer, at, end) && channel instanceof E2ePeer) {
          this.#hops.received(channel.key, buffer.subarray(at, end));
        } else this.#queries.received(channel.key, buffer.subarray(at, end));
      },
      superPacket: (channel, buffer, at, end) => this.#packets.superIncoming(channel, buffer, at, end),
    });
    this.#budget = new AnswerBudget(context);
    this.#hops = new Hops(context, this.#budget, {
      send: (dest, buffer, at, length) => this.#channels.sendE2e(dest, buffer, at, length),
      coordsOf: (key) => this.#router.placeOf(key),
      roundTripMs: (key) => this.roundTripMs(key),
      onward: (dest, path, watermark) => this.#router.onward(dest, path, watermark),
    });
    this.#queries = new Queries(context, this.#budget, {
      send: (dest, buffer, at, length) => this.#channels.send(dest, buffer, at, length),
      roundTripMs: (key) => this.roundTripMs(key),
      routingEntries: () => this.#router.tree.size,
      peerKeys: () => [...this.#router.peers.links()].filter((link) => link.isProven).map((link) => link.peer.key),
      treeKeys: () => [...this.#router.tree.values()].map((info) => info.key),
    });
    this.#ingress = new Ingress(context);
    this.#links = new Links(context, this.#router);
    this.#datagrams = new Datagrams(context, this.#router);
  }

  get key(): Uint8Array {
    return this.#context.key;
  }

  /** Octets of the largest packet that it takes. */
  get mtu(): number {
    return this.#context.options.mtu;
  }

  handle(input: Input, nowMs: number): void {
    this.#context.nowMs = nowMs;
    const lateMs = nowMs - this.#context.timers.nextMs;
    this.#apply(input);
    if (this.#context.timers.isDue(nowMs)) this.#timer(nowMs, lateMs);
    this.#router.look();
    this.#channels.settle();
  }

  /** Hands out everything that `handle` left; call it after each `handle`. */
  drain(sink: Sink): void {
    const { deliveries } = this.#packets;
    if (deliveries.count > 0) {
      this.#context.stats.count('tunWrites');
      this.#context.stats.count('tunDelivered', deliveries.count);
      sink.deliver(deliveries);
      deliveries.buffers.length = 0;
      deliveries.count = 0;
    }
    do {
      while (this.#links.hasOutput || this.#datagrams.hasOutput) {
        this.#links.drain(sink);
        this.#datagrams.drain(sink);
      }
    } while (this.#release());
    this.#context.ledgers.tell(this.#context);
    for (const event of this.#context.events.splice(0)) sink.event(event);
    this.#context.pool.settle();
  }

  /** When the next `timer` input is wanted, in monotonic milliseconds. */
  deadline(): number {
    return this.#context.timers.nextMs;
  }

  self(): SelfInfo {
    const { key, address, subnet } = this.#context;
    return {
      key,
      address,
      subnet,
      root: this.#router.tree.rootOf(key),
      parent: this.#router.parent,
      coords: pathPorts(this.#router.coords),
      routingEntries: this.#router.tree.size,
    };
  }

  /** All links, those without a peer yet included. */
  links(): LinkInfo[] {
    return [...this.#greeting(), ...this.#linkInfos([...this.#router.peers.links()])];
  }

  /** The busiest of the links, at most so many; those of the configuration and those without a peer yet. */
  busiestLinks(most: number): Look<LinkInfo> {
    const links = [...this.#router.peers.links()];
    const greeting = this.#greeting();
    const chosen = new Set(this.#ranking.busiest(links, most, this.#context.nowMs));
    for (const link of links) if (link.pipe.facts.isConfigured) chosen.add(link);
    return { rows: [...greeting, ...this.#linkInfos([...chosen])], total: greeting.length + links.length };
  }

  tree(): TreeInfo[] {
    return [...this.#router.tree.values()].map(treeInfo);
  }

  /** At most so many, the node's own way to the root among them. */
  nearestTree(most: number): Look<TreeInfo> {
    const { tree } = this.#router;
    const chosen = new Set(tree.ancestry(this.#context.key).infos);
    for (const info of tree.values()) {
      if (chosen.size >= most) break;
      chosen.add(info);
    }
    return { rows: [...chosen].slice(0, most).map(treeInfo), total: tree.size };
  }

  paths(): PathInfo[] {
    return [...this.#router.paths.values()].map(pathInfo);
  }

  /** Those of the busiest sessions first. */
  busiestPaths(most: number): Look<PathInfo> {
    const { paths } = this.#router;
    const chosen = new Set<Path>();
    for (const { key } of paths.size > most ? this.#channels.busiest(most).rows : []) {
      const path = paths.get(key);
      if (path !== undefined) chosen.add(path);
    }
    for (const path of paths.values()) {
      if (chosen.size >= most) break;
      chosen.add(path);
    }
    return { rows: [...chosen].map(pathInfo), total: paths.size };
  }

  sessions(): SessionInfo[] {
    return this.#channels.snapshot();
  }

  busiestSessions(most: number): Look<SessionInfo> {
    return this.#channels.busiest(most);
  }

  /** The way to a node as it would be taken now. */
  why(target: WhyTarget): WhyFacts {
    const { contacts } = this.#packets;
    const parts = { context: this.#context, router: this.#router, channels: this.#channels, ingress: this.#ingress };
    return whyFacts({ ...parts, contacts }, target);
  }

  lookups(): LookupSeen[] | undefined {
    return this.#router.paths.log.rows();
  }

  /** To a node, as far as that is known: of its session, or of the radio on the way, whichever is longer. */
  roundTripMs(key: PublicKey): number {
    return Math.max(this.#channels.roundTripMs(key), radioRoundTripMs(this.#router.decide(key)));
  }

  /** Coordinates of a node, if they are known. */
  place(key: PublicKey): Coords | undefined {
    return this.#router.placeOf(key);
  }

  stats(): StatsInfo {
    return this.#context.stats.snapshot();
  }

  radios(): RadioInfo[] {
    return this.#datagrams.radios();
  }

  /** What radios have sent, to be remembered when nothing more will be: `airUsed` events say more than that. */
  airRecords(): AirRecord[] {
    return this.#context.ledgers.records(this.#context.nowMs);
  }

  sizes(): Sizes {
    let links = 0;
    for (const _ of this.#router.peers.links()) links++;
    return {
      links,
      sessions: this.#channels.sizes(),
      tables: { tree: this.#router.tree.size, paths: this.#router.paths.size },
      queuedBytes: { tun: this.#ingress.bytes, links: this.queuedBytes() },
    };
  }

  /** Ends a link that the shell wants no more; it leaves at the next drain. */
  closeLink(link: LinkId, reason: CloseReason, detail: string): void {
    if (link >= DATAGRAM_LINKS_FROM) this.#datagrams.close(link, reason, detail);
    else this.#links.close(link, reason, detail);
  }

  /** Octets waiting for links that the system does not take at present. */
  queuedBytes(): number {
    let bytes = 0;
    for (const link of this.#router.peers.links()) bytes += link.pipe.queuedBytes;
    return bytes;
  }

  #greeting(): LinkInfo[] {
    return [...this.#links.greeting()].map((link) => infoOf(link, undefined, this.#context.nowMs));
  }

  #linkInfos(links: readonly PeerLink[]): LinkInfo[] {
    return links.map((link) => infoOf(link.pipe, link, this.#context.nowMs));
  }

  #apply(input: Input): void {
    switch (input.kind) {
      case 'linkBytes':
        return this.#links.received(input.link, input.bytes);
      case 'packets':
        this.#context.stats.count('tunReads');
        this.#context.stats.count('tunPackets', input.batch.count);
        // What links hold was left by the last drain.
        if (this.#ingress.isEmpty && this.queuedBytes() < INGRESS_LINK_BYTES) {
          this.#packets.outgoing(input.batch);
        } else {
          this.#ingress.push(input.batch);
          this.#ingress.pass(this.#seal);
        }
        return;
      case 'linkWritable':
        return this.#links.writable(input.link);
      case 'linkOpened':
        return this.#links.opened(input.link, input.facts);
      case 'linkClosed':
        return this.#links.closed(input.link);
      case 'wallClock':
        this.#context.setWallClock(input.unixMs);
        this.#context.ledgers.begin(this.#context.nowMs);
        // The first clock starts the node: its first round is due.
        return this.#context.timers.arm(this.#context.nowMs);
      case 'probeLinks':
        this.#links.probed();
        this.#datagrams.probe();
        return this.#router.peers.probe();
      case 'echo':
        return this.#packets.echo(input.target, input.sequence, input.size);
      case 'reconfigured':
        return this.#reconfigure(input.allowedKeys, input.nodeInfo);
      case 'query':
        return this.#queries.ask(input.key, input.topic);
      case 'askHop':
        return this.#hops.ask(input.request);
      case 'locate':
        return this.#router.placeOf(input.key) === undefined ? this.#router.paths.lookup(input.key) : undefined;
      case 'timer':
        return;
      case 'datagrams':
        this.#context.stats.count('datagramReads');
        this.#context.stats.count('datagramsRead', input.batch.count);
        return this.#datagrams.received(input.socket, input.batch);
      case 'socketWritable':
        return this.#datagrams.writable(input.socket);
      case 'socketOpened':
        return this.#datagrams.socketOpened(input.socket, input.facts);
      case 'socketPsk':
        return this.#datagrams.socketPsk(input.socket, input.psk);
      case 'socketClosing':
        return this.#datagrams.socketClosing(input.socket, input.reason);
      case 'socketClosed':
        return this.#datagrams.socketClosed(input.socket);
      case 'airReport':
        return this.#datagrams.reported(input.socket, input.report);
      case 'dial':
        return this.#datagrams.dial(input.dial, input.socket, input.address, input.facts);
      case 'dialCancelled':
        return this.#datagrams.dialCancelled(input.dial);
      default:
        return input satisfies never;
    }
  }

  #reconfigure(allowedKeys: readonly PublicKey[], nodeInfo: Uint8Array): void {
    this.#context.allowedKeys = allowedKeys;
    this.#context.nodeInfo = nodeInfo;
    for (const { pipe } of [...this.#router.peers.links()]) {
      const { isInbound, isConfigured, isExemptFromAllowList } = pipe.facts;
      if (!isInbound || isConfigured || isExemptFromAllowList || this.#context.isAllowed(pipe.key)) continue;
      this.closeLink(pipe.id, 'key not allowed', 'the key is no longer in AllowedPublicKeys');
    }
  }

  /** Seals some of what waits if links have room. False: they have none, or nothing waits. */
  #release(): boolean {
    if (this.#ingress.isEmpty || (this.queuedBytes() >= INGRESS_LINK_BYTES && this.#mayHold())) return false;
    this.#releaseAtMs = NEVER;
    this.#ingress.release(this.#seal);
    this.#channels.settle();
    return true;
  }

  /** What waits may wait on: as long as it takes where every link is busy, otherwise for a moment. */
  #mayHold(): boolean {
    const { nowMs, timers } = this.#context;
    if (nowMs >= this.#releaseAtMs) return false;
    for (const link of this.#router.peers.links()) {
      if (!link.isEligible || link.pipe.queuedBytes > 0) continue;
      if (this.#releaseAtMs === NEVER) this.#releaseAtMs = nowMs + INGRESS_HOLD_MS;
      timers.arm(this.#releaseAtMs);
      return true;
    }
    this.#releaseAtMs = NEVER;
    return true;
  }

  readonly #seal = (batch: PacketBatch): void => this.#packets.outgoing(batch);

  #timer(nowMs: number, lateMs: number): void {
    this.#router.timer(nowMs);
    this.#links.timer(nowMs);
    this.#datagrams.timer(nowMs, lateMs);
    this.#budget.timer(nowMs);
    this.#queries.timer(nowMs);
    this.#hops.timer(nowMs);
    this.#channels.timer(nowMs);
    if (nowMs >= this.#expireAtMs) {
      this.#expireAtMs = nowMs + MAINTENANCE_MS;
      this.#channels.expire();
      this.#packets.contacts.expire();
    }
    this.#context.timers.arm(this.#expireAtMs);
  }
}

function infoOf(link: Pipe, peerLink: PeerLink | undefined, nowMs: number): LinkInfo {
  const { full, late } = link.queueFacts();
  return {
    link: link.id,
    uri: link.uri,
    isInbound: link.facts.isInbound,
    isConfigured: link.facts.isConfigured,
    isDiscovered: link.facts.isExemptFromAllowList,
    key: peerLink?.peer.key,
    isBound: link.facts.boundKey !== undefined,
    port: peerLink?.peer.port ?? 0,
    priority: link.priority,
    cost: peerLink?.cost ?? 0,
    rttMs: peerLink?.rttMs ?? 0,
    upMs: nowMs - link.upSinceMs,
    bytesReceived: link.bytesReceived,
    bytesSent: link.bytesSent,
    queuedBytes: link.queuedBytes,
    lostPackets: full + late,
    lossShare: link.lossShare,
  };
}

function treeInfo({ key, parent, seq }: TreeEntry): TreeInfo {
  return { key: publicKey(key), parent: publicKey(parent), seq };
}

function pathInfo({ key, coords, seq }: Path): PathInfo {
  return { key, ports: pathPorts(coords), seq };
}
