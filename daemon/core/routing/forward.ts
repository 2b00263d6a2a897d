/** The next hop of a packet: greedy by distance in the tree, weighed by cost (section 4.5). */
import { commonHops, hopCount } from '../../wire/path.ts';
import { equalOctets } from '../octetmap.ts';
import type { Coords } from '../port.ts';
import type { Peer, PeerLink, Peers } from './peers.ts';
import type { Tree } from './tree.ts';

export class Forwarder {
  /** Our own distance to the destination of the last `nextHop`: the packet's new watermark. */
  distance = 0;
  readonly #tree: Tree;
  readonly #peers: Peers;
  readonly #ownKey: Uint8Array;
  #coords: Coords = new Uint8Array(0) as Coords;
  #hops = 0;
  #treeVersion = -1;
  #peersVersion = -1;

  constructor(tree: Tree, peers: Peers, ownKey: Uint8Array) {
    this.#tree = tree;
    this.#peers = peers;
    this.#ownKey = ownKey;
  }

  get coords(): Coords {
    this.#refresh();
    return this.#coords;
  }

  /** Undefined: the packet is for us, or it cannot get closer. The watermark is that of the packet as it came. */
  nextHop(path: Uint8Array, watermarkHigh: number, watermarkLow: number): PeerLink | undefined {
    this.#refresh();
    const pathHops = hopCount(path);
    const own = this.#hops + pathHops - 2 * commonHops(this.#coords, path);
    this.distance = own;
    if (watermarkHigh === 0 && own >= watermarkLow) return undefined;
    let best: PeerLink | undefined;
    let bestDistance = 0;
    let bestCost = 0;
    const peers = this.#peers.proven;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i] as Peer;
      const distance = peer.hops + pathHops - 2 * commonHops(peer.coords, path);
      if (distance >= own) continue;
      const { links } = peer;
      for (let j = 0; j < links.length; j++) {
        const link = links[j] as PeerLink;
        if (!link.isEligible) continue;
        if (best !== undefined && judge(link, distance, best, bestDistance, bestCost) < 0) continue;
        best = link;
        bestDistance = distance;
        bestCost = link.cost;
      }
    }
    return best;
  }

  /** As `nextHop`, but a direct peer is reached whatever the coordinates say, if the packet may still get closer. */
  hopTo(
    path: Uint8Array,
    watermarkHigh: number,
    watermarkLow: number,
    dest: Uint8Array,
    destAt: number,
    destHash: number,
  ): PeerLink | undefined {
    const towards = this.nextHop(path, watermarkHigh, watermarkLow);
    if (watermarkHigh === 0 && this.distance >= watermarkLow) return undefined;
    const peer = this.#peers.get(destHash, dest, destAt);
    return (peer && preferredLink(peer)) ?? towards;
  }

  /** From here, and from a peer. */
  distances(path: Uint8Array, peer: Peer): { own: number; theirs: number } {
    this.#refresh();
    const hops = hopCount(path);
    return {
      own: this.#hops + hops - 2 * commonHops(this.#coords, path),
      theirs: peer.hops + hops - 2 * commonHops(peer.coords, path),
    };
  }

  #refresh(): void {
    if (this.#treeVersion === this.#tree.version && this.#peersVersion === this.#peers.version) return;
    this.#treeVersion = this.#tree.version;
    this.#peersVersion = this.#peers.version;
    this.#coords = this.#tree.coords(this.#ownKey);
    this.#hops = hopCount(this.#coords);
    const root = this.#tree.rootOf(this.#ownKey);
    for (const peer of this.#peers.all()) {
      peer.hasOurRoot = equalOctets(this.#tree.rootOf(peer.key), root);
      peer.coords = this.#tree.coords(peer.key);
      peer.hops = hopCount(peer.coords);
    }
  }
}

/** Names of the rules that `judge` goes by, in their order; stable, since admin answers carry them. */
export const RULES = [
  '',
  'own tree',
  'answers',
  'priority',
  'datagrams',
  'product',
  'distance',
  'cost',
  'age',
] as const;

export type Rule = Exclude<(typeof RULES)[number], ''>;

/**
 * Which of two links is the better hop: above zero x, below zero y; without the sign it is the place in `RULES` of the rule that
 * decides, the first one of section 4.5 that applies. Before those: anyone can make a tree of its own and have any
 * coordinates there, so a peer of another tree is a hop only when ours has none. Of one peer's links those whose answer is
 * overdue come last, and datagrams before streams: on a datagram link nothing that is lost holds up what follows.
 */
export function judge(x: PeerLink, distance: number, y: PeerLink, yDistance: number, yCost: number): number {
  if (x.peer.hasOurRoot !== y.peer.hasOurRoot) return x.peer.hasOurRoot ? 1 : -1;
  if (x.peer === y.peer) {
    if (x.pipe.isDoubtful !== y.pipe.isDoubtful) return y.pipe.isDoubtful ? 2 : -2;
    if (x.pipe.priority !== y.pipe.priority) return x.pipe.priority < y.pipe.priority ? 3 : -3;
    if (isDatagram(x) !== isDatagram(y) && hasNoSetCost(x) && hasNoSetCost(y)) return isDatagram(x) ? 4 : -4;
  }
  const product = x.cost * distance;
  const yProduct = yCost * yDistance;
  if (product !== yProduct) return product < yProduct ? 5 : -5;
  if (distance !== yDistance) return distance < yDistance ? 6 : -6;
  if (x.cost !== yCost) return x.cost < yCost ? 7 : -7;
  return x.order < y.order ? 8 : -8;
}

/** Only such links measure themselves. */
function isDatagram({ pipe }: PeerLink): boolean {
  return pipe.lagMs !== undefined;
}

function hasNoSetCost({ pipe }: PeerLink): boolean {
  return pipe.facts.cost === undefined;
}

/** The link of one peer that is preferred: one in no doubt, lowest priority number, then cost, then age. */
export function preferredLink(peer: Peer): PeerLink | undefined {
  let best: PeerLink | undefined;
  for (const link of peer.links) {
    if (link.isEligible && (best === undefined || judge(link, 1, best, 1, best.cost) > 0)) best = link;
  }
  return best;
}
