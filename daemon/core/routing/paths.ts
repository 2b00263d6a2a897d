/**
 * Where other nodes are: paths that are known, and the three messages about them (section 4.7). Sends through the ports it
 * is given; keeps no clock.
 */
import { encodeFrame, FRAME } from '../../wire/frame.ts';
import {
  notifySigned,
  type PathBroken,
  type PathLookup,
  type PathNotify,
  WATERMARK_FRESH,
  writePathLookup,
} from '../../wire/lookup.ts';
import type { Context } from '../context.ts';
import { bloomItem } from '../identity.ts';
import {
  LOOKUP_SOURCES,
  LOOKUPS_PER_SOURCE,
  NOTIFIES,
  NOTIFIES_PER_SOURCE,
  NOTIFY_SEQ_LIFE_MS,
  NOTIFY_SEQS,
  PATH_DOUBT_MS,
  PATH_LIFE_MS,
  PATHS_MAX,
  SEQ_AHEAD,
  SLOW_PATH_DOUBT_MS,
  SLOW_PATH_LIFE_MS,
} from '../limits.ts';
import { equalOctets, hashOctets, OctetMap } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import { type Coords, type PublicKey, publicKey } from '../port.ts';
import { filterPositions } from './bloom.ts';
import type { Blooms } from './blooms.ts';
import { preferredLink } from './forward.ts';
import type { Answer } from './lookup-gate.ts';
import { LookupLog } from './lookup-log.ts';
import { PathNews } from './path-news.ts';
import { isLeafPeer, isSlowPeer, type Peer, type PeerLink, peerCost } from './peers.ts';
import { Rumours, type Wanted } from './rumours.ts';

export type Path = {
  readonly key: PublicKey;
  readonly hash: number;
  coords: Coords;
  seq: bigint;
  /** A PathBroken has come; the path stays in use until a better one is known. */
  isBroken: boolean;
  /** When that came, and when it was told last where this is. */
  brokenMs: number;
  learnedMs: number;
  expiresAtMs: number;
  /** When to ask whether it still holds: nobody need tell us that it does not, and a liar will not. */
  doubtAtMs: number;
  /** From the last sign of life. */
  lifeMs: number;
  /** Used again after a silence, and not heard from since. */
  isSuspect: boolean;
  /** By which packets have left. */
  hop: Peer | undefined;
};

/** What paths need of the router around them. */
export type PathPorts = {
  coords(): Coords;
  coordsOf(peer: Peer): Coords;
  /** Sends a notify towards its path. False: there is no next hop. */
  route(notify: PathNotify): boolean;
  /** A path has been learned or renewed. */
  found(key: PublicKey): void;
  /** Whether a path begins with a radio. */
  isSlow(coords: Coords): boolean;
  /** The peer behind a radio that a whole or partial key means: where it is need not be asked. */
  neighbour(target: Uint8Array): PublicKey | undefined;
  /** Sends a kept payload along a path just learned. */
  resend(path: Path, payload: Uint8Array): void;
  mayVerifyNotify(): boolean;
};

export class Paths {
  readonly #context: Context;
  readonly #blooms: Blooms;
  readonly #ports: PathPorts;
  readonly news: PathNews;
  readonly log: LookupLog;
  readonly rumours: Rumours;
  readonly #paths: OctetMap<Path>;
  readonly #seqs: OctetMap<{ key: PublicKey; seq: bigint; untilMs: number }>;
  readonly #sources: OctetMap<{ key: Uint8Array; lookups: Bucket; notifies: Bucket }>;
  readonly #notifies: Bucket;
  #signed: PathNotify['info'] | undefined;

  constructor(context: Context, blooms: Blooms, ports: PathPorts) {
    this.#context = context;
    this.#blooms = blooms;
    this.#ports = ports;
    this.news = new PathNews(context);
    this.log = new LookupLog(context);
    this.rumours = new Rumours(context, blooms, this.news, (target, wanted) => {
      this.#multicast({ source: context.key, dest: target, from: ports.coords() }, wanted, undefined);
    });
    this.#paths = new OctetMap(32, context.hashSeed);
    this.#seqs = new OctetMap(32, context.hashSeed);
    this.#sources = new OctetMap(32, context.hashSeed);
    this.#notifies = new Bucket(NOTIFIES, context.nowMs);
  }

  get(key: Uint8Array, at = 0): Path | undefined {
    return this.#paths.get(key, at);
  }

  get size(): number {
    return this.#paths.size;
  }

  values(): IterableIterator<Path> {
    return this.#paths.values();
  }

  /** Looks for a whole or partial key, unless that was done a moment ago. */
  lookup(target: Uint8Array): void {
    const neighbour = this.#ports.neighbour(target);
    if (neighbour !== undefined) return this.#ports.found(neighbour);
    this.rumours.want(target);
  }

  /** Looks for a key and keeps a payload of this size, in place of an older one, until it is found. */
  lookupWith(dest: PublicKey, size: number): Uint8Array | undefined {
    const payload = this.rumours.keep(dest, size);
    if (payload !== undefined) this.lookup(dest);
    return payload;
  }

  /** How many peers may know where a whole or partial key is. */
  reach(target: Uint8Array): number {
    return [...this.#blooms.targets(filterPositions(bloomItem(target)), undefined)].length;
  }

  lookupReceived(link: PeerLink, lookup: PathLookup): void {
    const { stats, nowMs } = this.#context;
    if (!link.peer.isOnTree && !this.#blooms.isOnTree(link.peer)) return stats.drop('lookup off tree');
    if (!link.peer.lookups.take(nowMs)) return stats.drop('lookup rate peer');
    const source = this.#source(lookup.source);
    if (!source.lookups.take(nowMs)) return stats.drop('lookup rate source');
    // It need not know yet where it is.
    if (isLeafPeer(link.peer) && equalOctets(lookup.source, link.peer.key))
      lookup.from = this.#ports.coordsOf(link.peer);
    this.log.seen(lookup);
    const item = bloomItem(lookup.dest);
    this.#multicast(lookup, { item, positions: filterPositions(item) }, link.peer);
    if (!equalOctets(item, this.#context.item)) return;
    if (!this.#notifies.take(nowMs) || !source.notifies.take(nowMs)) return stats.drop('notify rate');
    this.#answer(lookup);
  }

  /** For a notify that has no next hop here. */
  notifyReceived(notify: PathNotify): void {
    const { stats, crypto, nowMs } = this.#context;
    if (!equalOctets(notify.dest, this.#context.key)) return stats.drop('no next hop');
    const { info, source } = notify;
    const known = this.#paths.get(source);
    const rumour = this.rumours.get(source);
    if (known === undefined && rumour === undefined) return stats.drop('notify unsolicited');
    const highest = this.#seqs.get(source);
    const isStale =
      known !== undefined
        ? info.seq <= known.seq
        : highest !== undefined && highest.untilMs > nowMs && info.seq < highest.seq;
    if (isStale) return stats.drop('notify stale');
    if (!this.#ports.mayVerifyNotify()) return stats.drop('notify verify budget');
    if (!crypto.ed25519Verify(source, info.sig, notifySigned(info.seq, info.path))) {
      return stats.drop('notify signature invalid');
    }
    this.#rememberSeq(source, info.seq);
    const before = known && { coords: known.coords, isBroken: known.isBroken };
    const path = known ?? this.#add(source);
    path.coords = info.path.slice() as Coords;
    path.seq = info.seq;
    path.isBroken = false;
    path.learnedMs = nowMs;
    path.lifeMs = this.#ports.isSlow(path.coords) ? SLOW_PATH_LIFE_MS : PATH_LIFE_MS;
    path.expiresAtMs = nowMs + path.lifeMs;
    path.doubtAtMs = nowMs + PATH_DOUBT_MS.first;
    path.isSuspect = false;
    this.news.learned(path, before);
    this.#ports.found(path.key);
    const payload = rumour && this.rumours.settle(rumour, path.key);
    if (payload !== undefined) this.#ports.resend(path, payload);
  }

  /** For a PathBroken that has no next hop here. */
  brokenReceived(broken: PathBroken): void {
    if (!equalOctets(broken.source, this.#context.key)) return this.#context.stats.drop('no next hop');
    const path = this.#paths.get(broken.dest);
    if (path === undefined) return this.#context.stats.drop('path broken ignored');
    this.broke(path);
  }

  broke(path: Path): void {
    this.news.broken(path);
    if (!path.isBroken) path.brokenMs = this.#context.nowMs;
    path.isBroken = true;
    this.lookup(path.key);
  }

  /** Nothing has come back for a while. Over radio a path that was not used is not doubted for that alone. */
  doubt(path: Path): void {
    const { nowMs } = this.#context;
    const isSlow = path.lifeMs > PATH_LIFE_MS;
    path.doubtAtMs = nowMs + (isSlow ? SLOW_PATH_DOUBT_MS : PATH_DOUBT_MS.next);
    if (!isSlow || path.isSuspect) this.lookup(path.key);
    path.isSuspect = true;
  }

  /** A notify has come over a radio: what it says will serve others. */
  answered(peer: Peer, { source, info }: PathNotify): void {
    peer.thin?.gate.answered(bloomItem(source), source, info, this.#context.nowMs);
  }

  /** Somebody cannot reach this key where it was said to be. */
  distrust(peers: Iterable<Peer>, dest: Uint8Array): void {
    const item = bloomItem(dest);
    for (const { thin } of peers) thin?.gate.forget(item);
  }

  /** Traffic from this key has reached us: where it is does not matter, that it is does. */
  heardFrom(key: Uint8Array, at: number): void {
    const path = this.#paths.get(key, at);
    if (path === undefined) return;
    path.doubtAtMs = this.#context.nowMs + PATH_DOUBT_MS.first;
    path.isSuspect = false;
    if (!path.isBroken) path.expiresAtMs = this.#context.nowMs + path.lifeMs;
  }

  /** Once a round: forgets what has outlived itself. */
  round(): void {
    const { nowMs } = this.#context;
    for (const path of [...this.#paths.values()]) if (path.expiresAtMs <= nowMs) this.#paths.delete(path.key);
    this.rumours.round();
  }

  #add(key: Uint8Array): Path {
    if (this.#paths.size >= PATHS_MAX) {
      let first: Path | undefined;
      for (const path of this.#paths.values())
        if (first === undefined || path.expiresAtMs < first.expiresAtMs) first = path;
      if (first !== undefined) this.#paths.delete(first.key);
    }
    const path: Path = {
      key: publicKey(key.slice()),
      hash: hashOctets(key, 0, 32, this.#context.hashSeed),
      coords: new Uint8Array(0) as Coords,
      seq: 0n,
      isBroken: false,
      brokenMs: 0,
      learnedMs: this.#context.nowMs,
      expiresAtMs: 0,
      doubtAtMs: 0,
      lifeMs: PATH_LIFE_MS,
      isSuspect: false,
      hop: undefined,
    };
    this.#paths.set(path.key, path);
    return path;
  }

  #rememberSeq(key: Uint8Array, seq: bigint): void {
    const untilMs = this.#context.nowMs + NOTIFY_SEQ_LIFE_MS;
    this.#seqs.delete(key);
    const oldest = this.#seqs.size >= NOTIFY_SEQS ? this.#seqs.oldest() : undefined;
    if (oldest !== undefined) this.#seqs.delete(oldest.key);
    this.#seqs.set(key, { key: publicKey(key.slice()), seq, untilMs });
  }

  #source(key: Uint8Array): { lookups: Bucket; notifies: Bucket } {
    const existing = this.#sources.get(key);
    if (existing !== undefined) return existing;
    const oldest = this.#sources.size >= LOOKUP_SOURCES ? this.#sources.oldest() : undefined;
    if (oldest !== undefined) this.#sources.delete(oldest.key);
    const { nowMs } = this.#context;
    const source = {
      key: key.slice(),
      lookups: new Bucket(LOOKUPS_PER_SOURCE, nowMs),
      notifies: new Bucket(NOTIFIES_PER_SOURCE, nowMs),
    };
    this.#sources.set(key, source);
    return source;
  }

  /** `from`: the peer that it came from; undefined: it is ours. */
  #multicast(lookup: PathLookup, { item, positions }: Wanted, from: Peer | undefined): void {
    let frame: Uint8Array | undefined;
    for (const peer of this.#blooms.targets(positions, from)) {
      const link = preferredLink(peer);
      if (link === undefined || (isSlowPeer(peer) && !this.#mayCross(peer, lookup, item, from !== undefined))) continue;
      frame ??= encodeFrame(FRAME.pathLookup, (writer) => writePathLookup(writer, lookup));
      link.pipe.reserve(frame.length, hashOctets(lookup.dest, 0, 32, this.#context.hashSeed), 0, true);
      link.pipe.target.set(frame, link.pipe.targetAt);
    }
  }

  /** What a radio need not carry is answered here, or dropped. */
  #mayCross(peer: Peer, lookup: PathLookup, item: Uint8Array, isForeign: boolean): boolean {
    const { nowMs, stats } = this.#context;
    if (peer.thin === undefined) return true;
    const { gate } = peer.thin;
    if (isForeign && this.#answerFor(peer, lookup, gate.answer(item))) return false;
    if (gate.mayAsk(item, lookup.source, peerCost(peer), nowMs)) return true;
    stats.drop('lookup held');
    return false;
  }

  /** With what a node behind a radio has signed, if we know or may believe that it is still there. */
  #answerFor(peer: Peer, lookup: PathLookup, answer: Answer | undefined): boolean {
    if (answer === undefined) return false;
    const { nowMs, stats } = this.#context;
    const { item, source, info, untilMs } = answer;
    const isNeighbour = equalOctets(source, peer.key);
    if (isNeighbour ? !equalOctets(info.path, this.#ports.coordsOf(peer)) : nowMs >= untilMs) {
      peer.thin?.gate.forget(item);
      return false;
    }
    if (!this.#notifies.take(nowMs) || !this.#source(lookup.source).notifies.take(nowMs)) stats.drop('notify rate');
    else this.#ports.route({ path: lookup.from, watermark: WATERMARK_FRESH, source, dest: lookup.source, info });
    return true;
  }

  #answer(lookup: PathLookup): void {
    const info = this.signedPlace();
    this.#context.stats.count('notifiesSent');
    this.#ports.route({
      path: lookup.from,
      watermark: WATERMARK_FRESH,
      source: this.#context.key,
      dest: lookup.source,
      info,
    });
  }

  /** Signed once a second and place. Who has heard of another place in this very second takes only a higher number. */
  signedPlace(): PathNotify['info'] {
    const last = this.#signed;
    const path = this.#ports.coords();
    const isSamePlace = last !== undefined && equalOctets(last.path, path);
    let seq = this.#context.unixSeconds();
    if (last !== undefined && last.seq >= seq && last.seq < seq + SEQ_AHEAD) seq = last.seq + (isSamePlace ? 0n : 1n);
    if (isSamePlace && last.seq === seq) return last;
    this.#signed = { seq, path, sig: this.#context.signer.sign(notifySigned(seq, path)) };
    return this.#signed;
  }
}
