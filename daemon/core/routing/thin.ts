/**
 * Thin gossip: what makes the tree cheap over radio, between two nodes of ours (formats: `wire/README.md`).
 *
 * A peer that speaks it vouches for the announcements that it gave us first: it says when one changes or is no more, so none
 * has to be renewed to be believed. Renewals cross a radio only where somebody behind it needs them, as plain nodes do. A
 * leaf, which has no other peer, is told its gateway's place instead of announcements. Signed objects stay as they are.
 */
import { Writer } from '../../wire/cursor.ts';
import { encodeFrame } from '../../wire/frame.ts';
import { notifySigned } from '../../wire/lookup.ts';
import { hopCount } from '../../wire/path.ts';
import {
  type Card,
  type Place,
  readCard,
  readForget,
  readPlace,
  readStance,
  type Stance,
  THIN,
  writePlace,
  writeStance,
} from '../../wire/thin.ts';
import type { Context } from '../context.ts';
import { bloomItem } from '../identity.ts';
import { ANNOUNCE_LIFE_MS, CANDIDATE_ASK_MS, FOLLOW_HOLD_MS, HOPS_MAX, RECALL_MS, STANCE_HOLD_MS } from '../limits.ts';
import { compareOctets, equalOctets } from '../octetmap.ts';
import type { CloseReason } from '../port.ts';
import { hasRoom, isLeafPeer, isSlowPeer, type Peer, type Peers, tellThinly, wantsRenewals } from './peers.ts';
import type { Ancestry, Info, Tree } from './tree.ts';

export class Thin {
  /** Our announcement can be shown; a leaf's has no signatures, since nobody needs to believe it. */
  isSigned = true;
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #tree: Tree;
  readonly #settle: (peer: Peer, place: Place) => void;

  /** @param settle makes us the child of a peer, at the last port of a place */
  constructor(context: Context, peers: Peers, tree: Tree, settle: (peer: Peer, place: Place) => void) {
    this.#context = context;
    this.#peers = peers;
    this.#tree = tree;
    this.#settle = settle;
  }

  /** A frame of thin gossip, from a proven link. */
  received(peer: Peer, type: number, body: Uint8Array): CloseReason | undefined {
    const { thin } = peer;
    if (thin === undefined) return 'frame type unknown';
    if (!thin.frames.take(this.#context.nowMs)) {
      this.#context.stats.drop('thin gossip rate');
      return undefined;
    }
    if (type === THIN.stance) return this.#stanceReceived(peer, readStance(body));
    if (type === THIN.place) {
      const place = readPlace(body);
      const hops = place === undefined ? 0 : hopCount(place.coords);
      if (place === undefined || hops < 1 || hops > HOPS_MAX) return 'frame malformed';
      // Whoever is no leaf any more has been promised announcements.
      if (thin.said?.isLeaf !== true || compareOctets(place.root, this.#context.key) >= 0) return undefined;
      this.#clearTold(peer);
      this.#settle(peer, place);
      return undefined;
    }
    if (type === THIN.card) return this.#cardReceived(peer, readCard(body));
    const key = readForget(body);
    if (key === undefined) return 'frame malformed';
    this.#forgetReceived(peer, key);
    return undefined;
  }

  /** Says to each peer that speaks it what we want of it, and to leaves where we are, so far as that has changed. */
  look(): void {
    for (const peer of this.#peers.proven) {
      this.#sayStance(peer);
      this.#sayPlace(peer);
    }
  }

  /** Once a round, before announcements expire. */
  round(): void {
    const { nowMs } = this.#context;
    for (const { key, thin } of this.#peers.proven) {
      if (thin === undefined) continue;
      for (const info of this.#tree.ancestry(key).infos) {
        if (thin.vouched.has(info)) info.expiresAtMs = nowMs + ANNOUNCE_LIFE_MS;
      }
    }
    this.#recall();
  }

  /** It lost its voucher and we asked for it again: the peer has it still, and vouches for it. */
  repeated(peer: Peer, info: Info): void {
    if (peer.thin?.recalled.delete(info) === true) peer.thin.vouched.add(info);
  }

  /** It is no longer stored: whoever believes it because we vouch for it, or believes that we have it, hears so. */
  removed(info: Info): void {
    for (const peer of this.#peers.proven) {
      if (peer.thin !== undefined && peer.told.has(info)) this.#sayForget(peer, info);
    }
  }

  /** Whether a peer is to be told announcements now. */
  mayTell(peer: Peer): boolean {
    const own = this.#tree.ancestry(this.#context.key);
    // We know our ancestry by hearsay; announcements without it would make us a root in the eyes of others.
    if (!this.isSigned || own.place !== undefined) return false;
    if (!isSlowPeer(peer) || isAbove(own, peer)) return true;
    const stance = peer.thin?.stance;
    return stance !== undefined && !stance.isLeaf && !this.#isAboutToFollow(own, peer);
  }

  /** A parent over radio that has our announcement, and should get a card with it: then it need not ask us where we are. */
  cardDue(): Peer | undefined {
    const own = this.#tree.ancestry(this.#context.key);
    const [self] = own.infos;
    if (self === undefined || !this.isSigned || !own.isRooted) return undefined;
    const parent = this.#peers.proven.find((peer) => isParent(own, peer));
    if (parent?.thin === undefined || !isSlowPeer(parent) || !parent.told.has(self)) return undefined;
    const { carded } = parent.thin;
    if (carded !== undefined && isRenewal(carded, self)) return undefined;
    parent.thin.carded = self;
    return parent;
  }

  /** Whether anybody needs our own announcement to be new, for what it costs to have it signed. */
  needsRenewal(): boolean {
    const { proven } = this.#peers;
    const own = this.#tree.ancestry(this.#context.key);
    const isSlow = proven.some((peer) => isParent(own, peer) && isSlowPeer(peer));
    return proven.length === 0 || proven.some((peer) => wantsRenewals(peer) || !(isSlow || isSlowPeer(peer)));
  }

  /** Whether the signature of a peer behind a radio would be of use now. */
  isWorthAsking(peer: Peer, isRefreshing: boolean): boolean {
    const { key, nowMs } = this.#context;
    const own = this.#tree.ancestry(key);
    const walk = this.#tree.ancestry(peer.key);
    if (this.#peers.gateway === peer) return false;
    if (isParent(own, peer)) return peer.thin?.hasBeenAsked !== true || isRefreshing || this.needsRenewal();
    if (walk.infos.some((info) => equalOctets(info.key, key))) return false;
    const root = walk.root ?? peer.thin?.stance?.root;
    if (root === undefined) return own.hops === 0 && !this.#hasChild();
    if (compareOctets(root, own.root ?? key) < 0) return true;
    if (isLeafPeer(peer)) return false;
    const parent = own.infos[0]?.parent ?? key;
    const isLost = !equalOctets(parent, key) && !this.#peers.proven.some((other) => equalOctets(other.key, parent));
    return isLost || nowMs >= peer.askedAtMs + CANDIDATE_ASK_MS;
  }

  /** The root of the tree that a peer is in, as far as it has said so. */
  rootOf(peer: Peer): Uint8Array {
    return this.#tree.ancestry(peer.key).root ?? peer.thin?.stance?.root ?? peer.key;
  }

  #stanceReceived(peer: Peer, stance: Stance | undefined): CloseReason | undefined {
    const { thin } = peer;
    if (stance === undefined || thin === undefined) return 'frame malformed';
    const isOther = thin.stance !== undefined && thin.stance.isLeaf !== stance.isLeaf;
    thin.stance = stance;
    if (isOther) {
      thin.placed = undefined;
      this.#clearTold(peer);
    }
    // What comes behind it in the same packet may be a lookup of a leaf, which counts once it has its place.
    this.#sayPlace(peer);
    return undefined;
  }

  /** It names no place: one of the two may have heard of another since, and with that it would be no answer for anybody. */
  #cardReceived(peer: Peer, card: Card | undefined): CloseReason | undefined {
    if (card === undefined) return 'frame malformed';
    const theirs = this.#tree.get(peer.key);
    const isChild = theirs !== undefined && equalOctets(theirs.parent, this.#context.key);
    if (!isChild && (this.#tree.placeOf(peer.key) === undefined || !isLeafPeer(peer))) return undefined;
    const { nowMs, crypto, stats } = this.#context;
    const info = { seq: card.seq, path: this.#tree.coords(peer.key), sig: card.sig };
    if (!crypto.ed25519Verify(peer.key, card.sig, notifySigned(card.seq, info.path))) {
      stats.drop('notify stale');
      return undefined;
    }
    peer.thin?.gate.answered(bloomItem(peer.key), peer.key, info, nowMs);
    return undefined;
  }

  #forgetReceived(peer: Peer, key: Uint8Array): void {
    const info = this.#tree.get(key);
    if (info === undefined) return;
    peer.told.delete(info);
    if (peer.thin?.vouched.delete(info) === true) info.expiresAtMs = this.#context.nowMs;
  }

  #sayStance(peer: Peer): void {
    const { thin } = peer;
    if (thin === undefined) return;
    const { nowMs, key } = this.#context;
    const own = this.#tree.ancestry(key);
    const isLeaf = this.#peers.gateway === peer;
    const needsAll = this.#peers.proven.some((other) => other !== peer && wantsRenewals(other));
    const stance = { isLeaf, wantsRenewals: needsAll && isParent(own, peer), root: own.root ?? key };
    const { said } = thin;
    if (said?.isLeaf === isLeaf && said.wantsRenewals === stance.wantsRenewals) return;
    const isDemand = said === undefined || (said.isLeaf && !isLeaf) || (stance.wantsRenewals && !said.wantsRenewals);
    if (!isDemand && nowMs < thin.saidAtMs + STANCE_HOLD_MS) return;
    thin.said = stance;
    thin.saidAtMs = nowMs;
    tellThinly(
      peer,
      THIN.stance,
      encodeFrame(THIN.stance, (writer) => writeStance(writer, stance)),
    );
  }

  #sayPlace(peer: Peer): void {
    const { thin } = peer;
    if (thin === undefined || !isLeafPeer(peer) || !hasRoom(peer)) return;
    const { key } = this.#context;
    const own = this.#tree.ancestry(key);
    if (!own.isRooted || isAbove(own, peer) || this.#isAboutToFollow(own, peer)) {
      if (isAbove(own, peer)) this.#tree.setPlace(peer.key, undefined);
      return;
    }
    const place = { root: own.root ?? key, coords: childCoords(this.#tree.coords(key), peer.port) };
    const frame = encodeFrame(THIN.place, (writer) => writePlace(writer, place));
    if (thin.placed !== undefined && equalOctets(thin.placed, frame)) return;
    thin.placed = frame;
    this.#tree.setPlace(peer.key, place);
    tellThinly(peer, THIN.place, frame);
  }

  /** An ancestor's announcement whose voucher has gone: our parent has it, or knows why not. */
  #recall(): void {
    const own = this.#tree.ancestry(this.#context.key);
    const { proven } = this.#peers;
    const parent = proven.find((peer) => isParent(own, peer));
    if (parent?.thin === undefined || !isSlowPeer(parent)) return;
    const { vouched, recalled } = parent.thin;
    for (const info of own.infos.slice(1)) {
      const isOld = info.expiresAtMs < this.#context.nowMs + RECALL_MS;
      if (!isOld || vouched.has(info) || recalled.has(info)) continue;
      recalled.add(info);
      this.#sayForget(parent, info);
    }
  }

  #sayForget(peer: Peer, info: Info): void {
    tellThinly(
      peer,
      THIN.forget,
      encodeFrame(THIN.forget, (writer) => writer.octets(info.key)),
    );
  }

  /** Our tree has the higher root, and theirs will be ours in a moment: what we could say now would be of no use. */
  #isAboutToFollow(own: Ancestry, peer: Peer): boolean {
    const { key, nowMs } = this.#context;
    const isHigher = compareOctets(this.rootOf(peer), own.root ?? key) < 0;
    return isHigher && nowMs < peer.upSinceMs + FOLLOW_HOLD_MS;
  }

  #hasChild(): boolean {
    const { key } = this.#context;
    return this.#peers.proven.some((peer) => {
      const info = this.#tree.get(peer.key);
      return info !== undefined && equalOctets(info.parent, key);
    });
  }

  /** What both sides have of each other stays. */
  #clearTold(peer: Peer): void {
    for (const info of peer.told) {
      if (equalOctets(info.key, this.#context.key) || equalOctets(info.key, peer.key)) continue;
      peer.told.delete(info);
      peer.thin?.vouched.delete(info);
    }
  }
}

function childCoords(coords: Uint8Array, port: number): Uint8Array {
  return new Writer(new Uint8Array(coords.length + 10)).octets(coords).uvarint(port).written().slice();
}

/** It says the same of its node as the one before, only later. */
export function isRenewal(before: Info, after: Pick<Info, 'parent' | 'port'>): boolean {
  return before.port === after.port && equalOctets(before.parent, after.parent);
}

function isParent(own: Ancestry, { key }: Peer): boolean {
  const [self] = own.infos;
  return self !== undefined && equalOctets(self.parent, key);
}

function isAbove(own: Ancestry, { key }: Peer): boolean {
  return own.infos.some((info) => equalOctets(info.parent, key) || equalOctets(info.key, key));
}
