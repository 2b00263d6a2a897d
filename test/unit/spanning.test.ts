import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceSigned, readAnnounce } from '../../daemon/wire/announce.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { crypto, type Identity, identities, NOTHING } from '../support/core.ts';
import { RawPeer } from '../support/core-peer.ts';
import {
  higher,
  highest,
  lastRequest,
  lower,
  lowest,
  parentOf,
  start,
  told,
  us,
  withParent,
} from '../support/core-tree.ts';
import type { Host, World } from '../support/core-world.ts';
import { hex } from './wire-vectors.ts';

const far = identities(20).filter((one) =>
  [lowest, lower, us, higher, highest].every(({ key }) => hex(key) !== hex(one.key)),
);

function ownSeq(host: Host): bigint | undefined {
  return host.node.tree().find(({ key }) => hex(key) === hex(host.key))?.seq;
}

const rootOf = (host: Host): string => hex(host.node.self().root);

// Our own place

test('is a root at once', () => {
  const { host } = start();
  assert.equal(rootOf(host), hex(us.key));
  assert.equal(ownSeq(host), 1n);
});

test('announces itself as root with port zero and two equal signatures', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, higher);
  world.run(1_000);
  const message = readAnnounce(peer.take(FRAME.announce)[0] ?? NOTHING);
  assert.equal(message?.port, 0n);
  assert.deepEqual(message?.psig, message?.sig);
});

test('follows a lower root at once', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, higher, 4n);
  peer.announce(lowest, lowest, { seq: 1n });
  peer.announce(higher, lowest, { seq: 1n, port: 9n });
  assert.deepEqual(host.node.self().coords, ['9', '4']);
  world.run(1);
  assert.deepEqual(
    told(peer).map(({ seq, parent }) => [seq, parent]),
    [
      [1n, hex(us.key)],
      [2n, hex(higher.key)],
    ],
  );
});

test('says that it is in the tree of a lower key before that key has said where it is', () => {
  const { host } = start();
  const peer = RawPeer.up(host, lower, 7n);
  assert.deepEqual(told(peer), [{ key: hex(us.key), parent: hex(lower.key), seq: 2n, port: 7n }]);
});

test('presumes nothing of a peer while others follow it', () => {
  const { host } = start();
  const child = RawPeer.up(host, highest, 2n);
  child.announce(highest, us, { seq: 1n });
  RawPeer.up(host, lower, 7n);
  assert.equal(parentOf(host), hex(us.key));
});

test('goes on from a presumed root to a lower one', () => {
  const { host } = start();
  RawPeer.up(host, lower, 7n);
  const other = RawPeer.up(host, higher, 4n);
  other.announce(lowest, lowest, { seq: 1n });
  other.announce(higher, lowest, { seq: 1n, port: 9n });
  assert.deepEqual(host.node.self().coords, ['9', '4']);
});

test('stays in a loop with a presumed parent for no more than two rounds', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, lower, 7n);
  assert.equal(parentOf(host), hex(lower.key));
  peer.announce(lower, us, { seq: 1n });
  world.run(2_000);
  assert.equal(parentOf(host), hex(us.key));
});

test('changes its place no more than five times in a second', () => {
  const { world, host } = start();
  const roots = identities(40).filter(({ key }) => hex(key) < hex(us.key));
  const peer = RawPeer.up(host, higher, 4n);
  const before = host.count('parentChanged');
  for (const [i, root] of roots.toReversed().entries()) {
    peer.announce(root, root, { seq: 1n });
    peer.announce(higher, root, { seq: BigInt(i + 1), port: 9n });
    world.run(2);
    if (i % 2 === 1) RawPeer.up(host, root, 4n);
  }
  assert.ok(roots.length > 10);
  assert.ok(host.count('parentChanged') - before <= 5);
});

test('takes the port that its parent gives as its coordinates', () => {
  const { host, parent } = withParent();
  assert.equal(rootOf(host), hex(lower.key));
  assert.deepEqual(host.node.self().coords, ['7']);
  assert.deepEqual(told(parent), [{ key: hex(us.key), parent: hex(lower.key), seq: 2n, port: 7n }]);
});

test('publishes what the parent signed, and signs it too', () => {
  const { parent } = withParent();
  const message = readAnnounce(parent.take(FRAME.announce)[0] ?? NOTHING);
  assert.ok(message);
  const signed = announceSigned(us.key, lower.key, message);
  assert.ok(crypto.ed25519Verify(lower.key, message.psig, signed));
  assert.ok(crypto.ed25519Verify(us.key, message.sig, signed));
});

test('asks everyone anew after each announcement of its own', () => {
  const { world, host } = start();
  const other = RawPeer.up(host, higher);
  other.take();
  const parent = RawPeer.up(host, lower);
  parent.announceSelf();
  world.run(1_000);
  for (const peer of [other, parent]) assert.equal(lastRequest(peer).seq, 3n);
});

test('does not follow a higher root', () => {
  const { world, host } = start();
  RawPeer.up(host, higher).announceSelf();
  world.run(3_000);
  assert.equal(rootOf(host), hex(us.key));
});

test('follows a peer to the root that the peer follows', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, higher, 4n);
  peer.announce(lowest, lowest, { seq: 1n });
  peer.announce(higher, lowest, { seq: 1n, port: 9n });
  world.run(1_000);
  assert.equal(parentOf(host), hex(higher.key));
  assert.deepEqual(host.node.self().coords, ['9', '4']);
});

test('does not follow a peer that has announced nothing', () => {
  const { world, host } = start();
  RawPeer.up(host, lower);
  world.run(3_000);
  assert.equal(rootOf(host), hex(us.key));
});

test('does not follow a peer that is its own child', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, lower);
  peer.announce(lower, us, { seq: 1n });
  world.run(3_000);
  assert.equal(rootOf(host), hex(us.key));
});

for (const { hops, isFollowed } of [
  { hops: 254, isFollowed: true },
  { hops: 255, isFollowed: false },
]) {
  test(`${isFollowed ? 'follows' : 'does not follow'} a peer that is ${hops} hops from its root`, () => {
    const { world, host } = start();
    const peer = RawPeer.up(host, higher);
    const taken = [lowest, lower, us, higher, highest].map(({ key }) => hex(key));
    const between = identities(300).filter(({ key }) => !taken.includes(hex(key)));
    const chain = [lowest, ...between.slice(0, hops - 1), higher];
    for (const [i, one] of chain.entries()) peer.announce(one, chain[i - 1] ?? one, { seq: 1n });
    world.run(3_000);
    assert.equal(peer.closed, undefined);
    assert.equal(parentOf(host), hex(isFollowed ? higher.key : us.key));
    assert.equal(host.node.self().coords.length, isFollowed ? 255 : 0);
  });
}

test('leaves a root for a lower one', () => {
  const { world, host } = withParent();
  RawPeer.up(host, lowest).announceSelf();
  world.run(1_000);
  assert.equal(rootOf(host), hex(lowest.key));
});

test('has a round of grace after the parent is lost, then is a root', () => {
  const { world, host, parent } = withParent();
  host.detach(parent.link);
  world.run(1_000);
  assert.equal(parentOf(host), hex(lower.key), 'the first round waits');
  world.run(1_000);
  assert.equal(parentOf(host), hex(us.key), 'the second does not');
  assert.equal(ownSeq(host), 3n);
});

test('a parent that is back within the round of grace is kept', () => {
  const { world, host, parent } = withParent();
  host.detach(parent.link);
  const again = RawPeer.up(host, lower, 7n);
  world.run(3_000);
  assert.equal(parentOf(host), hex(lower.key));
  assert.equal(again.closed, undefined);
});

test('takes the port that its parent gives it after a break', () => {
  const { world, host, parent } = withParent(7n);
  host.detach(parent.link);
  RawPeer.up(host, lower, 8n);
  world.run(2_000);
  assert.deepEqual(host.node.self().coords, ['8']);
});

test('takes the port of a new link to its parent while the old one is not yet known to be dead', () => {
  const { world, host, parent } = withParent(7n);
  const again = RawPeer.up(host, lower, 8n);
  parent.politePort = undefined;
  world.run(5_000);
  assert.equal(again.closed, undefined);
  assert.deepEqual(host.node.self().coords, ['8']);
});

test('goes to another peer of the same root in the round after the parent is lost', () => {
  const { world, host } = start();
  const other = RawPeer.up(host, higher, 4n);
  const parent = RawPeer.up(host, lower, 7n);
  parent.announceSelf();
  world.run(2_000);
  other.announce(lower, lower, { seq: 1n });
  other.announce(higher, lower, { seq: 1n, port: 9n });
  host.detach(parent.link);
  world.run(1_000);
  assert.deepEqual(host.node.self().coords, ['9', '4']);
});

test('takes up its own announcement from before a restart and tops it', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, higher);
  peer.announce(us, highest, { seq: 50n });
  world.run(3_000);
  assert.equal(ownSeq(host), 51n);
  assert.equal(parentOf(host), hex(us.key));
});

test('tops its own old announcement as a child too', () => {
  const { world, host, parent } = withParent();
  parent.announce(us, lower, { seq: 50n });
  world.run(1_000);
  assert.equal(ownSeq(host), 51n);
  assert.equal(parentOf(host), hex(lower.key));
});

test('renews its announcement after four minutes', () => {
  const { world, host, parent } = withParent();
  parent.take();
  world.run(239_000);
  assert.deepEqual(told(parent), []);
  world.run(1_000);
  assert.deepEqual(told(parent), [{ key: hex(us.key), parent: hex(lower.key), seq: 3n, port: 7n }]);
  assert.equal(host.closes.length, 0);
});

test('renews its announcement as a root too, a round later', () => {
  const { world, host } = start();
  world.run(239_000);
  assert.equal(ownSeq(host), 1n);
  world.run(2_000);
  assert.equal(ownSeq(host), 2n);
});

test('says that the parent has changed only when it has', () => {
  const { world, host } = withParent();
  const before = host.count('parentChanged');
  world.run(241_000);
  assert.equal(ownSeq(host), 3n, 'it has renewed');
  assert.equal(host.count('parentChanged'), before);
});

test('leaves a parent that has not renewed for five minutes', () => {
  const { world, host, parent } = withParent();
  world.run(302_000);
  assert.equal(parent.closed, undefined);
  assert.equal(rootOf(host), hex(us.key));
});

// Choice between several of one root

/** One of several ways to the same root, whose answers take so long. */
function way(host: Host, self: Identity, rttMs: number, hops = 1): RawPeer {
  const peer = new RawPeer(host, self);
  peer.politePort = 1n;
  peer.politeAfterMs = rttMs;
  peer.greet();
  const chain = [lowest, ...far.slice(0, hops - 1), self];
  for (const [i, one] of chain.entries()) peer.announce(one, chain[i - 1] ?? one, { seq: 1n, port: i === 0 ? 0n : 9n });
  return peer;
}

test('follows a lower root when its signature comes, not with the next round', () => {
  const { world, host } = start();
  way(host, higher, 50);
  world.run(50);
  assert.equal(parentOf(host), hex(higher.key));
});

test('of two ways to a root takes the cheaper one', () => {
  for (const [firstMs, secondMs] of [
    [200, 50],
    [50, 200],
  ] as const) {
    const { world, host } = start();
    way(host, higher, firstMs);
    way(host, highest, secondMs);
    world.run(1_000);
    assert.equal(parentOf(host), hex(firstMs < secondMs ? higher.key : highest.key));
  }
});

test('looks at all ways once more, a round after it took the first', () => {
  const { world, host } = start();
  way(host, higher, 20, 9);
  way(host, highest, 60);
  world.run(400);
  assert.equal(parentOf(host), hex(higher.key), 'it was the first');
  world.run(600);
  assert.equal(parentOf(host), hex(highest.key), 'it is nine times as near');
});

/** A node whose second way to the root appeared late, with such a round trip; its parent costs 374. */
function lateWay(rttMs: number): { world: World; host: Host } {
  const setting = start();
  way(setting.host, higher, 100);
  setting.world.run(3_000);
  way(setting.host, highest, rttMs);
  setting.world.run(3_000);
  return setting;
}

test('keeps its parent when a cheaper way appears', () => {
  assert.equal(parentOf(lateWay(1).host), hex(higher.key));
});

test('goes to a way of less than half the cost when it renews its announcement', () => {
  const { world, host } = lateWay(93);
  world.run(236_000);
  assert.equal(parentOf(host), hex(highest.key));
});

test('stays with its parent when the other way costs half or more', () => {
  const { world, host } = lateWay(94);
  world.run(236_000);
  assert.equal(ownSeq(host), 3n, 'it has renewed');
  assert.equal(parentOf(host), hex(higher.key));
});
