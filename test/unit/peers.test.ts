import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../daemon/core/context.ts';
import { type PeerLink, Peers, peerCost, tellPeer } from '../../daemon/core/routing/peers.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { readSigReq } from '../../daemon/wire/sigs.ts';
import { contextOf, FakePipe, type Identity, identities, NOTHING } from '../support/core.ts';

const [us, first, second, third] = identities(4) as [Identity, Identity, Identity, Identity];

function setUp(): { context: Context; peers: Peers } {
  const context = contextOf(us);
  return { context, peers: new Peers(context) };
}

let nonce = 0n;
const newRequest = () => ({ seq: 1n, nonce: ++nonce });

function add(peers: Peers, pipe: FakePipe): PeerLink {
  const link = peers.add(pipe, newRequest, 0);
  assert.ok(typeof link !== 'string', 'there is room');
  return link;
}

function addKey(peers: Peers, of: Identity): PeerLink {
  return add(peers, new FakePipe(of.key));
}

test('ports are given from one upwards', () => {
  const { peers } = setUp();
  assert.deepEqual(
    [first, second, third].map((of) => addKey(peers, of).peer.port),
    [1, 2, 3],
  );
});

test('all links to one key share its port', () => {
  const { peers } = setUp();
  assert.equal(addKey(peers, first).peer, addKey(peers, first).peer);
});

test('the lowest port that is free is given next', () => {
  const { peers } = setUp();
  const links = [first, second].map((of) => addKey(peers, of));
  peers.remove((links[0] as PeerLink).pipe);
  assert.equal(addKey(peers, third).peer.port, 1);
});

test('a port stays taken until the last link to its key is gone', () => {
  const { peers } = setUp();
  const [one, other] = [addKey(peers, first), addKey(peers, first)];
  assert.equal(peers.remove(one.pipe)?.isLast, false);
  assert.equal(addKey(peers, second).peer.port, 2);
  assert.equal(peers.remove(other.pipe)?.isLast, true);
  assert.equal(addKey(peers, third).peer.port, 1);
});

test('a key that comes back may get another port', () => {
  const { peers } = setUp();
  const link = addKey(peers, first);
  addKey(peers, second);
  peers.remove(link.pipe);
  addKey(peers, third);
  assert.equal(addKey(peers, first).peer.port, 3);
});

test('removing a link twice is harmless', () => {
  const { peers } = setUp();
  const link = addKey(peers, first);
  peers.remove(link.pipe);
  assert.equal(peers.remove(link.pipe), undefined);
});

/** Four proven links to a key. */
function four(peers: Peers, of: Identity): PeerLink[] {
  const links = Array.from({ length: 4 }, () => addKey(peers, of));
  for (const link of links) peers.prove(link);
  return links;
}

test('four links to one key are enough', () => {
  const { peers } = setUp();
  four(peers, first);
  assert.equal(peers.add(new FakePipe(first.key), newRequest, 0), 'too many links');
  assert.equal([...peers.all()][0]?.links.length, 4);
});

test('four links to one key are no hindrance to another', () => {
  const { peers } = setUp();
  four(peers, first);
  addKey(peers, second);
});

test('a link whose key has four is taken when one of them goes', () => {
  const { peers } = setUp();
  const links = four(peers, first);
  peers.remove((links[2] as PeerLink).pipe);
  addKey(peers, first);
});

test('a fifth link takes the place of the oldest one that is not proven', () => {
  const { peers } = setUp();
  const pipes = Array.from({ length: 4 }, () => new FakePipe(first.key));
  for (const pipe of pipes) {
    pipe.onClose = () => peers.remove(pipe);
    const link = add(peers, pipe);
    if (pipe === pipes[0]) peers.prove(link);
  }
  addKey(peers, first);
  assert.deepEqual(
    pipes.map(({ closed }) => closed),
    [undefined, 'too many links', undefined, undefined],
  );
  assert.equal([...peers.all()][0]?.links.length, 4);
});

test('a configured cost stands for what is measured, before the first sample and after it', () => {
  const { context, peers } = setUp();
  const link = add(peers, new FakePipe(first.key, 0, 77));
  assert.equal(link.cost, 77);
  context.nowMs += 300;
  peers.sample(link);
  assert.deepEqual([link.cost, link.rttMs, link.lagMs], [77, 300, 600]);
});

test('a probe asks every link once more for the same signature, and the round trip counts from the first time', () => {
  const { context, peers } = setUp();
  const pipes = [first, first, second].map((of) => new FakePipe(of.key));
  const links = pipes.map((pipe) => add(peers, pipe));
  const asked = pipes.map((pipe) => pipe.take(FRAME.sigReq));
  context.nowMs += 40;
  peers.probe();
  assert.deepEqual(
    pipes.map((pipe) => pipe.take(FRAME.sigReq)),
    asked,
  );
  context.nowMs += 10;
  peers.sample(links[0] as PeerLink);
  assert.equal(links[0]?.rttMs, 50);
  peers.probe();
  context.nowMs += 7;
  peers.sample(links[0] as PeerLink);
  assert.equal(links[0]?.rttMs, 7);
});

test('a new link carries a request at once', () => {
  const { peers } = setUp();
  const pipe = new FakePipe(first.key);
  const link = add(peers, pipe);
  const [frame] = pipe.take(FRAME.sigReq);
  assert.deepEqual(readSigReq(frame?.body ?? NOTHING), link.peer.request);
});

test('all links of a peer carry the same request', () => {
  const { peers } = setUp();
  const pipes = [new FakePipe(first.key), new FakePipe(first.key)];
  for (const pipe of pipes) add(peers, pipe);
  const [one, other] = pipes.map((pipe) => pipe.take(FRAME.sigReq));
  assert.deepEqual(one, other);
});

test('a new announcement of ours voids all requests and what answered them', () => {
  const { peers } = setUp();
  const pipe = new FakePipe(first.key);
  const { peer } = add(peers, pipe);
  peer.response = { seq: 1n, nonce: 1n, port: 1n, psig: NOTHING };
  const before = peer.request;
  pipe.take();
  peers.renewRequests(newRequest);
  assert.notDeepEqual(peer.request, before);
  assert.equal(peer.response, undefined);
  assert.equal(pipe.take(FRAME.sigReq).length, 1);
});

test('every link hears of a new request, even if one of them dies of it', () => {
  const { peers } = setUp();
  const pipes = Array.from({ length: 3 }, () => new FakePipe(first.key));
  for (const pipe of pipes) add(peers, pipe);
  for (const pipe of pipes) pipe.take();
  const dying = pipes[0] as FakePipe;
  dying.onControl = () => peers.remove(dying);
  peers.renewRequests(newRequest);
  assert.deepEqual(
    pipes.map((pipe) => pipe.take(FRAME.sigReq).length),
    [1, 1, 1],
  );
});

test('every link hears what a peer is told, even if one of them dies of it', () => {
  const { peers } = setUp();
  const links = Array.from({ length: 3 }, () => addKey(peers, first));
  for (const link of links) peers.prove(link);
  const pipes = links.map((link) => link.pipe as FakePipe);
  for (const pipe of pipes) pipe.take();
  const dying = pipes[0] as FakePipe;
  dying.onControl = () => peers.remove(dying);
  tellPeer((links[0] as PeerLink).peer, FRAME.keepAlive, Uint8Array.of(1, FRAME.keepAlive));
  assert.deepEqual(
    pipes.map((pipe) => pipe.take().length),
    [1, 1, 1],
  );
});

test('what a peer is told goes over proven links only', () => {
  const { peers } = setUp();
  const [proven, other] = [addKey(peers, first), addKey(peers, first)];
  peers.prove(proven);
  for (const link of [proven, other]) (link.pipe as FakePipe).take();
  tellPeer(proven.peer, FRAME.keepAlive, Uint8Array.of(1, FRAME.keepAlive));
  assert.equal((proven.pipe as FakePipe).take().length, 1);
  assert.equal((other.pipe as FakePipe).take().length, 0);
});

test('only peers with a proven link are listed as such', () => {
  const { peers } = setUp();
  const link = addKey(peers, first);
  addKey(peers, second);
  assert.equal(peers.proven.length, 0);
  peers.prove(link);
  assert.deepEqual(peers.proven, [link.peer]);
  peers.remove(link.pipe);
  assert.equal(peers.proven.length, 0);
});

test('a peer whose last proven link goes is not proven any more', () => {
  const { peers } = setUp();
  const proven = addKey(peers, first);
  addKey(peers, first);
  peers.prove(proven);
  peers.remove(proven.pipe);
  assert.equal(peers.proven.length, 0);
});

// Section 4.3: lag and cost

/** A link after samples of these round trips. */
function sampled(...rtts: number[]): PeerLink {
  const { context, peers } = setUp();
  const link = addKey(peers, first);
  for (const [i, rttMs] of rtts.entries()) {
    if (i > 0) peers.renewRequests(newRequest);
    context.nowMs += rttMs;
    peers.sample(link);
  }
  peers.prove(link);
  return link;
}

test('a link without a sample costs 4294', () => {
  assert.equal(sampled().cost, 4_294);
});

test('the first sample counts twice', () => {
  assert.equal(sampled(30).cost, 60);
});

test('later samples count an eighth', () => {
  assert.equal(sampled(40, 40).cost, 75);
});

test('a sample counts as twice the lag at most', () => {
  // 80 becomes 70 and an eighth of 160, not of 10 000.
  assert.equal(sampled(40, 10_000).cost, 90);
});

test('the cost is whole and at least one', () => {
  assert.equal(sampled(0).cost, 1);
  assert.equal(sampled(0.9).cost, 1);
  assert.equal(sampled(1.3).cost, 2);
});

test('only the first answer to a request is a sample', () => {
  const { context, peers } = setUp();
  const link = addKey(peers, first);
  context.nowMs += 10;
  peers.sample(link);
  context.nowMs += 500;
  peers.sample(link);
  assert.equal(link.cost, 20);
});

test('a round trip is measured from the latest request', () => {
  const { context, peers } = setUp();
  const link = addKey(peers, first);
  context.nowMs += 2_000;
  peers.renewRequests(newRequest);
  context.nowMs += 10;
  peers.sample(link);
  assert.equal(link.rttMs, 10);
});

test('a peer costs what its best proven link costs', () => {
  const { context, peers } = setUp();
  const links = Array.from({ length: 3 }, () => addKey(peers, first)) as [PeerLink, PeerLink, PeerLink];
  for (const link of links) {
    context.nowMs += 100;
    peers.sample(link);
  }
  peers.prove(links[1]);
  peers.prove(links[2]);
  assert.equal(peerCost(links[0].peer), 400);
});

test('the cost of a peer is that of its bound links, if one of them is proven', () => {
  const { peers } = setUp();
  const unbound = add(peers, new FakePipe(first.key, 0, 1));
  const bound = add(peers, new FakePipe(first.key, 0, 500, true));
  peers.prove(unbound);
  assert.deepEqual([peerCost(unbound.peer), unbound.isEligible, bound.isEligible], [1, true, false]);
  peers.prove(bound);
  assert.deepEqual([peerCost(unbound.peer), unbound.isEligible, bound.isEligible], [500, false, true]);
  peers.remove(bound.pipe);
  assert.deepEqual([peerCost(unbound.peer), unbound.isEligible], [1, true]);
});

test('a link that measures itself costs what it measures, from the next round on', () => {
  const { peers } = setUp();
  const link = addKey(peers, first);
  const other = addKey(peers, second);
  const pipe = link.pipe as FakePipe;
  pipe.lagMs = 12.7;
  peers.measure();
  assert.deepEqual([link.cost, link.rttMs], [12, 12.7]);
  pipe.lagMs = 0.3;
  peers.measure();
  assert.equal(link.cost, 1);
  assert.ok(!other.hasSample, 'other links are not touched');
});

test('the time of an answer does not count where the link measures itself', () => {
  const { context, peers } = setUp();
  const link = addKey(peers, first);
  (link.pipe as FakePipe).lagMs = 7;
  context.nowMs += 5_000;
  peers.sample(link);
  assert.equal(link.cost, 7);
});
