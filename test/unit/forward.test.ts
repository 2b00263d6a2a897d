import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Forwarder, preferredLink } from '../../daemon/core/routing/forward.ts';
import { type PeerLink, Peers } from '../../daemon/core/routing/peers.ts';
import { Tree } from '../../daemon/core/routing/tree.ts';
import { pathPorts } from '../../daemon/wire/path.ts';
import { contextOf, FakePipe, type Identity, identities, linkFacts, vectorsOf } from '../support/core.ts';
import { encodePorts } from './wire-property.ts';

const [root, us, ...others] = identities(8) as [Identity, Identity, ...Identity[]];

/** A node at given coordinates among peers at given coordinates. */
class Place {
  readonly context = contextOf(us);
  readonly peers = new Peers(this.context);
  readonly tree = new Tree(this.context);
  readonly forwarder = new Forwarder(this.tree, this.peers, us.key);
  #between = 1;

  constructor(...ports: number[]) {
    this.#announce(root.key, root.key, 0);
    this.#settle(us.key, ports);
  }

  add(of: Identity, ports: number[], cost: number, priority = 0): PeerLink {
    if (this.tree.get(of.key) === undefined) this.#settle(of.key, ports);
    const link = this.peers.add(new FakePipe(of.key, priority), () => ({ seq: 1n, nonce: 1n }), 0);
    assert.ok(typeof link !== 'string');
    link.cost = cost;
    this.peers.prove(link);
    return link;
  }

  hop(ports: number[], watermark = 2n ** 64n - 1n): PeerLink | undefined {
    const path = encodePorts(ports.map(BigInt));
    return this.forwarder.nextHop(path, Number(watermark >> 32n), Number(watermark & 0xffff_ffffn));
  }

  /** Announces a key and whoever is between it and the root. */
  #settle(key: Uint8Array, ports: number[]): void {
    let parent: Uint8Array = root.key;
    for (const [i, port] of ports.entries()) {
      const isLast = i === ports.length - 1;
      const child = isLast ? key : new Uint8Array(32).fill(this.#between++);
      this.#announce(child, parent, port);
      parent = child;
    }
  }

  #announce(key: Uint8Array, parent: Uint8Array, port: number): void {
    const sig = new Uint8Array(64);
    this.tree.put({ key, parent, seq: 1n, nonce: 1n, port: BigInt(port), psig: sig, sig }, []);
  }
}

const [first, second] = others as [Identity, Identity];

type Vector = {
  self: number[];
  links: { name: string; coords: number[]; cost: number }[];
  items: { destination: number[]; watermark_in: string; chosen: string | null; watermark_out?: string }[];
};
const vector = vectorsOf<Vector>('next_hop');
for (const item of vector.items) {
  test(`chooses ${item.chosen ?? 'nobody'} for ${item.destination} below ${item.watermark_in}`, () => {
    const place = new Place(...vector.self);
    const links = vector.links.map(({ coords, cost }, i) => place.add(others[i] as Identity, coords, cost));
    const hop = place.hop(item.destination, BigInt(item.watermark_in));
    const names = new Map(links.map((link, i) => [link, vector.links[i]?.name]));
    assert.equal(hop === undefined ? null : names.get(hop), item.chosen);
    if (item.watermark_out !== undefined) assert.equal(String(place.forwarder.distance), item.watermark_out);
  });
}

test('our own coordinates are for us', () => {
  const place = new Place(2, 40);
  place.add(first, [2, 40, 1], 1);
  assert.equal(place.hop([2, 40]), undefined);
});

test('a neighbour that is no closer is no hop', () => {
  const place = new Place(2, 40);
  place.add(first, [3, 40], 1);
  place.add(second, [2, 41], 1);
  assert.equal(place.hop([9]), undefined);
});

test('the destination itself wins over the cheapest', () => {
  const place = new Place(1);
  place.add(first, [2], 1);
  const direct = place.add(second, [2, 5], 4_000);
  assert.equal(place.hop([2, 5]), direct);
});

test('a watermark equal to our distance is a dead end', () => {
  const place = new Place(1);
  place.add(first, [2], 1);
  assert.equal(place.hop([2, 5], 3n), undefined);
});

test('a watermark one above our distance may pass', () => {
  const place = new Place(1);
  const link = place.add(first, [2], 1);
  assert.equal(place.hop([2, 5], 4n), link);
});

test('a watermark of 2^32 is larger than any distance', () => {
  const place = new Place(1);
  const link = place.add(first, [2], 1);
  assert.equal(place.hop([2, 5], 2n ** 32n), link);
});

test('cost times distance decides before distance', () => {
  const place = new Place(1, 1);
  place.add(first, [2], 100);
  const cheap = place.add(second, [1], 10);
  assert.equal(place.hop([2, 5]), cheap);
});

test('with equal products the closer one wins', () => {
  const place = new Place(1, 1, 1);
  place.add(first, [1], 2);
  const closer = place.add(root, [], 3);
  assert.equal(place.hop([2, 2]), closer);
});

test('at distance zero the cheaper of two links wins', () => {
  const place = new Place(1);
  place.add(first, [2], 20);
  const cheap = place.add(first, [2], 10);
  assert.equal(place.hop([2]), cheap);
});

test('the priority of one peer’s links decides before cost', () => {
  const place = new Place(1);
  place.add(first, [2], 1, 5);
  const preferred = place.add(first, [2], 4_000, 4);
  assert.equal(place.hop([2, 5]), preferred);
});

test('priorities of different peers are not compared', () => {
  const place = new Place(1, 1);
  place.add(first, [2], 50, 0);
  const cheap = place.add(second, [2, 1], 1, 200);
  assert.equal(place.hop([2, 5]), cheap);
});

test('among equals the link that came up first wins', () => {
  const place = new Place(1);
  const older = place.add(first, [2], 10);
  place.add(first, [2], 10);
  assert.equal(place.hop([2, 5]), older);
});

test('a link that is not proven is no hop', () => {
  const place = new Place(1);
  const link = place.add(first, [2], 1);
  link.isProven = false;
  link.isEligible = false;
  assert.equal(place.hop([2, 5]), undefined);
});

/** A peer that is the root of a tree of its own, and costs next to nothing. */
function addForeign(place: Place, of: Identity): PeerLink {
  const sig = new Uint8Array(64);
  place.tree.put({ key: of.key, parent: of.key, seq: 1n, nonce: 1n, port: 0n, psig: sig, sig }, []);
  return place.add(of, [], 1);
}

test('a peer of another tree does not attract what one of ours can bring closer', () => {
  const place = new Place(1);
  addForeign(place, first);
  const ours = place.add(second, [2], 4_000);
  assert.equal(place.hop([2, 5]), ours);
});

test('a root of its own does not attract what is for our root', () => {
  const place = new Place(1);
  addForeign(place, first);
  const ours = place.add(root, [], 4_000);
  assert.equal(place.hop([]), ours);
});

test('a peer of another tree is a hop when ours has none', () => {
  const place = new Place(1);
  const foreign = addForeign(place, first);
  assert.equal(place.hop([2, 5]), foreign);
});

test('a peer that is gone is no hop', () => {
  const place = new Place(1);
  const link = place.add(first, [2], 1);
  place.peers.remove(link.pipe);
  assert.equal(place.hop([2, 5]), undefined);
});

test('new coordinates of a peer count at once', () => {
  const place = new Place(1);
  const link = place.add(first, [2], 1);
  assert.equal(place.hop([3, 1]), undefined);
  const sig = new Uint8Array(64);
  place.tree.put({ key: first.key, parent: root.key, seq: 2n, nonce: 1n, port: 3n, psig: sig, sig }, []);
  assert.equal(place.hop([3, 1]), link);
});

test('tells our coordinates', () => {
  assert.deepEqual(pathPorts(new Place(2, 40).forwarder.coords), ['2', '40']);
});

test('every hop is strictly closer, so that no packet can circle', () => {
  const place = new Place(1, 1);
  for (const [i, ports] of [[1], [1, 1, 1], [2], [1, 2]].entries()) place.add(others[i] as Identity, ports, 1 + i);
  for (const dest of [[1], [2], [1, 1, 1, 1], [1, 2, 3], [], [5, 5, 5]]) {
    const hop = place.hop(dest);
    if (hop === undefined) continue;
    const own = place.forwarder.distance;
    const common = hop.peer.coords.findIndex((octet, i) => octet !== dest[i]);
    const shared = common < 0 ? Math.min(hop.peer.coords.length, dest.length) : common;
    assert.ok(hop.peer.coords.length + dest.length - 2 * shared < own);
  }
});

test('the preferred link of a peer has the lowest priority number, then the lowest cost, then age', () => {
  const place = new Place(1);
  place.add(first, [2], 1, 9);
  place.add(first, [2], 50, 3);
  const best = place.add(first, [2], 20, 3);
  place.add(first, [2], 20, 3);
  assert.equal(preferredLink(best.peer), best);
});

test('of the links of one peer one whose answer is overdue comes last, whatever its priority', () => {
  const place = new Place(1);
  const doubtful = place.add(first, [2], 1, 3);
  const other = place.add(first, [2], 50, 9);
  (doubtful.pipe as FakePipe).isDoubtful = true;
  assert.equal(preferredLink(doubtful.peer), other);
  assert.equal(place.hop([2, 5]), other);
  (other.pipe as FakePipe).isDoubtful = true;
  assert.equal(place.hop([2, 5]), doubtful);
});

test('of the links of one peer datagrams come before streams of the same priority, unless a cost is set', () => {
  const place = new Place(1);
  const stream = place.add(first, [2], 1);
  const datagrams = place.add(first, [2], 50);
  (datagrams.pipe as FakePipe).lagMs = 50;
  assert.equal(preferredLink(stream.peer), datagrams);
  assert.equal(place.hop([2, 5]), datagrams);
  const urgent = place.add(first, [2], 90, -1);
  assert.equal(place.hop([2, 5]), urgent);
  urgent.isEligible = false;
  (stream.pipe as FakePipe).facts = linkFacts({ cost: 1 });
  assert.equal(preferredLink(stream.peer), stream);
  assert.equal(place.hop([2, 5]), stream);
});

test('an overdue answer of a peer does not make another peer the next hop', () => {
  const place = new Place(1);
  const cheap = place.add(first, [2], 1);
  place.add(second, [2, 1], 4_000);
  (cheap.pipe as FakePipe).isDoubtful = true;
  assert.equal(place.hop([2]), cheap);
});

test('a peer without a proven link has no preferred one', () => {
  const place = new Place(1);
  const link = place.add(first, [2], 1);
  link.isProven = false;
  link.isEligible = false;
  assert.equal(preferredLink(link.peer), undefined);
});

test('ports above 127 take part in distances as one hop each', () => {
  const place = new Place(300, 7);
  place.add(first, [300], 1);
  assert.ok(place.hop([300]));
  assert.equal(place.forwarder.distance, 1);
});
