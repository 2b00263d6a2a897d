/**
 * Peers: the keys at the other end of our links. All links to one key are one peer with one port (section 4.3). A link
 * is proven by the first valid SigRes on it; until then nothing but SigReq goes out on it (section 9, weakness 1).
 */

import { emptyFilter, type FilterHalves } from '../../wire/filter.ts';
import { encodeFrame, FRAME } from '../../wire/frame.ts';
import { type SigReq, type SigRes, writeSigReq } from '../../wire/sigs.ts';
import type { Stance } from '../../wire/thin.ts';
import type { Context } from '../context.ts';
import { addressForKey, partialKey, subnetForKey } from '../identity.ts';
import {
  ANNOUNCES_PER_PEER,
  FILTERS_PER_PEER,
  FILTERS_SENT,
  LINKS_PER_KEY,
  LOOKUP_BURST,
  PROOF_TIMEOUT_MS,
  SIG_REQS_PER_PEER,
  SLOW_BACKLOG_BYTES,
  SLOW_FILTERS,
  THIN_FRAMES,
} from '../limits.ts';
import type { Pipe } from '../link/pipe.ts';
import { equalOctets, OctetMap } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import type { CloseReason, Coords, LinkId, PublicKey } from '../port.ts';
import { LookupGate } from './lookup-gate.ts';
import type { Info } from './tree.ts';

export type PeerLink = {
  readonly pipe: Pipe;
  readonly peer: Peer;
  /** Links are compared by age: lower came first. */
  readonly order: number;
  isProven: boolean;
  /** A radio to a node that speaks thin gossip. */
  readonly isSlow: boolean;
  /** The carrier has proven the key (link document, part C). */
  readonly isBound: boolean;
  /** May carry traffic: it is proven, and bound if any proven link of the peer is. */
  isEligible: boolean;
  /** Close if no proof has come by then. */
  readonly provenByMs: number;
  /** Smoothed round trip, doubled at first (section 4.3). */
  lagMs: number;
  /** The last round trip measured; 0 before the first. */
  rttMs: number;
  hasSample: boolean;
  /** When the outstanding request went out here, until its answer came. */
  requestedAtMs: number | undefined;
  /** Of the link, not of the peer: anyone can show a peer's greeting, and must not use up what is the peer's. */
  readonly sigReqs: Bucket;
  /** A SigReq that came faster than the bucket allows to answer. */
  unanswered: SigReq | undefined;
  /** Announcements, and the last filter, that came before the proof; with it they count. */
  readonly early: { type: number; body: Uint8Array }[];
  /** Milliseconds: the configured one, or the lag in whole ones. */
  cost: number;
  /** See `Ranked`. */
  countedBytes: number;
  activity: number;
};

export type Peer = {
  readonly key: PublicKey;
  readonly hash: number;
  readonly port: number;
  readonly links: PeerLink[];
  /** Has been trusted on some link, and is said to be up. */
  isUp: boolean;
  /** Since a link of it is proven. */
  upSinceMs: number;
  /** What we asked this peer to sign, the same on all its links. */
  request: SigReq;
  response: SigRes | undefined;
  /** The request has gone out; over radio only once its answer is of use. */
  isAsked: boolean;
  askedAtMs: number;
  /** What is between us and a node that speaks thin gossip; undefined: it does not. */
  thin: Thinness | undefined;
  /** Announcements that need not be sent again. */
  readonly told: Set<Info>;
  isOnTree: boolean;
  sendFilter: FilterHalves;
  recvFilter: FilterHalves;
  /** A filter that came faster than the bucket allows. */
  pendingFilter: FilterHalves | undefined;
  /** Bits that should go were kept for one round (section 4.6). */
  hasSurplus: boolean;
  roundsSinceFilter: number;
  /** Announcements that wait for the buckets. */
  readonly deferred: Uint8Array[];
  readonly announces: Bucket;
  readonly filters: Bucket;
  /** For filters that we send between rounds. */
  readonly filtersSent: Bucket;
  readonly lookups: Bucket;
  /** Of the version of the tree in `coordsVersion`. */
  coords: Coords;
  hops: number;
  /** It is in the same tree as we are. */
  hasOurRoot: boolean;
};

export type Thinness = {
  /** None but radios lead to it. */
  isSlow: boolean;
  /** What it wants; undefined: it has not said so yet. */
  stance: Stance | undefined;
  /** What we told it last, and when. */
  said: Stance | undefined;
  saidAtMs: number;
  /** Where we told it, a leaf of ours, that it is. */
  placed: Uint8Array | undefined;
  /** Announcements that it gave us first: it says when they change, or are no more. */
  readonly vouched: Set<Info>;
  /** For filters that we send over radio, and since when the last one has bits too many. */
  readonly filters: Bucket;
  surplusAtMs: number | undefined;
  /** With which announcement of ours it has been given our card, where it is our parent. */
  carded: Info | undefined;
  /** The item of its key alone: a leaf's filter, which it need not send. */
  leafFilter: FilterHalves | undefined;
  /** Announcements that we asked it for again. */
  readonly recalled: Set<Info>;
  readonly frames: Bucket;
  /** Before lookups that would cross its radio. */
  readonly gate: LookupGate;
  /** It has been asked for its signature since it came. */
  hasBeenAsked: boolean;
};

/** Before the first sample: 2^32 - 1 nanoseconds. */
const LAG_UNKNOWN_MS = 0xffff_ffff / 1e6;

export class Peers {
  /** Changes when a peer comes, goes or is proven. */
  version = 0;
  readonly #context: Context;
  readonly #byKey: OctetMap<Peer>;
  readonly #byLink = new Map<LinkId, PeerLink>();
  readonly #ports = new Map<number, Peer>();
  /** Peers with a proven link, for loops on the hot path. */
  #proven: Peer[] = [];
  #order = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#byKey = new OctetMap(32, context.hashSeed);
  }

  get proven(): readonly Peer[] {
    return this.#proven;
  }

  get keys(): PublicKey[] {
    return [...this.#ports.values()].map((peer) => peer.key);
  }

  all(): IterableIterator<Peer> {
    return this.#ports.values();
  }

  links(): IterableIterator<PeerLink> {
    return this.#byLink.values();
  }

  /** The hash is that of the key. */
  get(hash: number, key: Uint8Array, at = 0): Peer | undefined {
    return this.#byKey.getHashed(hash, key, at);
  }

  /** The one peer of a leaf, behind a radio; undefined: we are no leaf. */
  get gateway(): Peer | undefined {
    if (this.#ports.size !== 1) return undefined;
    const [peer] = this.#ports.values();
    return peer !== undefined && isSlowPeer(peer) ? peer : undefined;
  }

  /** The peer behind a radio that a whole or partial key means. */
  slowNeighbour(target: Uint8Array): PublicKey | undefined {
    const isMeant = ({ key }: Peer): boolean =>
      equalOctets(key, target) ||
      equalOctets(partialKey(addressForKey(key)), target) ||
      equalOctets(partialKey(subnetForKey(key)), target);
    return this.#proven.find((peer) => isSlowPeer(peer) && isMeant(peer))?.key;
  }

  link(id: LinkId): PeerLink | undefined {
    return this.#byLink.get(id);
  }

  /** @returns the new link, or why there is no room for it */
  add(pipe: Pipe, newRequest: () => SigReq, hash: number): PeerLink | CloseReason {
    let peer = this.#byKey.get(pipe.key);
    const isBound = pipe.facts.boundKey !== undefined;
    if (peer !== undefined && peer.links.length >= LINKS_PER_KEY) {
      const weakest = replaceable(peer.links, isBound);
      if (weakest === undefined) return 'too many links';
      weakest.pipe.close('too many links', 'a newer link took its place');
    }
    peer ??= this.#newPeer(pipe.key, newRequest(), hash);
    const link: PeerLink = {
      pipe,
      peer,
      order: this.#order++,
      isProven: false,
      isSlow: pipe.isThin === true && pipe.isSlow === true,
      isBound,
      isEligible: false,
      provenByMs: this.#context.nowMs + (pipe.proofTimeoutMs ?? PROOF_TIMEOUT_MS),
      lagMs: LAG_UNKNOWN_MS,
      rttMs: 0,
      hasSample: false,
      requestedAtMs: undefined,
      sigReqs: new Bucket(SIG_REQS_PER_PEER, this.#context.nowMs),
      unanswered: undefined,
      early: [],
      cost: pipe.facts.cost ?? Math.floor(LAG_UNKNOWN_MS),
      countedBytes: 0,
      activity: 0,
    };
    this.#context.timers.arm(link.provenByMs);
    peer.links.push(link);
    this.#byLink.set(pipe.id, link);
    if (!link.isSlow) this.#sendRequest(link);
    return link;
  }

  /** @returns the peer, if this was its last link */
  remove(pipe: Pipe): { peer: Peer; isLast: boolean } | undefined {
    const link = this.#byLink.get(pipe.id);
    if (link === undefined) return undefined;
    this.#byLink.delete(pipe.id);
    const { peer } = link;
    peer.links.splice(peer.links.indexOf(link), 1);
    const isLast = peer.links.length === 0;
    if (isLast) {
      this.#byKey.delete(peer.key);
      this.#ports.delete(peer.port);
    }
    this.#listProven();
    return { peer, isLast };
  }

  /** The first valid answer on a link makes it trusted. */
  prove(link: PeerLink): void {
    link.isProven = true;
    this.#listProven();
  }

  /** All requests are void: our own announcement has changed. */
  renewRequests(newRequest: () => SigReq): void {
    for (const peer of this.#ports.values()) {
      peer.request = newRequest();
      peer.response = undefined;
      peer.isAsked = false;
      for (const link of [...peer.links]) {
        link.requestedAtMs = undefined;
        if (!link.isSlow) this.#sendRequest(link);
      }
    }
  }

  /** Over radio nobody is asked without need. */
  askSlowly(peer: Peer): void {
    peer.isAsked = true;
    peer.askedAtMs = this.#context.nowMs;
    if (peer.thin !== undefined) peer.thin.hasBeenAsked = true;
    for (const link of [...peer.links]) if (link.isSlow && link.isProven) this.#sendRequest(link);
  }

  /** Links that measure themselves know better than we can by our requests, which may have been sent twice. */
  measure(): void {
    for (const link of this.#byLink.values()) if (link.pipe.lagMs !== undefined) weigh(link, link.pipe.lagMs);
  }

  /** Asks on every link for the signature that may be there already: the answer shows that the link lives. */
  probe(): void {
    for (const link of [...this.#byLink.values()]) if (!link.isSlow) this.#sendRequest(link);
  }

  /** An answer to the outstanding request came on this link: a sample of its round trip. */
  sample(link: PeerLink): void {
    if (link.requestedAtMs === undefined) return;
    const rttMs = this.#context.nowMs - link.requestedAtMs;
    link.requestedAtMs = undefined;
    if (link.pipe.lagMs !== undefined) return weigh(link, link.pipe.lagMs);
    link.lagMs = link.hasSample ? (link.lagMs * 7) / 8 + Math.min(rttMs, 2 * link.lagMs) / 8 : 2 * rttMs;
    link.rttMs = rttMs;
    link.hasSample = true;
    link.cost = costOf(link);
  }

  #sendRequest(link: PeerLink): void {
    // Of two that ask the same the first counts: its answer comes first.
    link.requestedAtMs ??= this.#context.nowMs;
    link.pipe.sendControl(
      FRAME.sigReq,
      encodeFrame(FRAME.sigReq, (writer) => writeSigReq(writer, link.peer.request)),
    );
  }

  #newPeer(key: PublicKey, request: SigReq, hash: number): Peer {
    const { nowMs, options } = this.#context;
    let port = 1;
    while (this.#ports.has(port)) port++;
    const lookups = { perSecond: options.limits.lookupsPerPeerPerSecond, burst: LOOKUP_BURST };
    const peer: Peer = {
      key,
      hash,
      port,
      links: [],
      isUp: false,
      upSinceMs: nowMs,
      request,
      response: undefined,
      isAsked: false,
      askedAtMs: nowMs,
      thin: undefined,
      told: new Set(),
      isOnTree: false,
      sendFilter: emptyFilter(),
      recvFilter: emptyFilter(),
      pendingFilter: undefined,
      hasSurplus: false,
      roundsSinceFilter: 0,
      deferred: [],
      announces: new Bucket(ANNOUNCES_PER_PEER, nowMs),
      filters: new Bucket(FILTERS_PER_PEER, nowMs),
      filtersSent: new Bucket(FILTERS_SENT, nowMs),
      lookups: new Bucket(lookups, nowMs),
      coords: new Uint8Array(0) as Coords,
      hops: 0,
      hasOurRoot: false,
    };
    this.#ports.set(port, peer);
    this.#byKey.set(key, peer);
    return peer;
  }

  #listProven(): void {
    this.version++;
    this.#proven = [...this.#ports.values()].filter((peer) => peer.links.some((link) => link.isProven));
    for (const peer of this.#proven) {
      const { links } = peer;
      const isAnyBound = links.some((link) => link.isProven && link.isBound);
      for (const link of links) link.isEligible = link.isProven && (link.isBound || !isAnyBound);
      weighThinness(peer, this.#context);
    }
  }
}

function weighThinness(peer: Peer, context: Context): void {
  const links = peer.links.filter((link) => link.isProven);
  if (!links.some(({ pipe }) => pipe.isThin === true)) {
    peer.thin = undefined;
    return;
  }
  peer.thin ??= {
    isSlow: false,
    stance: undefined,
    said: undefined,
    saidAtMs: 0,
    placed: undefined,
    vouched: new Set(),
    filters: new Bucket(SLOW_FILTERS, context.nowMs),
    surplusAtMs: undefined,
    carded: undefined,
    leafFilter: undefined,
    recalled: new Set(),
    frames: new Bucket(THIN_FRAMES, context.nowMs),
    gate: new LookupGate(context.hashSeed),
    hasBeenAsked: false,
  };
  peer.thin.isSlow = links.every((link) => link.isSlow);
}

function weigh(link: PeerLink, lagMs: number): void {
  link.lagMs = lagMs;
  link.rttMs = lagMs;
  link.hasSample = true;
  link.cost = costOf(link);
}

function costOf({ pipe, lagMs }: PeerLink): number {
  return pipe.facts.cost ?? Math.max(1, Math.floor(lagMs));
}

/**
 * Whoever holds links with a recorded greeting must not keep its owner out: what is unproven makes way for a newer link,
 * and what is unbound for a bound one, but nothing bound for an unbound one.
 */
function replaceable(links: readonly PeerLink[], isNewBound: boolean): PeerLink | undefined {
  const unbound = links.filter((link) => !link.isBound);
  const candidates = isNewBound ? [...unbound, ...links] : unbound;
  return candidates.find((link) => !link.isProven) ?? (isNewBound ? unbound[0] : undefined);
}

/**
 * Sends on every proven link of a peer, but on radios only if it has no other; a link that is too slow for it ends, and
 * leaves the list.
 */
export function tellPeer(peer: Peer, type: number, frame: Uint8Array): void {
  const isSlow = isSlowPeer(peer);
  for (const link of [...peer.links]) if (link.isProven && (isSlow || !link.isSlow)) link.pipe.sendControl(type, frame);
}

/** As `tellPeer`, what only those links understand that both ends have agreed on it for. */
export function tellThinly(peer: Peer, type: number, frame: Uint8Array): void {
  const links = peer.links.filter(({ isProven, pipe }) => isProven && pipe.isThin === true);
  const isSlow = links.every((link) => link.isSlow);
  for (const link of links) if (isSlow || !link.isSlow) link.pipe.sendControl(type, frame);
}

/** None but radios lead to it, and it speaks thin gossip. */
export function isSlowPeer({ thin }: Peer): boolean {
  return thin?.isSlow === true;
}

/** It has no peer but us, a radio away: it is our child as soon as we tell it its place, and its filter its own item. */
export function isLeafPeer(peer: Peer): boolean {
  return isSlowPeer(peer) && peer.thin?.stance?.isLeaf === true;
}

/** What would only wait on the air is better made when it can leave: by then it may be something else, or nothing. */
export function hasRoom(peer: Peer): boolean {
  return peer.links.every(({ isProven, pipe }) => !isProven || (pipe.controlBytes ?? 0) < SLOW_BACKLOG_BYTES);
}

/** It needs announcements that say nothing but that they are new. */
export function wantsRenewals({ thin }: Peer): boolean {
  return thin === undefined || thin.stance?.wantsRenewals === true;
}

/** The lowest cost over the links that may carry traffic. */
export function peerCost(peer: Peer): number {
  let cost = Number.POSITIVE_INFINITY;
  for (const link of peer.links) if (link.isEligible && link.cost < cost) cost = link.cost;
  return cost;
}
