/** Caps of the routing layer: each is reached, passed by one, and must stay where it is. The numbers are the tests' own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PeerLink, Peers } from '../../daemon/core/routing/peers.ts';
import { Spanning } from '../../daemon/core/routing/spanning.ts';
import { Tree } from '../../daemon/core/routing/tree.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import {
  contextOf,
  FakePipe,
  type Identity,
  identities,
  limitsWith,
  NOTHING,
  nameless,
  pathOf,
  trusting,
} from '../support/core.ts';
import { Mesh, others, root, trafficTo, us } from '../support/core-mesh.ts';
import { announceBody, RawPeer, trafficFrame } from '../support/core-peer.ts';
import { World } from '../support/core-world.ts';

const [childOf, farOf] = others as [Identity, Identity];
const end = { bytes: () => {}, closed: () => {} };

// Links

test('strangers may have 448 of 512 links, the rest is for configured peers', () => {
  const host = new World().host(us);
  for (let i = 0; i < 448; i++) host.attach(end);
  assert.deepEqual(host.closes, []);
  host.attach(end);
  assert.deepEqual(host.closes, ['too many links']);
  host.attach(end, { isInbound: false });
  assert.deepEqual(host.closes, ['too many links', 'too many links']);
  for (let i = 0; i < 64; i++) host.attach(end, { isConfigured: true });
  assert.equal(host.closes.length, 2);
  host.attach(end, { isConfigured: true });
  assert.equal(host.closes.length, 3);
  assert.equal(host.node.links().length, 512);
});

test('a link that ends makes room for another', () => {
  const host = new World().host(us, { limits: limitsWith({ links: 4 }) });
  const links = [1, 2].map(() => host.attach(end));
  host.attach(end);
  assert.deepEqual(host.closes, ['too many links']);
  for (const link of links) host.detach(link);
  host.attach(end);
  assert.equal(host.closes.length, 1);
});

// The tree

class Grove {
  readonly context = contextOf(us, { crypto: trusting });
  readonly peers = new Peers(this.context);
  readonly tree = new Tree(this.context);
  readonly spanning = new Spanning(this.context, this.peers, this.tree);

  add(of: Identity): PeerLink {
    const link = this.peers.add(new FakePipe(of.key), this.spanning.newRequest, 0);
    assert.ok(typeof link !== 'string');
    this.peers.prove(link);
    return link;
  }

  /** At a pace that the budget allows. */
  announce(link: PeerLink, child: Identity, parent: Identity, seq = 1n): void {
    this.context.nowMs += 20;
    assert.equal(this.spanning.announceReceived(link.peer, announceBody(child, parent, { seq })), undefined);
  }
}

test('1024 nodes that are ancestors of nobody are remembered, not one more', () => {
  const grove = new Grove();
  grove.spanning.round();
  const link = grove.add(childOf);
  for (let i = 0; i < 1_024; i++) grove.announce(link, nameless(i), nameless(i));
  assert.equal(grove.tree.size, 1 + 1_024);
  for (let i = 1_024; i < 3_000; i++) {
    grove.announce(link, nameless(i), nameless(i));
    assert.ok(grove.tree.size <= 1 + 1_024);
  }
  assert.ok(grove.tree.get(nameless(2_999).key), 'the newest is there');
  assert.equal(grove.tree.get(nameless(0).key), undefined, 'the oldest is not');
  assert.ok(grove.tree.get(us.key), 'we are');
});

test('what a peer is known to have heard is forgotten with the announcement itself', () => {
  const grove = new Grove();
  const links = [grove.add(childOf), grove.add(farOf)] as [PeerLink, PeerLink];
  for (let i = 0; i < 4_000; i++) grove.announce(links[0], nameless(i), nameless(i));
  assert.ok(links[0].peer.told.size <= grove.tree.size, `${links[0].peer.told.size}`);
});

test('ancestors of a peer survive a flood from another', () => {
  const grove = new Grove();
  const [honest, flooder] = [grove.add(childOf), grove.add(farOf)];
  const chain = [root, nameless(1), nameless(2), childOf];
  for (const [i, one] of chain.entries()) grove.announce(honest, one, chain[i - 1] ?? one);
  for (let i = 10; i < 3_000; i++) grove.announce(flooder, nameless(i), nameless(i));
  for (const one of chain) assert.ok(grove.tree.get(one.key));
});

test('the table holds 2048 announcements with few peers, and no chain however deep takes all of them', () => {
  const grove = new Grove();
  const [deep, honest] = [grove.add(childOf), grove.add(farOf)];
  // From below, so that each is an ancestor of the peer as soon as it comes.
  for (let i = 0; i < 3_000; i++) {
    grove.announce(deep, i === 0 ? childOf : nameless(i), nameless(i + 1));
    assert.ok(grove.tree.size <= 2_048);
  }
  const chain = [root, nameless(7_001), nameless(7_002), farOf];
  for (const [i, one] of chain.entries()) grove.announce(honest, one, chain[i - 1] ?? one);
  for (const one of chain) assert.ok(grove.tree.get(one.key), 'an honest peer is heard');
  assert.ok(grove.tree.get(childOf.key), 'the beginning of the chain is kept');
  assert.ok(grove.tree.size <= 2_048);
});

test('with more peers the table holds 64 announcements for each and for us', () => {
  const grove = new Grove();
  const peers = Array.from({ length: 49 }, (_, i) => grove.add(nameless(50_000 + i)));
  for (const [i, link] of peers.entries()) {
    const chain = Array.from({ length: 64 }, (_, k) => (k === 0 ? nameless(50_000 + i) : nameless(1_000 * i + k)));
    for (const [k, one] of chain.entries()) grove.announce(link, one, chain[k + 1] ?? one);
  }
  assert.equal(grove.tree.size, 49 * 64);
  for (let i = 0; i < 2_000; i++) grove.announce(peers[0] as PeerLink, nameless(90_000 + i), nameless(90_000 + i));
  assert.ok(grove.tree.size <= 50 * 64, `${grove.tree.size}`);
});

// Announcements per peer

function flood(peer: RawPeer, count: number, first = 0): void {
  for (let i = first; i < first + count; i++) peer.announce(nameless(i), nameless(i), { seq: 1n });
}

function trustingHost() {
  const world = new World();
  return { world, host: world.host(us, { crypto: trusting }) };
}

test('a peer may announce 600 at once; 100 more wait, and the next one ends the link', () => {
  const { host } = trustingHost();
  const peer = RawPeer.up(host, childOf);
  flood(peer, 600);
  assert.equal(host.drops('announce deferred'), 0);
  flood(peer, 100, 600);
  assert.equal(host.drops('announce deferred'), 100);
  assert.equal(host.node.tree().length, 601);
  assert.equal(peer.closed, undefined);
  flood(peer, 1, 700);
  assert.equal(peer.closed, 'announce flood');
});

test('announcements that wait are heard in the seconds that follow', () => {
  const { world, host } = trustingHost();
  const peer = RawPeer.up(host, childOf);
  flood(peer, 700);
  world.run(3_000);
  assert.equal(host.node.tree().length, 701);
  assert.equal(peer.closed, undefined);
});

test('fifty announcements a second are no flood', () => {
  const { world, host } = trustingHost();
  const peer = RawPeer.up(host, childOf);
  flood(peer, 600);
  for (let second = 0; second < 20; second++) {
    world.run(1_000);
    flood(peer, 50, 1_000 + 50 * second);
  }
  assert.equal(peer.closed, undefined);
});

test('all peers together may announce 2000 at once', () => {
  const { host } = trustingHost();
  const peers = identities(7)
    .slice(2, 6)
    .map((of) => RawPeer.up(host, of));
  for (const [i, peer] of peers.entries()) flood(peer, 500, 1_000 * i);
  assert.equal(host.drops('announce deferred'), 0);
  flood(peers[0] as RawPeer, 1, 9_000);
  assert.equal(host.drops('announce deferred'), 1);
});

test('an unproven link may say 100 things before its proof', () => {
  const { host } = trustingHost();
  const peer = new RawPeer(host, childOf);
  peer.greet();
  flood(peer, 100);
  assert.equal(peer.closed, undefined);
  assert.equal(host.node.tree().length, 1, 'none is believed yet');
  flood(peer, 1, 100);
  assert.equal(peer.closed, 'announce flood');
});

// Requests

test('8 requests are answered at once, and the newest of the rest in the next round', () => {
  const mesh = new Mesh();
  mesh.world.run(5_000);
  for (let i = 1; i <= 50; i++) mesh.parent.request(BigInt(i), BigInt(i));
  assert.equal(mesh.parent.take(FRAME.sigRes).length, 8);
  assert.equal(mesh.host.drops('sig request coalesced'), 41);
  mesh.world.run(1_000);
  const late = mesh.parent.take(FRAME.sigRes);
  assert.deepEqual(
    late.map((body) => body[0]),
    [50],
  );
});

test('five requests a second are answered for ever', () => {
  const mesh = new Mesh();
  for (let i = 0; i < 100; i++) {
    mesh.world.run(200);
    mesh.parent.request(1n, BigInt(i));
  }
  assert.equal(mesh.parent.take(FRAME.sigRes).length, 100);
});

test('signed answers to nothing cost a bounded number of verifications', () => {
  let verified = 0;
  const world = new World();
  const host = world.host(us, { crypto: { ...trusting, ed25519Verify: () => ++verified > 0 } });
  const peer = RawPeer.up(host, childOf);
  verified = 0;
  for (let i = 0; i < 5_000; i++) peer.answer({ seq: 1n, nonce: BigInt(i) }, 1n);
  assert.ok(verified <= 600, `${verified}`);
});

test('the same signed answer again and again costs one verification', () => {
  let verified = 0;
  const world = new World();
  const host = world.host(us, { crypto: { ...trusting, ed25519Verify: () => ++verified > 0 } });
  const peer = new RawPeer(host, childOf);
  peer.greet();
  verified = 0;
  for (let i = 0; i < 1_000; i++) peer.answer({ seq: 2n, nonce: nonceOf(peer) }, 1n);
  assert.ok(verified <= 2, `${verified}`);
});

function nonceOf(peer: RawPeer): bigint {
  const [body] = peer.frames.filter(({ type }) => type === FRAME.sigReq).map((frame) => frame.body);
  let value = 0n;
  for (const [i, octet] of (body ?? NOTHING).subarray(1).entries()) value |= BigInt(octet & 0x7f) << BigInt(7 * i);
  return value;
}

// What waits for a link

test('a peer that takes nothing is given up when 256 KiB of control frames wait', () => {
  const { world, host } = trustingHost();
  const peer = RawPeer.up(host, childOf);
  peer.announce(farOf, farOf, { seq: 9n });
  host.stall(peer.link);
  let waiting = 0;
  for (let second = 0; second < 60 && peer.closed === undefined; second++) {
    // Each worse one is answered with the better one, of 198 octets.
    for (let i = 0; i < 50 && peer.closed === undefined; i++) {
      peer.announce(farOf, farOf, { seq: 8n, nonce: BigInt(second * 50 + i) });
      waiting += 198;
    }
    world.run(1_000);
  }
  assert.equal(peer.closed, 'peer too slow');
  assert.ok(waiting > 262_000 && waiting < 263_000, `${waiting}`);
});

/** Traffic to a child that takes nothing. */
function stalled() {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const path = pathOf(7, Number(mesh.portOf(child)));
  mesh.host.stall(child.link);
  const forward = (source: number, size: number, count: number): void => {
    const frame = trafficFrame(nameless(source).key, childOf.key, new Uint8Array(size), {
      to: path,
      from: NOTHING,
      watermark: 99,
    });
    for (let i = 0; i < count; i++) mesh.parent.send(frame);
  };
  const queued = (): number => mesh.host.node.links().find(({ link }) => link === child.link)?.queuedBytes ?? 0;
  forward(0, 10, 1);
  return { mesh, child, forward, queued };
}

test('one MiB of traffic waits for a link, what is more is dropped and counted', () => {
  const { mesh, forward, queued } = stalled();
  forward(1, 1_000, 900);
  assert.equal(mesh.host.drops('traffic queue full'), 0);
  forward(1, 1_000, 1_000);
  const dropped = mesh.host.drops('traffic queue full');
  assert.ok(queued() <= 1_048_576 && queued() > 1_045_000, `${queued()}`);
  assert.ok(dropped > 900 && dropped < 1_000, `${dropped}`);
});

test('every packet that a large one displaces is counted', () => {
  const { mesh, forward } = stalled();
  forward(1, 100, 4_000);
  forward(1, 100_000, 2);
  forward(1, 80_000, 1);
  assert.equal(mesh.host.drops('traffic queue full'), 0);
  const before = mesh.host.drops('traffic queue full');
  forward(1, 100_000, 1);
  assert.ok(mesh.host.drops('traffic queue full') - before > 100);
});

test('4 096 packets wait for a link, however small', () => {
  const { mesh, forward } = stalled();
  forward(1, 10, 4_096);
  assert.equal(mesh.host.drops('traffic queue full'), 0);
  forward(1, 10, 1);
  assert.equal(mesh.host.drops('traffic queue full'), 1);
});

test('a source that floods a link does not displace another', () => {
  const { mesh, child, forward } = stalled();
  forward(1, 1_000, 20);
  forward(2, 1_000, 3_000);
  child.take();
  mesh.host.release(child.link);
  const sources = trafficTo(child).map(({ source }) => Buffer.from(source).toString('hex'));
  assert.equal(sources.filter((source) => source === Buffer.from(nameless(1).key).toString('hex')).length, 20);
});

test('the limit of waiting traffic may be configured', () => {
  const mesh = new Mesh({ limits: limitsWith({ trafficQueueBytes: 10_000 }) });
  mesh.host.stall(mesh.parent.link);
  const child = mesh.child(childOf);
  for (let i = 0; i < 100; i++) {
    child.traffic(childOf.key, farOf.key, new Uint8Array(900), { to: pathOf(3), from: NOTHING, watermark: 99 });
  }
  const [link] = mesh.host.node.links();
  assert.ok((link?.queuedBytes ?? 0) <= 10_000);
});
