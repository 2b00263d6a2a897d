import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../daemon/core/context.ts';
import { bloomItem } from '../../daemon/core/identity.ts';
import { filterAdd, filterHas, filterPositions } from '../../daemon/core/routing/bloom.ts';
import { Blooms } from '../../daemon/core/routing/blooms.ts';
import { type PeerLink, Peers } from '../../daemon/core/routing/peers.ts';
import { Tree } from '../../daemon/core/routing/tree.ts';
import { emptyFilter, type FilterHalves, readFilter, writeFilter } from '../../daemon/wire/filter.ts';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { contextOf, FakePipe, framesIn, type Identity, identities, NOTHING } from '../support/core.ts';

const [us, ...others] = identities(4) as [Identity, ...Identity[]];

function filterOf(...keys: Uint8Array[]): FilterHalves {
  const filter = emptyFilter();
  for (const key of keys) filterAdd(filter, filterPositions(bloomItem(key)));
  return filter;
}

function bodyOf(filter: FilterHalves): Uint8Array {
  return framesIn(encodeFrame(FRAME.bloomFilter, (writer) => writeFilter(writer, filter)))[0]?.body ?? NOTHING;
}

/** Keys that only filters know. */
const far = (number: number): Uint8Array => new Uint8Array(32).fill(0x40 + number);

class Setting {
  readonly context: Context = contextOf(us);
  readonly peers = new Peers(this.context);
  readonly tree = new Tree(this.context);
  readonly blooms = new Blooms(this.context, this.peers, this.tree);
  #seq = 1n;

  /** A proven peer. */
  add(of: Identity): PeerLink {
    const link = this.peers.add(new FakePipe(of.key), () => ({ seq: 1n, nonce: 1n }), 0);
    assert.ok(typeof link !== 'string');
    this.peers.prove(link);
    (link.pipe as FakePipe).take();
    return link;
  }

  announce(child: Uint8Array, parent: Uint8Array): void {
    const sig = new Uint8Array(64);
    this.tree.put({ key: child, parent, seq: this.#seq++, nonce: 1n, port: 1n, psig: sig, sig }, []);
  }

  /** A proven peer that names us as its parent. */
  addChild(of: Identity): PeerLink {
    this.announce(of.key, us.key);
    return this.add(of);
  }

  /** A round a second later; gives what it sent on a link. */
  round(link: PeerLink): FilterHalves[] {
    this.context.nowMs += 1_000;
    this.blooms.round();
    return filtersTo(link);
  }

  receive(link: PeerLink, ...keys: Uint8Array[]): void {
    assert.ok(this.blooms.received(link, bodyOf(filterOf(...keys))));
  }
}

function filtersTo(link: PeerLink): FilterHalves[] {
  return (link.pipe as FakePipe).take(FRAME.bloomFilter).map(({ body }) => {
    const filter = readFilter(body);
    assert.ok(filter, 'a filter that we send is well-formed');
    return filter;
  });
}

const [childOf, otherOf, thirdOf] = others as [Identity, Identity, Identity];

test('a proven link hears the empty filter when nothing was sent yet', () => {
  const setting = new Setting();
  const link = setting.add(childOf);
  setting.blooms.greet(link);
  assert.deepEqual(filtersTo(link), [emptyFilter()]);
});

test('a second link hears the filter that the first has heard', () => {
  const setting = new Setting();
  setting.round(setting.addChild(childOf));
  const second = setting.add(childOf);
  setting.blooms.greet(second);
  assert.deepEqual(filtersTo(second), [filterOf(us.key)]);
});

test('the last filter is repeated on the links that remain', () => {
  const setting = new Setting();
  const link = setting.addChild(childOf);
  setting.round(link);
  setting.blooms.repeat(link.peer);
  assert.deepEqual(filtersTo(link), [filterOf(us.key)]);
});

test('a peer that is not on the tree hears nothing', () => {
  const setting = new Setting();
  assert.deepEqual(setting.round(setting.add(childOf)), []);
});

test('a child hears of us', () => {
  const setting = new Setting();
  assert.deepEqual(setting.round(setting.addChild(childOf)), [filterOf(us.key)]);
});

test('the parent hears of us', () => {
  const setting = new Setting();
  setting.announce(us.key, childOf.key);
  assert.deepEqual(setting.round(setting.add(childOf)), [filterOf(us.key)]);
});

test('a filter goes over every link of the peer', () => {
  const setting = new Setting();
  const first = setting.addChild(childOf);
  const second = setting.add(childOf);
  assert.equal(setting.round(first).length, 1);
  assert.equal(filtersTo(second).length, 1);
});

test('each peer hears of what the others told us, not of what it told us itself', () => {
  const setting = new Setting();
  const links = [childOf, otherOf, thirdOf].map((of) => setting.addChild(of));
  for (const [i, link] of links.entries()) setting.receive(link, far(i));
  setting.context.nowMs += 1_000;
  setting.blooms.round();
  for (const [i, link] of links.entries()) {
    const expected = [0, 1, 2].filter((other) => other !== i).map(far);
    assert.deepEqual(filtersTo(link), [filterOf(us.key, ...expected)]);
  }
});

test('what a peer off the tree told us is not passed on', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.receive(setting.add(otherOf), far(1));
  assert.deepEqual(setting.round(child), [filterOf(us.key)]);
});

test('what a peer told us before it came on the tree counts once it is there', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.receive(setting.add(otherOf), far(1));
  setting.round(child);
  setting.announce(otherOf.key, us.key);
  assert.deepEqual(setting.round(child), [filterOf(us.key, far(1))]);
});

test('an unchanged filter is not sent again', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.round(child);
  for (let i = 0; i < 10; i++) assert.deepEqual(setting.round(child), []);
});

test('an unchanged filter is sent again after 3600 rounds', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.round(child);
  for (let i = 1; i < 3_600; i++) setting.blooms.round();
  assert.deepEqual(filtersTo(child), []);
  setting.blooms.round();
  assert.deepEqual(filtersTo(child), [filterOf(us.key)]);
});

test('what is new is told in the same round', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  const other = setting.addChild(otherOf);
  setting.round(child);
  setting.receive(other, far(1));
  assert.deepEqual(setting.round(child), [filterOf(us.key, far(1))]);
});

test('what is gone is told a round later', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  const other = setting.addChild(otherOf);
  setting.receive(other, far(1));
  setting.round(child);
  setting.receive(other);
  assert.deepEqual(setting.round(child), []);
  assert.deepEqual(setting.round(child), [filterOf(us.key)]);
});

test('when some come and some go, the union is told once and the exact filter a round later', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  const other = setting.addChild(otherOf);
  setting.receive(other, far(1));
  setting.round(child);
  setting.receive(other, far(2));
  assert.deepEqual(setting.round(child), [filterOf(us.key, far(1), far(2))]);
  assert.deepEqual(setting.round(child), [filterOf(us.key, far(2))]);
  assert.deepEqual(setting.round(child), []);
});

test('what comes back within a round was never gone', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  const other = setting.addChild(otherOf);
  setting.receive(other, far(1));
  setting.round(child);
  setting.receive(other);
  setting.round(child);
  setting.receive(other, far(1));
  assert.deepEqual(setting.round(child), []);
});

// Between rounds

test('a peer that comes on the tree hears everything at once, and is named', () => {
  const setting = new Setting();
  const child = setting.add(childOf);
  assert.deepEqual(setting.blooms.look(), []);
  setting.announce(childOf.key, us.key);
  assert.deepEqual(setting.blooms.look(), [child.peer]);
  assert.deepEqual(filtersTo(child), [filterOf(us.key)]);
  assert.deepEqual(setting.blooms.look(), [], 'once');
});

test('what is new is told at once, what is gone not before the round', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  const other = setting.addChild(otherOf);
  setting.receive(other, far(1));
  setting.blooms.look();
  assert.deepEqual(filtersTo(child), [filterOf(us.key, far(1))]);
  setting.receive(other, far(2));
  setting.blooms.look();
  assert.deepEqual(filtersTo(child), [filterOf(us.key, far(1), far(2))]);
  assert.deepEqual(setting.round(child), [], 'as ever, a round keeps what is gone');
  assert.deepEqual(setting.round(child), [filterOf(us.key, far(2))]);
});

test('a peer that leaves the tree hears the empty filter at once, and only once', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.blooms.look();
  filtersTo(child);
  setting.announce(childOf.key, otherOf.key);
  setting.blooms.look();
  assert.deepEqual(filtersTo(child), [emptyFilter()]);
  assert.deepEqual(setting.round(child), []);
});

test('three filters are sent at once, the fourth waits for the round', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  const other = setting.addChild(otherOf);
  for (let i = 0; i < 4; i++) {
    setting.receive(other, ...[0, 1, 2, 3].slice(0, i).map(far));
    setting.blooms.look();
    assert.equal(filtersTo(child).length, i < 3 ? 1 : 0);
  }
  assert.deepEqual(setting.round(child), [filterOf(us.key, ...[0, 1, 2].map(far))]);
});

test('a child that leaves is dropped from what others hear', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  const other = setting.addChild(otherOf);
  setting.receive(other, far(1));
  setting.round(child);
  setting.peers.remove(other.pipe);
  setting.round(child);
  assert.deepEqual(setting.round(child), [filterOf(us.key)]);
});

test('a peer that leaves the tree hears the empty filter, once', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.round(child);
  setting.announce(childOf.key, otherOf.key);
  assert.deepEqual(setting.round(child), [emptyFilter()]);
  assert.deepEqual(setting.round(child), []);
});

test('a peer that comes back to the tree hears everything again', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.round(child);
  setting.announce(childOf.key, otherOf.key);
  setting.round(child);
  setting.announce(childOf.key, us.key);
  assert.deepEqual(setting.round(child), [filterOf(us.key)]);
});

test('a filter replaces the one before', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.receive(child, far(1));
  setting.receive(child, far(2));
  assert.deepEqual(child.peer.recvFilter, filterOf(far(2)));
});

test('a body that is no filter is refused', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  assert.ok(!setting.blooms.received(child, new Uint8Array(31)));
});

test('four filters in a burst are taken, the fifth waits a second', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  for (let i = 0; i < 4; i++) setting.receive(child, far(i));
  assert.deepEqual(child.peer.recvFilter, filterOf(far(3)));
  setting.receive(child, far(4));
  assert.deepEqual(child.peer.recvFilter, filterOf(far(3)));
  setting.round(child);
  assert.deepEqual(child.peer.recvFilter, filterOf(far(4)));
});

test('of filters that come too fast the newest counts', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  for (let i = 0; i < 10; i++) setting.receive(child, far(i));
  assert.equal(setting.context.stats.drops['filter coalesced'], 5);
  setting.round(child);
  assert.deepEqual(child.peer.recvFilter, filterOf(far(9)));
});

/** Peers that a lookup for a key goes to. */
function targets(setting: Setting, key: Uint8Array, from?: PeerLink): Uint8Array[] {
  const positions = filterPositions(bloomItem(key));
  return [...setting.blooms.targets(positions, from?.peer)].map((peer) => peer.key);
}

test('a lookup goes to those whose filter has its item', () => {
  const setting = new Setting();
  const [first, second] = [setting.addChild(childOf), setting.addChild(otherOf)];
  setting.receive(first, far(1));
  setting.receive(second, far(2));
  setting.round(first);
  assert.deepEqual(targets(setting, far(2)), [otherOf.key]);
});

test('a lookup does not go back to where it came from', () => {
  const setting = new Setting();
  const [first, second] = [setting.addChild(childOf), setting.addChild(otherOf)];
  for (const link of [first, second]) setting.receive(link, far(1));
  setting.round(first);
  assert.deepEqual(targets(setting, far(1), first), [otherOf.key]);
});

test('a lookup does not go to a peer off the tree', () => {
  const setting = new Setting();
  const link = setting.add(childOf);
  setting.receive(link, far(1));
  setting.round(link);
  assert.deepEqual(targets(setting, far(1)), []);
});

test('the filter that a peer hears has our item whatever it told us', () => {
  const setting = new Setting();
  const child = setting.addChild(childOf);
  setting.receive(child, us.key);
  const [filter] = setting.round(child);
  assert.ok(filter && filterHas(filter, filterPositions(bloomItem(us.key))));
});
