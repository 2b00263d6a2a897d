/** Exchange of Bloom filters with the peers on the tree, and the multicast that follows them (section 4.6). */

import { emptyFilter, type FilterHalves, readFilter, writeFilter } from '../../wire/filter.ts';
import { encodeFrame, FRAME } from '../../wire/frame.ts';
import type { Context } from '../context.ts';
import { bloomItem } from '../identity.ts';
import { FILTER_RESEND_ROUNDS, SLOW_FILTER_CLEAR_MS, SLOW_FILTER_HOLD } from '../limits.ts';
import { equalOctets } from '../octetmap.ts';
import { filterAdd, filterContains, filterEquals, filterHas, filterMerge, filterPositions } from './bloom.ts';
import { hasRoom, isLeafPeer, isSlowPeer, type Peer, type PeerLink, type Peers, peerCost, tellPeer } from './peers.ts';
import type { Tree } from './tree.ts';

export class Blooms {
  readonly #context: Context;
  readonly #peers: Peers;
  readonly #tree: Tree;
  readonly #own: FilterHalves = emptyFilter();

  constructor(context: Context, peers: Peers, tree: Tree) {
    this.#context = context;
    this.#peers = peers;
    this.#tree = tree;
    filterAdd(this.#own, filterPositions(context.item));
  }

  /** False for a malformed body. */
  received(link: PeerLink, body: Uint8Array): boolean {
    const filter = readFilter(body);
    if (filter === undefined) return false;
    const { peer } = link;
    if (peer.filters.take(this.#context.nowMs)) {
      peer.recvFilter = filter;
      peer.pendingFilter = undefined;
    } else {
      if (peer.pendingFilter !== undefined) this.#context.stats.drop('filter coalesced');
      peer.pendingFilter = filter;
    }
    return true;
  }

  /** A link has been proven: the other side must know the last filter, or that there is none. */
  greet(link: PeerLink): void {
    if (link.isSlow && (!isSlowPeer(link.peer) || filterEquals(link.peer.sendFilter, NO_ITEMS))) return;
    link.pipe.sendControl(FRAME.bloomFilter, encodeFilter(link.peer.sendFilter));
  }

  /** One of several links went; what it carried may be lost. */
  repeat(peer: Peer): void {
    tellPeer(peer, FRAME.bloomFilter, encodeFilter(peer.sendFilter));
  }

  /** Once a round, after the parent has been chosen. */
  round(): void {
    for (const peer of this.#peers.proven) {
      this.#takePending(peer);
      peer.isOnTree = this.isOnTree(peer);
      this.#presume(peer);
      if (!peer.isOnTree && !filterEquals(peer.sendFilter, NO_ITEMS)) this.#send(peer, emptyFilter());
    }
    for (const { peer, exact } of this.#exactFilters()) {
      if (isSlowPeer(peer)) this.#updateSlowly(peer, exact);
      else this.#update(peer, exact);
    }
  }

  /**
   * Between rounds, when something has changed: who is on the tree is known at once, and what is new in a filter goes out
   * at once; what is no longer in it waits for the round. Returns the peers that are on the tree since now.
   */
  look(): Peer[] {
    const { nowMs } = this.#context;
    const arrived: Peer[] = [];
    for (const peer of this.#peers.proven) {
      const was = peer.isOnTree;
      peer.isOnTree = this.isOnTree(peer);
      this.#presume(peer);
      if (peer.isOnTree && !was) arrived.push(peer);
      const hasLeft = !peer.isOnTree && was && !filterEquals(peer.sendFilter, NO_ITEMS);
      if (hasLeft && peer.filtersSent.take(nowMs)) this.#send(peer, emptyFilter());
    }
    for (const { peer, exact } of this.#exactFilters()) {
      if (filterContains(peer.sendFilter, exact) || !this.#maySend(peer)) continue;
      filterMerge(exact, peer.sendFilter);
      this.#send(peer, exact);
    }
    return arrived;
  }

  /** Peers that a lookup for an item goes to, except where it came from. */
  *targets(positions: Uint16Array, except: Peer | undefined): IterableIterator<Peer> {
    for (const peer of this.#peers.proven) {
      if (peer !== except && peer.isOnTree && filterHas(peer.recvFilter, positions)) yield peer;
    }
  }

  #takePending(peer: Peer): void {
    if (peer.pendingFilter === undefined || !peer.filters.take(this.#context.nowMs)) return;
    peer.recvFilter = peer.pendingFilter;
    peer.pendingFilter = undefined;
  }

  isOnTree(peer: Peer): boolean {
    const theirs = this.#tree.get(peer.key);
    if (this.#isParent(peer) || this.#peers.gateway === peer) return true;
    if (isLeafPeer(peer) && this.#tree.placeOf(peer.key) !== undefined) return true;
    return theirs !== undefined && equalOctets(theirs.parent, this.#context.key);
  }

  #isParent({ key }: Peer): boolean {
    const own = this.#tree.get(this.#context.key);
    return own !== undefined && equalOctets(own.parent, key);
  }

  /** Over radio no filter goes down the tree: a parent is the way to whatever nobody else has. */
  #presume(peer: Peer): void {
    const isAbove = this.#isParent(peer) || this.#peers.gateway === peer;
    // It takes a leaf's filter from its key, and what it had before has gone.
    if (this.#peers.gateway === peer) peer.sendFilter = NO_ITEMS;
    if (isAbove && isSlowPeer(peer)) peer.recvFilter = ALL_ITEMS;
    else if (!isAbove && peer.recvFilter === ALL_ITEMS) peer.recvFilter = emptyFilter();
    if (isAbove || peer.thin === undefined) return;
    // Of a child that is no leaf the filter takes its time; that it is there itself is known without it.
    const isNew = isSlowPeer(peer) && peer.isOnTree && filterEquals(peer.recvFilter, NO_ITEMS);
    if (!isNew && !isLeafPeer(peer)) return;
    if (peer.thin.leafFilter === undefined) {
      peer.thin.leafFilter = emptyFilter();
      filterAdd(peer.thin.leafFilter, filterPositions(bloomItem(peer.key)));
    }
    peer.recvFilter = peer.thin.leafFilter;
  }

  #maySend(peer: Peer): boolean {
    const { thin } = peer;
    if (thin === undefined || !isSlowPeer(peer)) return peer.filtersSent.take(this.#context.nowMs);
    if (this.#peers.gateway === peer) return false;
    const { leastMs, costs } = SLOW_FILTER_HOLD;
    if (this.#context.nowMs < peer.upSinceMs + Math.max(leastMs, costs * peerCost(peer))) return false;
    return this.#isParent(peer) && hasRoom(peer) && thin.filters.take(this.#context.nowMs);
  }

  /** For each peer on the tree what it should hear: our own item and what all the others sent. */
  #exactFilters(): { peer: Peer; exact: FilterHalves }[] {
    const onTree = this.#peers.proven.filter((peer) => peer.isOnTree);
    const filters = filtersWithoutEach(this.#own, onTree);
    return onTree.map((peer, i) => ({ peer, exact: filters[i] as FilterHalves }));
  }

  /** Ones travel at once; a bit is cleared one round after it should, by then with certainty (section 4.6). */
  #update(peer: Peer, exact: FilterHalves): void {
    peer.roundsSinceFilter++;
    const isDue = peer.roundsSinceFilter >= FILTER_RESEND_ROUNDS;
    if (filterContains(exact, peer.sendFilter)) {
      peer.hasSurplus = false;
      if (isDue || !filterEquals(exact, peer.sendFilter)) this.#send(peer, exact);
      return;
    }
    if (peer.hasSurplus) {
      peer.hasSurplus = false;
      this.#send(peer, exact);
      return;
    }
    peer.hasSurplus = true;
    filterMerge(exact, peer.sendFilter);
    if (isDue || !filterEquals(exact, peer.sendFilter)) this.#send(peer, exact);
  }

  /** Ones soon, zeros late; what arrived stays. */
  #updateSlowly(peer: Peer, exact: FilterHalves): void {
    const { thin } = peer;
    if (thin === undefined) return;
    const { nowMs } = this.#context;
    const hasSurplus = !filterContains(exact, peer.sendFilter);
    thin.surplusAtMs = hasSurplus ? (thin.surplusAtMs ?? nowMs) : undefined;
    const isHeld = thin.surplusAtMs !== undefined && nowMs < thin.surplusAtMs + SLOW_FILTER_CLEAR_MS;
    if (isHeld) filterMerge(exact, peer.sendFilter);
    if (filterEquals(exact, peer.sendFilter) || !this.#maySend(peer)) return;
    if (!isHeld) thin.surplusAtMs = undefined;
    this.#send(peer, exact);
  }

  #send(peer: Peer, filter: FilterHalves): void {
    peer.sendFilter = filter;
    peer.roundsSinceFilter = 0;
    tellPeer(peer, FRAME.bloomFilter, encodeFilter(filter));
  }
}

/** Nobody writes to it. */
export const NO_ITEMS: FilterHalves = emptyFilter();
const ALL_ITEMS = emptyFilter().fill(0xffff_ffff);

function encodeFilter(filter: FilterHalves): Uint8Array {
  return encodeFrame(FRAME.bloomFilter, (writer) => writeFilter(writer, filter));
}

/** For each peer: our own item and what all the others sent. Sums from both ends, so the work grows with the number. */
function filtersWithoutEach(own: FilterHalves, peers: readonly Peer[]): FilterHalves[] {
  const before: FilterHalves[] = [];
  let sum: FilterHalves = own.slice();
  for (const peer of peers) {
    before.push(sum.slice());
    filterMerge(sum, peer.recvFilter);
  }
  sum = emptyFilter();
  for (let i = peers.length - 1; i >= 0; i--) {
    filterMerge(before[i] as FilterHalves, sum);
    filterMerge(sum, (peers[i] as Peer).recvFilter);
  }
  return before;
}
