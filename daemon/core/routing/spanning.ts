/**
 * Our own place in the tree: choosing the parent, publishing announcements, telling peers what they need (section 4.4).
 */
import { type Announce, announceSigned, readAnnounce, writeAnnounce } from '../../wire/announce.ts';
import { encodeFrame, FRAME } from '../../wire/frame.ts';
import { splitPath } from '../../wire/path.ts';
import { readSigReq, readSigRes, type SigReq, writeSigRes } from '../../wire/sigs.ts';
import type { Place } from '../../wire/thin.ts';
import type { Context } from '../context.ts';
import {
  ANNOUNCE_REFRESH_MS,
  ANNOUNCES_ALL,
  ANNOUNCES_DEFERRED,
  HOPS_MAX,
  MAINTENANCE_MS,
  MOVES,
  PRESUMED_ROOT_MS,
  SLOW_ANSWER,
  VERIFIES,
  VERIFIES_RESERVED,
} from '../limits.ts';
import { compareOctets, equalOctets } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import type { CloseReason, PublicKey } from '../port.ts';
import {
  hasRoom,
  isSlowPeer,
  type Peer,
  type PeerLink,
  type Peers,
  peerCost,
  tellPeer,
  wantsRenewals,
} from './peers.ts';
import { isRenewal, Thin } from './thin.ts';
import type { Info, Tree } from './tree.ts';

export class Spanning {
  readonly thin: Thin;
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #tree: Tree;
  readonly #announces: Bucket;
  readonly #verifies: Bucket;
  readonly #moves: Bucket;
  #refresh = false;
  #doRoot1 = false;
  /** Set at start, so that the first round makes us a root. */
  #doRoot2 = true;
  #refreshAtMs = Number.POSITIVE_INFINITY;
  /** When we took the first parent that offered itself; the next round looks once more at all. */
  #hastyAtMs: number | undefined;
  #root: Uint8Array | undefined;

  constructor(context: Context, peers: Peers, tree: Tree) {
    this.#context = context;
    this.#peers = peers;
    this.#tree = tree;
    this.thin = new Thin(context, peers, tree, (peer, place) => this.#settle(peer, place));
    this.#announces = new Bucket(ANNOUNCES_ALL, context.nowMs);
    this.#verifies = new Bucket(VERIFIES, context.nowMs);
    this.#moves = new Bucket(MOVES, context.nowMs);
  }

  get parent(): PublicKey {
    return (this.#tree.get(this.#context.key)?.parent ?? this.#context.key) as PublicKey;
  }

  newRequest = (): SigReq => {
    const seq = (this.#tree.get(this.#context.key)?.seq ?? 0n) + 1n;
    return { seq, nonce: this.#context.randomU64() };
  };

  mayVerifyNotify(): boolean {
    return this.#verifies.take(this.#context.nowMs, VERIFIES_RESERVED);
  }

  sigReqReceived(link: PeerLink, body: Uint8Array): CloseReason | undefined {
    const request = readSigReq(body);
    if (request === undefined) return 'frame malformed';
    if (link.sigReqs.take(this.#context.nowMs)) {
      this.#answer(link, request);
      return undefined;
    }
    if (link.unanswered !== undefined) this.#context.stats.drop('sig request coalesced');
    link.unanswered = request;
    return undefined;
  }

  /** @returns why the link must end, or whether this proved it */
  sigResReceived(link: PeerLink, body: Uint8Array): CloseReason | 'proven' | undefined {
    const response = readSigRes(body);
    if (response === undefined) return 'frame malformed';
    const { key, crypto, nowMs, stats } = this.#context;
    const { request } = link.peer;
    const isAnswer = response.seq === request.seq && response.nonce === request.nonce;
    // A verification costs; one for each request is enough, and some for answers that came too late.
    const isNeeded = isAnswer ? !link.isProven || link.requestedAtMs !== undefined : link.sigReqs.take(nowMs);
    if (!isNeeded) {
      stats.drop('sig response unasked');
      return undefined;
    }
    const signed = announceSigned(key, link.peer.key, response);
    // Everybody would end their links to us for an announcement with port zero.
    const isValid = response.port !== 0n && crypto.ed25519Verify(link.peer.key, response.psig, signed);
    if (!isValid) return 'signature response invalid';
    if (!isAnswer) return undefined;
    this.#peers.sample(link);
    // After a break that only one side noticed a new link may come with a new port; then the one we announced is void.
    if (link.peer.response?.port !== response.port) link.peer.response = { ...response, psig: response.psig.slice() };
    const own = this.#tree.get(key);
    if (own !== undefined && equalOctets(own.parent, link.peer.key) && own.port !== response.port) this.#refresh = true;
    return link.isProven ? undefined : 'proven';
  }

  announceReceived(peer: Peer, body: Uint8Array): CloseReason | undefined {
    const announce = readAnnounce(body);
    if (announce === undefined) return 'frame malformed';
    const stored = this.#tree.get(announce.key);
    if (stored !== undefined && isSame(stored, announce)) {
      peer.told.add(stored);
      this.thin.repeated(peer, stored);
      this.#placeKnown(peer, stored);
      return undefined;
    }
    const { nowMs, stats } = this.#context;
    const mayVerify = peer.announces.take(nowMs) && this.#announces.take(nowMs) && this.#verifies.take(nowMs);
    if (mayVerify) return this.#judge(peer, announce);
    if (peer.deferred.length >= ANNOUNCES_DEFERRED) return 'announce flood';
    stats.drop('announce deferred');
    peer.deferred.push(body.slice());
    return undefined;
  }

  /** A link has been proven: it may need what the peer's other links carried before. */
  greet(link: PeerLink): void {
    if (link.isSlow) return;
    for (const info of link.peer.told) link.pipe.sendControl(FRAME.announce, encodeAnnounce(info));
  }

  /** One of a peer's links went, and what it carried may be lost; or all of them. */
  gone(peer: Peer, isLast: boolean): void {
    if (isLast) this.#tree.setPlace(peer.key, undefined);
    else if (isSlowPeer(peer)) peer.told.clear();
  }

  /** Once a round, before the filters. Returns links to end. */
  round(): { link: PeerLink; reason: CloseReason }[] {
    const { nowMs } = this.#context;
    const ends = this.#workOff();
    this.#doRoot2 ||= this.#doRoot1;
    if (nowMs >= this.#refreshAtMs && this.thin.needsRenewal()) this.#refresh = true;
    this.thin.round();
    this.#tree.expire((info) => this.#forget(info));
    this.#chooseParent();
    this.#speak();
    for (const peer of this.#peers.proven) this.#tell(peer, this.#tree.ancestry(peer.key).infos);
    this.#watchRoot();
    return ends;
  }

  /**
   * Between rounds, when something has changed. A lower root is followed at once, and so is another way to the same one
   * that does not lead over a parent just lost; what does may be as dead, and waits for the round.
   */
  look(): void {
    const parent = this.#betterParent();
    if (parent?.response !== undefined && this.#moves.take(this.#context.nowMs)) {
      if (this.#publish(parent.key, parent.response)) this.#hastyAtMs = this.#context.nowMs;
    }
    this.#speak();
    this.#watchRoot();
  }

  /** Whether the signature of this peer lets us go to a lower root, or renew what others know of us. */
  awaits(peer: Peer): boolean {
    return this.#refresh || compareOctets(this.thin.rootOf(peer), this.#tree.rootOf(this.#context.key)) < 0;
  }

  #judge(peer: Peer, announce: Announce): CloseReason | undefined {
    const { crypto, key } = this.#context;
    if (announce.port === 0n && !equalOctets(announce.key, announce.parent)) return 'announce invalid';
    const signed = announceSigned(announce.key, announce.parent, announce);
    if (!crypto.ed25519Verify(announce.key, announce.sig, signed)) return 'announce invalid';
    if (!crypto.ed25519Verify(announce.parent, announce.psig, signed)) return 'announce invalid';
    if (!this.#tree.accepts(announce)) {
      const better = this.#tree.get(announce.key);
      if (better === undefined || !isTrusted(peer)) return undefined;
      peer.told.add(better);
      const isEnough = isSlowPeer(peer) && !wantsRenewals(peer) && isRenewal(better, announce);
      if (!isEnough) tellPeer(peer, FRAME.announce, encodeAnnounce(better));
      return undefined;
    }
    const info = this.#store(announce);
    if (info === undefined) {
      this.#context.stats.drop('announce refused, table full');
      return undefined;
    }
    peer.told.add(info);
    peer.thin?.vouched.add(info);
    this.#placeKnown(peer, info);
    // Ours, from before a restart: from now on we count from there, and publish a newer one.
    if (equalOctets(info.key, key)) {
      this.#refresh = true;
      this.#peers.renewRequests(this.newRequest);
    }
    return undefined;
  }

  #store(announce: Announce): Info | undefined {
    const put = this.#tree.put(announce, this.#peers.keys, (info) => this.#forget(info));
    if (put?.replaced !== undefined) this.#replace(put.replaced, put.stored);
    return put?.stored;
  }

  #forget(info: Info): void {
    this.thin.removed(info);
    for (const peer of this.#peers.all()) dropInfo(peer, info);
  }

  /** A mere renewal is as good as told where nobody needs it. */
  #replace(before: Info, after: Info): void {
    for (const peer of this.#peers.all()) {
      const isEnough = isSlowPeer(peer) && !wantsRenewals(peer) && isRenewal(before, after);
      if (dropInfo(peer, before) && isEnough) peer.told.add(after);
    }
  }

  /** Its announcement is the last of its ancestry that a peer tells: from now on we know that at first hand. */
  #placeKnown(peer: Peer, info: Info): void {
    if (equalOctets(info.key, peer.key)) this.#tree.setPlace(peer.key, undefined);
  }

  #answer(link: PeerLink, request: SigReq): void {
    const fields = { ...request, port: BigInt(link.peer.port) };
    const psig = this.#context.signer.sign(announceSigned(link.peer.key, this.#context.key, fields));
    link.pipe.sendControl(
      FRAME.sigRes,
      encodeFrame(FRAME.sigRes, (writer) => writeSigRes(writer, { ...fields, psig })),
    );
  }

  /** What waited for the buckets. */
  #workOff(): { link: PeerLink; reason: CloseReason }[] {
    const ends: { link: PeerLink; reason: CloseReason }[] = [];
    for (const link of this.#peers.links()) {
      if (link.unanswered === undefined || !link.sigReqs.take(this.#context.nowMs)) continue;
      this.#answer(link, link.unanswered);
      link.unanswered = undefined;
    }
    for (const peer of this.#peers.all()) {
      for (const body of peer.deferred.splice(0)) {
        const reason = this.announceReceived(peer, body);
        if (reason !== undefined) ends.push(...peer.links.map((link) => ({ link, reason })));
      }
    }
    return ends;
  }

  #chooseParent(): void {
    const { key, nowMs } = this.#context;
    const self = this.#tree.get(key);
    const isSecondLook = this.#hastyAtMs !== undefined && nowMs >= this.#hastyAtMs + MAINTENANCE_MS / 2;
    if (isSecondLook) this.#hastyAtMs = undefined;
    const best = this.#best(this.#refresh || isSecondLook);
    const parent = best.peer?.key ?? key;
    if (self !== undefined && !this.#refresh && !this.#doRoot1 && !this.#doRoot2 && equalOctets(self.parent, parent))
      return;
    if (best.peer?.response !== undefined && this.#publish(best.peer.key, best.peer.response)) {
      this.#moves.take(nowMs);
      return;
    }
    if (this.#doRoot2 && this.#isAnswerDue()) return;
    if (this.#doRoot2) this.#becomeRoot();
    else this.#doRoot1 = true;
  }

  /** Over radio an answer takes its time, and becoming a root meanwhile costs more air than waiting for it. */
  #isAnswerDue(): boolean {
    const { roundTrips, leastMs, mostMs } = SLOW_ANSWER;
    if (this.#tree.get(this.#context.key) === undefined) return false;
    return this.#peers.proven.some((peer) => {
      if (!isSlowPeer(peer) || !peer.isAsked || peer.response !== undefined) return false;
      const waitMs = Math.min(Math.max(leastMs, roundTrips * peerCost(peer)), mostMs);
      return this.#context.nowMs < peer.askedAtMs + waitMs;
    });
  }

  /** Whom to follow at once: not our parent, unless our announcement must be renewed. */
  #betterParent(): Peer | undefined {
    const self = this.#tree.get(this.#context.key);
    if (self === undefined) return undefined;
    const { peer } = this.#best(this.#refresh, self.parent);
    const isPresent = peer !== undefined && equalOctets(peer.key, self.parent);
    return isPresent && !this.#refresh ? undefined : peer;
  }

  /** @param except a lost parent: ways over it do not count */
  #best(mayImprove: boolean, except?: Uint8Array): Candidate {
    const { key } = this.#context;
    const self = this.#tree.get(key);
    let best: Candidate = { root: key, peer: undefined, cost: Number.POSITIVE_INFINITY };
    const present = this.#peers.proven.find((peer) => self !== undefined && equalOctets(peer.key, self.parent));
    if (present !== undefined) {
      const { infos, root = key, hops } = this.#tree.ancestry(key);
      const isLoop = infos.some((info, i) => i > 0 && equalOctets(info.parent, key));
      const isUsable = !isLoop && hops <= HOPS_MAX && compareOctets(root, key) < 0;
      if (isUsable) best = { root, peer: present, cost: hops * peerCost(present) };
    }
    const isLost = present === undefined && self !== undefined && !equalOctets(self.parent, key);
    const avoided = isLost ? except : undefined;
    for (const peer of this.#peers.proven) best = this.#better(best, peer, { present, mayImprove, avoided });
    return best;
  }

  /** The rules of section 4.4: a lower root at once; a lower cost when we change anyway or refresh and it is half. */
  #better(best: Candidate, peer: Peer, { present, mayImprove, avoided }: Choice): Candidate {
    if (peer.response === undefined) return best;
    const { infos, hops, root = this.#presumedRoot(peer) } = this.#tree.ancestry(peer.key);
    if (root === undefined || hops >= HOPS_MAX) return best;
    const { key } = this.#context;
    if (infos.some((info) => equalOctets(info.key, key) || (avoided !== undefined && equalOctets(info.key, avoided))))
      return best;
    const candidate: Candidate = { root, peer, cost: hops * peerCost(peer) };
    const order = compareOctets(root, best.root);
    if (order < 0) return candidate;
    if (order > 0) return best;
    const isPresent = best.peer !== undefined && best.peer === present;
    const wins = (mayImprove && 2 * candidate.cost < best.cost) || (!isPresent && candidate.cost < best.cost);
    return wins ? candidate : best;
  }

  /**
   * A peer that has not said yet where it is, which can take it a round, has a root that is not higher than itself. If its
   * key is lower than ours we shall follow it, and may as well say so: then its next round finds us in its tree. Only
   * a root of nobody does so, for it leads others astray until the peer has spoken.
   */
  #presumedRoot(peer: Peer): PublicKey | undefined {
    const { key, nowMs } = this.#context;
    if (nowMs >= peer.upSinceMs + PRESUMED_ROOT_MS || compareOctets(peer.key, key) > 0) return undefined;
    const { parent } = this;
    if (!equalOctets(parent, key) && !equalOctets(parent, peer.key)) return undefined;
    const isParent = this.#peers.proven.some((other) => {
      const info = this.#tree.get(other.key);
      return info !== undefined && equalOctets(info.parent, key);
    });
    return isParent ? undefined : peer.key;
  }

  /** False if the announcement would not replace our present one. */
  #publish(parent: PublicKey, fields: { seq: bigint; nonce: bigint; port: bigint; psig: Uint8Array }): boolean {
    const { key, signer } = this.#context;
    const { seq, nonce, port, psig } = fields;
    const unsigned = { key, parent, seq, nonce, port, psig, sig: psig };
    if (!this.#tree.accepts(unsigned)) return false;
    const sig = signer.sign(announceSigned(key, parent, fields));
    const isRoot = equalOctets(key, parent);
    if (!this.#place(parent, { seq, nonce, port, sig, psig: isRoot ? sig : psig })) return false;
    this.thin.isSigned = true;
    return true;
  }

  #place(parent: PublicKey, fields: Omit<Announce, 'key' | 'parent'>): boolean {
    const { key } = this.#context;
    const before = this.parent;
    if (this.#store({ key, parent, ...fields }) === undefined) return false;
    this.#refresh = false;
    this.#doRoot1 = false;
    this.#doRoot2 = false;
    this.#refreshAtMs = this.#context.nowMs + ANNOUNCE_REFRESH_MS;
    this.#peers.renewRequests(this.newRequest);
    if (equalOctets(before, parent)) return true;
    this.#context.stats.count('parentChanges');
    this.#context.events.push({ kind: 'parentChanged', parent });
    return true;
  }

  #becomeRoot(): void {
    const { seq, nonce } = this.newRequest();
    this.#publish(this.#context.key, { seq, nonce, port: 0n, psig: NO_SIGNATURE });
  }

  /** What a leaf knows of itself: not signed, for nobody will see it. */
  #settle(peer: Peer, { root, coords }: Place): void {
    const { port, parent } = splitPath(coords);
    const own = this.#tree.get(this.#context.key);
    this.#tree.setPlace(peer.key, { root, coords: parent });
    if (own !== undefined && own.port === port && equalOctets(own.parent, peer.key)) return;
    this.thin.isSigned = false;
    const { seq, nonce } = this.newRequest();
    this.#place(peer.key, { seq, nonce, port, psig: NO_SIGNATURE, sig: NO_SIGNATURE });
  }

  /** Requests over radio, what thin gossip adds, announcements. */
  #speak(): void {
    // A leaf has got a second peer: from now on its announcement is needed.
    if (!this.thin.isSigned && this.#peers.gateway === undefined) this.#refresh = true;
    for (const peer of this.#peers.proven) {
      if (!isSlowPeer(peer) || peer.isAsked) continue;
      if (this.thin.isWorthAsking(peer, this.#refresh)) this.#peers.askSlowly(peer);
    }
    this.thin.look();
    this.#announce();
  }

  /** Each peer learns our ancestry, roots first, as far as it has not heard it; its own waits for the round. */
  #announce(): void {
    const own = this.#tree.ancestry(this.#context.key).infos;
    for (const peer of this.#peers.proven) this.#tell(peer, own);
  }

  #tell(peer: Peer, ancestry: readonly Info[]): void {
    if (!this.thin.mayTell(peer)) return;
    for (let i = ancestry.length - 1; i >= 0; i--) {
      const info = ancestry[i] as Info;
      if (peer.told.has(info)) continue;
      if (isSlowPeer(peer) && !hasRoom(peer)) return;
      peer.told.add(info);
      tellPeer(peer, FRAME.announce, encodeAnnounce(info));
    }
  }

  #watchRoot(): void {
    const root = this.#tree.rootOf(this.#context.key);
    if (this.#root !== undefined && equalOctets(this.#root, root)) return;
    this.#root = root;
    this.#context.stats.count('rootChanges');
    this.#context.events.push({ kind: 'rootChanged', root, isSelf: equalOctets(root, this.#context.key) });
  }
}

type Candidate = { root: Uint8Array; peer: Peer | undefined; cost: number };

type Choice = { present: Peer | undefined; mayImprove: boolean; avoided: Uint8Array | undefined };

const NO_SIGNATURE = new Uint8Array(64);

/** False: it had not been told. */
function dropInfo({ told, thin }: Peer, info: Info): boolean {
  thin?.vouched.delete(info);
  thin?.recalled.delete(info);
  return told.delete(info);
}

function isTrusted(peer: Peer): boolean {
  return peer.links.some((link) => link.isProven);
}

function isSame(a: Announce, b: Announce): boolean {
  return (
    a.seq === b.seq &&
    a.nonce === b.nonce &&
    a.port === b.port &&
    equalOctets(a.parent, b.parent) &&
    equalOctets(a.sig, b.sig) &&
    equalOctets(a.psig, b.psig)
  );
}

function encodeAnnounce(info: Info): Uint8Array {
  return encodeFrame(FRAME.announce, (writer) => writeAnnounce(writer, info));
}
