/** The routing layer as one: frames in from links, payloads in from sessions, frames out to links. */
import { readAnnounce } from '../../wire/announce.ts';
import { Writer } from '../../wire/cursor.ts';
import { isE2e, isRecord } from '../../wire/e2e.ts';
import { readFilter } from '../../wire/filter.ts';
import { encodeFrame, FRAME } from '../../wire/frame.ts';
import {
  type PathBroken,
  type PathNotify,
  readPathBroken,
  readPathLookup,
  readPathNotify,
  WATERMARK_FRESH,
  writePathBroken,
  writePathNotify,
} from '../../wire/lookup.ts';
import { hopCount } from '../../wire/path.ts';
import { THIN, writeCard } from '../../wire/thin.ts';
import {
  lowerWatermark,
  readTraffic,
  type TrafficView,
  trafficHeadSize,
  trafficView,
  writeTrafficHead,
} from '../../wire/traffic.ts';
import type { Context } from '../context.ts';
import type { Onward } from '../hops.ts';
import {
  ANNOUNCES_DEFERRED,
  HOPS_MAX,
  LOOK_AGAIN_MS,
  LOOKS,
  MAINTENANCE_MS,
  PAYLOAD_MAX,
  SMALL_PAYLOAD,
} from '../limits.ts';
import type { Pipe, PipeUser } from '../link/pipe.ts';
import { equalAt, equalOctets, hashOctets } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import type { CloseReason, Coords, PublicKey } from '../port.ts';
import { Blooms, NO_ITEMS } from './blooms.ts';
import { type Decision, decisionOf } from './decision.ts';
import { Forwarder, preferredLink } from './forward.ts';
import { type Path, Paths } from './paths.ts';
import { isSlowPeer, type Peer, type PeerLink, Peers, tellThinly } from './peers.ts';
import { Spanning } from './spanning.ts';
import { Tree } from './tree.ts';

/** Small records of a pair of keys are a flow of their own: no voice waits behind its own hosts' bulk. */
const SMALL_FLOW = 0x2545_f491;

/** The layer above: sessions. */
export type RouterUser = {
  /** Payload `buffer[at..end)` from the claimed source at `sourceAt`; it may be overwritten. */
  payload(buffer: Uint8Array, sourceAt: number, at: number, end: number): void;
  /** It has been learned where this key is. */
  found(key: PublicKey): void;
  /** Everything handed over must be used up now. */
  settle(): void;
};

export class Router implements PipeUser {
  readonly peers: Peers;
  readonly tree: Tree;
  readonly paths: Paths;
  /** Where `begin` wants the payload. */
  target: Uint8Array = new Uint8Array(0);
  targetAt = 0;
  /** What `begin` was told of leaves through a radio of ours. */
  isOverRadio = false;
  /** The port of the peer that the payload being handled came from. */
  arrivalPort = 0;
  readonly #context: Context;
  readonly #user: RouterUser;
  readonly #spanning: Spanning;
  readonly #blooms: Blooms;
  readonly #forwarder: Forwarder;
  readonly #view: TrafficView = trafficView();
  readonly #ownHash: number;
  readonly #looks: Bucket;
  #roundAtMs = 0;
  #isStarted = false;
  /** Something has changed since the last look or round. */
  #isStirred = false;

  constructor(context: Context, user: RouterUser) {
    this.#context = context;
    this.#user = user;
    this.peers = new Peers(context);
    this.tree = new Tree(context);
    this.#spanning = new Spanning(context, this.peers, this.tree);
    this.#blooms = new Blooms(context, this.peers, this.tree);
    this.#forwarder = new Forwarder(this.tree, this.peers, context.key);
    this.#ownHash = this.#hash(context.key);
    this.#looks = new Bucket(LOOKS, context.nowMs);
    this.paths = new Paths(context, this.#blooms, {
      coords: () => this.#forwarder.coords,
      coordsOf: (peer) => this.tree.coords(peer.key),
      route: (notify) => this.#route(notify, FRAME.pathNotify, (writer) => writePathNotify(writer, notify)),
      found: (key) => user.found(key),
      isSlow: (coords) => this.#forwarder.nextHop(coords, 0xffff_ffff, 0xffff_ffff)?.isSlow === true,
      neighbour: (target) => this.peers.slowNeighbour(target),
      resend: (path, payload) => this.#resend(path, payload),
      mayVerifyNotify: () => this.#spanning.mayVerifyNotify(),
    });
  }

  get parent(): PublicKey {
    return this.#spanning.parent;
  }

  get coords(): Coords {
    return this.#forwarder.coords;
  }

  /** The first round makes us a root; then one a second. */
  timer(nowMs: number): void {
    if (!this.#isStarted || nowMs >= this.#roundAtMs) {
      this.#roundAtMs = nowMs + MAINTENANCE_MS;
      this.#isStarted = true;
      this.#round();
    }
    this.#context.timers.arm(this.#roundAtMs);
    for (const link of [...this.peers.links()]) {
      if (link.isProven) continue;
      if (nowMs >= link.provenByMs) link.pipe.close('peer unproven', 'the other side did not sign our request');
      else this.#context.timers.arm(link.provenByMs);
    }
  }

  /** After each input: acts on what it has changed, or leaves that for a little later. */
  look(): void {
    if (!this.#isStirred || !this.#isStarted) return;
    const { nowMs, timers, stats } = this.#context;
    if (!this.#looks.take(nowMs)) return timers.arm(nowMs + LOOK_AGAIN_MS);
    this.#isStirred = false;
    stats.count('looks');
    this.#spanning.look();
    this.#giveCard(this.#spanning.thin.cardDue());
    for (const peer of this.#blooms.look()) this.paths.rumours.filterChanged(peer, NO_ITEMS);
  }

  /**
   * Makes room for a payload of `size` octets to `dest` at `target`, `targetAt`; the caller fills it before the node is
   * drained. Without a path the payload waits for a lookup. False: dropped, nothing is to be filled. `isRecord`: its kind of
   * session minds no other order, so that a small one may pass by large ones; others keep theirs.
   */
  begin(dest: PublicKey, size: number, isRecord = false): boolean {
    if (size > PAYLOAD_MAX) {
      this.#context.stats.drop('payload too large');
      return false;
    }
    const path = this.paths.get(dest);
    if (path !== undefined) return this.#beginOn(path, size, isRecord);
    if (this.#beginAtNeighbour(dest, size, isRecord)) return true;
    const kept = this.paths.lookupWith(dest, size);
    if (kept === undefined) return false;
    this.target = kept;
    this.targetAt = 0;
    this.isOverRadio = false;
    return true;
  }

  /** As `refusalMs` of `Pipe`, for what is sent to a key whose path is known. */
  refusalMs(dest: PublicKey, size: number, isOrdered: boolean): number | undefined {
    const path = this.paths.get(dest);
    if (path === undefined) return undefined;
    return this.#hopTo(path.coords, dest, path.hash)?.pipe.refusalMs?.(size, isOrdered);
  }

  /** The cost of the radio of ours, in ms, that a packet to this key leaves by; undefined: it is none, or nobody knows. */
  slowMs(dest: PublicKey): number | undefined {
    const { chosen } = this.#choice(dest, this.#hash(dest));
    return chosen?.isSlow === true ? chosen.cost : undefined;
  }

  /** How a packet to this key would leave now: the link that `begin` would take, and why none of the others. */
  decide(dest: PublicKey | undefined): Decision {
    if (dest === undefined) return decisionOf(this.#forwarder, this.peers, undefined, undefined, []);
    const hash = this.#hash(dest);
    const { coords, chosen } = this.#choice(dest, hash);
    return decisionOf(this.#forwarder, this.peers, coords, chosen, this.peers.get(hash, dest)?.links ?? []);
  }

  /** Where a key is, as far as it need not be looked for, and the link that leads there. */
  #choice(dest: PublicKey, hash: number): { coords: Coords | undefined; chosen: PeerLink | undefined } {
    const direct = this.peers.get(hash, dest);
    const isNear = direct !== undefined && isSlowPeer(direct) && preferredLink(direct) !== undefined;
    const coords = this.paths.get(dest)?.coords ?? (isNear ? this.tree.coords(dest) : undefined);
    return { coords, chosen: coords === undefined ? undefined : this.#hopTo(coords, dest, hash) };
  }

  /** Where a packet to this key and place would go on from here, had it come with this watermark. */
  onward(dest: Uint8Array, path: Uint8Array, watermark: number): Onward {
    const hop = this.#forwarder.hopTo(path, 0, watermark, dest, 0, this.#hash(dest));
    return { hop: hop?.peer.key, distance: this.#forwarder.distance };
  }

  /** Where a node is, as far as that is known without asking. */
  placeOf(key: PublicKey): Coords | undefined {
    if (equalOctets(key, this.#context.key)) return this.coords;
    const path = this.paths.get(key);
    if (path !== undefined) return path.coords;
    return this.tree.ancestry(key).isRooted ? this.tree.coords(key) : undefined;
  }

  /** As `begin`, without a lookup: where no path is known, back the way that the payload being handled has come. */
  beginBack(dest: PublicKey, size: number): boolean {
    const path = this.paths.get(dest);
    if (path !== undefined) return this.#beginOn(path, size, true);
    return this.#beginTo(this.#view.from as Coords, dest, this.#hash(dest), size, true) !== undefined;
  }

  // From the links

  opened(pipe: Pipe): CloseReason | undefined {
    const link = this.peers.add(pipe, this.#spanning.newRequest, this.#hash(pipe.key));
    if (typeof link === 'string') return link;
    this.#context.events.push({ kind: 'linkUp', link: pipe.id, key: pipe.key });
    // Its handshake has proven the key, and a signature is asked for only when it is of use.
    if (link.isSlow) this.#proven(link);
    return undefined;
  }

  gone(pipe: Pipe): void {
    const removed = this.peers.remove(pipe);
    if (removed === undefined) return;
    this.#isStirred = true;
    const { peer, isLast } = removed;
    this.#spanning.gone(peer, isLast);
    if (!isLast) this.#blooms.repeat(peer);
    else if (peer.isUp) this.#context.events.push({ kind: 'peerDown', key: peer.key, port: peer.port });
  }

  settle(): void {
    this.#user.settle();
  }

  frame(pipe: Pipe, type: number, buffer: Uint8Array, start: number, end: number): void {
    const link = this.peers.link(pipe.id);
    if (link === undefined) return;
    this.#context.stats.count('framesReceived');
    const reason =
      type === FRAME.traffic
        ? this.#traffic(link, buffer, start, end)
        : this.#control(link, type, buffer.subarray(start, end));
    if (reason !== undefined) pipe.close(reason, `frame of type ${type}`);
  }

  #control(link: PeerLink, type: number, body: Uint8Array): CloseReason | undefined {
    const isThin = type >= THIN.stance && type <= THIN.card && link.pipe.isThin === true;
    const mayWait = type === FRAME.announce || type === FRAME.bloomFilter || isThin;
    if (mayWait && !link.isProven) return this.#keepEarly(link, type, body);
    switch (type) {
      case FRAME.sigReq:
        return this.#spanning.sigReqReceived(link, body);
      case FRAME.sigRes: {
        const result = this.#spanning.sigResReceived(link, body);
        if (this.#spanning.awaits(link.peer)) this.#isStirred = true;
        return result === 'proven' ? this.#proven(link) : result;
      }
      case FRAME.announce:
        this.#isStirred = true;
        return this.#spanning.announceReceived(link.peer, body);
      case FRAME.bloomFilter: {
        const before = link.peer.recvFilter;
        this.#isStirred = true;
        if (!this.#blooms.received(link, body)) return 'filter malformed';
        this.paths.rumours.filterChanged(link.peer, before);
        return undefined;
      }
      case FRAME.pathLookup: {
        const lookup = readPathLookup(body);
        if (lookup === undefined) return 'frame malformed';
        if (this.#isAcceptable(link, lookup.from)) this.paths.lookupReceived(link, lookup);
        return undefined;
      }
      case FRAME.pathNotify: {
        const notify = readPathNotify(body);
        if (notify === undefined) return 'frame malformed';
        if (!this.#isAcceptable(link, notify.path) || !this.#isAcceptable(link, notify.info.path)) return undefined;
        if (link.isSlow) this.paths.answered(link.peer, notify);
        const isRouted = this.#route(notify, type, (writer) => writePathNotify(writer, notify));
        if (!isRouted) this.paths.notifyReceived(notify);
        return undefined;
      }
      case FRAME.pathBroken: {
        const broken = readPathBroken(body);
        if (broken === undefined) return 'frame malformed';
        if (!this.#isAcceptable(link, broken.path)) return undefined;
        this.paths.distrust(this.peers.proven, broken.dest);
        const isRouted = this.#route(broken, type, (writer) => writePathBroken(writer, broken));
        if (!isRouted) this.paths.brokenReceived(broken);
        return undefined;
      }
      case THIN.stance:
      case THIN.place:
      case THIN.forget:
      case THIN.card: {
        this.#isStirred = true;
        const { thin } = this.#spanning;
        const reason = thin.received(link.peer, type, body);
        if (reason === undefined && type === THIN.place && !thin.isSigned) this.#giveCard(link.peer);
        return reason;
      }
      default:
        return 'frame type unknown';
    }
  }

  #isAcceptable(link: PeerLink, path: Uint8Array): boolean {
    if (!link.isProven) this.#context.stats.drop('link unproven');
    else if (hopCount(path) > HOPS_MAX) this.#context.stats.drop('path too deep');
    else return true;
    return false;
  }

  /** What an unproven link says waits for the proof: it may be another's, and must not touch what is the peer's. */
  #keepEarly(link: PeerLink, type: number, body: Uint8Array): CloseReason | undefined {
    const isFilter = type === FRAME.bloomFilter;
    if (isFilter && readFilter(body) === undefined) return 'filter malformed';
    if (type === FRAME.announce && readAnnounce(body) === undefined) return 'frame malformed';
    const before = isFilter ? link.early.findIndex((frame) => frame.type === type) : -1;
    if (before >= 0) link.early.splice(before, 1);
    if (link.early.length >= ANNOUNCES_DEFERRED) return 'announce flood';
    link.early.push({ type, body: body.slice() });
    return undefined;
  }

  #proven(link: PeerLink): CloseReason | undefined {
    this.peers.prove(link);
    this.#isStirred = true;
    if (!link.peer.isUp) link.peer.upSinceMs = this.#context.nowMs;
    this.#blooms.greet(link);
    this.#spanning.greet(link);
    if (!link.peer.isUp) this.#context.events.push({ kind: 'peerUp', key: link.peer.key, port: link.peer.port });
    link.peer.isUp = true;
    for (const { type, body } of link.early.splice(0)) {
      const reason = this.#control(link, type, body);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  #traffic(link: PeerLink, buffer: Uint8Array, start: number, end: number): CloseReason | undefined {
    const view = this.#view;
    if (!readTraffic(buffer, start, end, view)) return 'frame malformed';
    const { stats, key } = this.#context;
    if (!link.isProven) {
      stats.drop('link unproven');
      return undefined;
    }
    if (equalAt(key, buffer, view.destAt, 32)) {
      this.paths.heardFrom(buffer, view.sourceAt);
      this.arrivalPort = link.peer.port;
      this.#user.payload(buffer, view.sourceAt, view.payloadAt, view.end);
      return undefined;
    }
    if (hopCount(view.path) > HOPS_MAX || hopCount(view.from) > HOPS_MAX) {
      stats.drop('path too deep');
      return undefined;
    }
    const { path, watermarkHigh, watermarkLow, destAt } = view;
    const destHash = hashOctets(buffer, destAt, 32, this.#context.hashSeed);
    const hop = this.#forwarder.hopTo(path, watermarkHigh, watermarkLow, view.buffer, destAt, destHash);
    if (hop === undefined) this.#reportBroken(view);
    else this.#forward(hop, view, start, destHash);
    return undefined;
  }

  #forward(hop: PeerLink, view: TrafficView, start: number, destHash: number): void {
    const { buffer } = view;
    const type = buffer[view.payloadAt] as number;
    const isOrdered = !isE2e(type);
    const isSmall = isRecord(type) && view.end - view.payloadAt <= SMALL_PAYLOAD;
    const source = hashOctets(buffer, view.sourceAt, 32, this.#context.hashSeed) ^ (isSmall ? SMALL_FLOW : 0);
    const bodyStart = lowerWatermark(view, start, this.#forwarder.distance);
    const length = 1 + view.end - bodyStart;
    const prefix = length < 0x80 ? 1 : length < 0x4000 ? 2 : 3;
    if (hop.pipe.refusalMs?.(prefix + length, isOrdered) !== undefined)
      return this.#context.stats.drop('air time used up');
    hop.pipe.reserve(prefix + length, destHash, source, false, isOrdered);
    const { target, targetAt } = hop.pipe;
    new Writer(target, targetAt).uvarint(length).u8(FRAME.traffic);
    target.set(buffer.subarray(bodyStart, view.end), targetAt + prefix + 1);
    this.#context.stats.count('framesForwarded');
  }

  #reportBroken(view: TrafficView): void {
    this.#context.stats.drop('no next hop');
    const broken: PathBroken = {
      path: view.from.slice(),
      watermark: WATERMARK_FRESH,
      source: view.buffer.slice(view.sourceAt, view.sourceAt + 32),
      dest: view.buffer.slice(view.destAt, view.destAt + 32),
    };
    if (this.#route(broken, FRAME.pathBroken, (writer) => writePathBroken(writer, broken))) {
      this.#context.stats.count('brokenSent');
    }
  }

  /** Sends a routed message on its way, with its new watermark. False: it has no next hop. */
  #route(message: PathBroken | PathNotify, type: number, write: (writer: Writer) => void): boolean {
    const { watermark } = message;
    const high = Number(watermark >> 32n);
    const hop = this.#forwarder.nextHop(message.path, high, Number(watermark & 0xffff_ffffn));
    if (hop === undefined) return false;
    message.watermark = BigInt(this.#forwarder.distance);
    const frame = encodeFrame(type, write);
    hop.pipe.reserve(frame.length, this.#hash(message.dest), this.#hash(message.source), true);
    hop.pipe.target.set(frame, hop.pipe.targetAt);
    return true;
  }

  #beginOn(path: Path, size: number, isRecord: boolean): boolean {
    if (this.#context.nowMs >= path.doubtAtMs) this.paths.doubt(path);
    const hop = this.#beginTo(path.coords, path.key, path.hash, size, isRecord);
    if (hop === undefined) {
      this.paths.broke(path);
      return false;
    }
    if (hop.peer !== path.hop) this.paths.news.left(path, hop.peer);
    return true;
  }

  /** Who is behind our own radio is sent to without asking where it is. */
  #beginAtNeighbour(dest: PublicKey, size: number, isRecord: boolean): boolean {
    const hash = this.#hash(dest);
    const peer = this.peers.get(hash, dest);
    if (peer === undefined || !isSlowPeer(peer) || preferredLink(peer) === undefined) return false;
    return this.#beginTo(this.tree.coords(peer.key), dest, hash, size, isRecord) !== undefined;
  }

  /** A parent over radio need not ask us where we are. */
  #giveCard(parent: Peer | undefined): void {
    if (parent === undefined) return;
    const card = encodeFrame(THIN.card, (writer) => writeCard(writer, this.paths.signedPlace()));
    tellThinly(parent, THIN.card, card);
  }

  #beginTo(coords: Coords, dest: PublicKey, destHash: number, size: number, isRecord: boolean): PeerLink | undefined {
    const hop = this.#hopTo(coords, dest, destHash);
    if (hop === undefined) {
      this.#context.stats.drop('no next hop');
      return undefined;
    }
    const from = this.#forwarder.coords;
    const { distance } = this.#forwarder;
    const head = trafficHeadSize(coords, from, distance, size);
    const isSmall = isRecord && size <= SMALL_PAYLOAD;
    hop.pipe.reserve(head + size, destHash, this.#ownHash ^ (isSmall ? SMALL_FLOW : 0), false, !isRecord);
    const { target, targetAt } = hop.pipe;
    const writer = new Writer(target, targetAt);
    writeTrafficHead(writer, coords, from, this.#context.key, dest, distance, size);
    this.target = target;
    this.targetAt = writer.pos;
    this.isOverRadio = hop.pipe.isSlow === true;
    return hop;
  }

  /** For a packet of ours. */
  #hopTo(coords: Coords, dest: PublicKey, destHash: number): PeerLink | undefined {
    return this.#forwarder.hopTo(coords, 0xffff_ffff, 0xffff_ffff, dest, 0, destHash);
  }

  #resend(path: Path, payload: Uint8Array): void {
    this.#user.settle();
    if (this.#beginOn(path, payload.length, isE2e(payload[0] as number))) this.target.set(payload, this.targetAt);
  }

  #round(): void {
    this.#context.stats.count('rounds');
    this.#isStirred = false;
    this.peers.measure();
    for (const { link, reason } of this.#spanning.round()) link.pipe.close(reason, 'found when its turn came');
    this.#blooms.round();
    this.paths.round();
  }

  #hash(key: Uint8Array): number {
    return hashOctets(key, 0, 32, this.#context.hashSeed);
  }
}
