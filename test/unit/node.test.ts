import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey, subnetForKey } from '../../daemon/core/identity.ts';
import { type Identity, linkFacts } from '../support/core.ts';
import { inSubnet, Mesh, others, packetTo, root, us } from '../support/core-mesh.ts';
import { RawPeer } from '../support/core-peer.ts';
import { Cable, type Host, World } from '../support/core-world.ts';
import { hex } from './wire-vectors.ts';

const [childOf, , strangerOf] = others as [Identity, Identity, Identity];

function pair(changes: Parameters<World['host']>[1] = {}): { world: World; a: Host; b: Host; cable: Cable } {
  const world = new World();
  const [a, b] = [world.host(root, changes), world.host(us, changes)];
  const cable = new Cable(a, b);
  world.run(4_000);
  return { world, a, b, cable };
}

test('two nodes make one tree', () => {
  const { a, b } = pair();
  assert.deepEqual(b.node.self().parent, a.key);
  assert.deepEqual(a.node.self().root, a.key);
  assert.deepEqual([a.node.self().coords, b.node.self().coords], [[], ['1']]);
});

test('packets pass between two nodes both ways, unchanged', () => {
  const { world, a, b } = pair();
  const [there, back] = [packetTo(a.address, b.address, 1_400), packetTo(b.address, a.address, 60)];
  a.sendPackets(there);
  world.run(1_000);
  b.sendPackets(back);
  world.run(1_000);
  assert.deepEqual([b.delivered, a.delivered], [[there], [back]]);
});

test('packets pass between subnets', () => {
  const { world, a, b } = pair();
  const packet = packetTo(inSubnet(subnetForKey(a.key)), inSubnet(subnetForKey(b.key)));
  a.sendPackets(packet);
  world.run(1_000);
  assert.deepEqual(b.delivered, [packet]);
});

test('a packet of the largest size passes', () => {
  const { world, a, b } = pair();
  const packet = packetTo(a.address, b.address, 65_535);
  a.sendPackets(packet);
  world.run(1_000);
  assert.deepEqual(b.delivered, [packet]);
});

test('a batch passes in order once there is a session', () => {
  const { world, a, b } = pair();
  a.sendPackets(packetTo(a.address, b.address));
  world.run(1_000);
  const batch = Array.from({ length: 600 }, (_, i) => packetTo(a.address, b.address, 100 + i));
  a.sendPackets(...batch);
  world.run(1_000);
  assert.deepEqual(b.delivered.slice(1), batch);
});

test('only the latest of a first batch arrives', () => {
  const { world, a, b } = pair();
  const batch = Array.from({ length: 5 }, (_, i) => packetTo(a.address, b.address, 100 + i));
  a.sendPackets(...batch);
  world.run(2_000);
  assert.deepEqual(b.delivered, batch.slice(4));
});

test('a packet sent before there is any link arrives once there is one', () => {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us)];
  const packet = packetTo(a.address, b.address);
  a.sendPackets(packet);
  new Cable(a, b);
  for (let i = 0; i < 10; i++) {
    world.run(1_000);
    a.sendPackets(packet);
  }
  assert.ok(b.delivered.length > 0);
});

test('traffic flows again after a restart of the other side', () => {
  const { world, a, b } = pair();
  a.sendPackets(packetTo(a.address, b.address));
  world.run(1_000);
  b.restart();
  new Cable(a, b);
  b.delivered.length = 0;
  for (let i = 0; i < 8; i++) {
    a.sendPackets(packetTo(a.address, b.address));
    world.run(1_000);
  }
  assert.ok(b.delivered.length > 0, 'within 8 s');
});

test('traffic goes on over the second of two cables when the first is cut', () => {
  const { world, a, b, cable } = pair();
  new Cable(a, b, 20);
  a.sendPackets(packetTo(a.address, b.address));
  world.run(2_000);
  cable.cut();
  a.sendPackets(packetTo(a.address, b.address));
  world.run(1_000);
  assert.equal(b.delivered.length, 2);
});

test('a line of three passes traffic from end to end', () => {
  const world = new World();
  const [a, b, c] = [us, root, childOf].map((owner) => world.host(owner)) as [Host, Host, Host];
  new Cable(a, b);
  new Cable(b, c);
  world.run(5_000);
  for (let i = 0; i < 3; i++) {
    a.sendPackets(packetTo(a.address, c.address));
    world.run(1_000);
  }
  assert.equal(c.delivered.length, 3);
  assert.equal(b.delivered.length, 0);
});

test('a link that swallows everything is dropped by both sides within 3 s of the first packet', () => {
  const { world, a, cable } = pair();
  cable.isCarrying = false;
  world.run(10_000);
  assert.equal(a.closes.length, 0, 'an idle link is not watched');
  a.sendPackets(packetTo(a.address, addressForKey(us.key)));
  world.run(3_000);
  assert.deepEqual(a.closes, ['peer silent']);
});

test('an echo is answered by a node without a TUN', () => {
  const { world, a, b } = pair({ hasTun: false });
  a.feed({ kind: 'echo', target: b.address, sequence: 3, size: 64 });
  world.run(2_000);
  const reply = a.events.find((event) => event.kind === 'echoReply');
  assert.ok(reply?.kind === 'echoReply');
  assert.equal(reply.sequence, 3);
  assert.deepEqual(reply.from, b.address);
});

test('a node whose group password differs is linked and does not talk', () => {
  const world = new World();
  const a = world.host(root, { groupPassword: Uint8Array.of(1) });
  const b = world.host(us, { groupPassword: Uint8Array.of(2) });
  new Cable(a, b);
  for (let i = 0; i < 8; i++) {
    a.sendPackets(packetTo(a.address, b.address));
    world.run(1_000);
  }
  assert.equal(b.delivered.length, 0);
  assert.deepEqual(b.node.self().root, a.key);
});

// The contract (port.ts)

test('a node that was told nothing waits for nothing', () => {
  const world = new World();
  const host = world.host(us);
  assert.ok(host.node.deadline() > world.nowMs && Number.isFinite(host.node.deadline()));
});

test('an input that comes late makes up for the timer', () => {
  const world = new World();
  const host = world.host(us);
  const peer = new RawPeer(host, childOf);
  world.nowMs += 10_000;
  peer.send(Uint8Array.of(0x6d));
  assert.equal(peer.closed, 'greeting timeout');
});

test('a timer before its time changes nothing', () => {
  const mesh = new Mesh();
  const { rounds } = mesh.host.node.stats().counters;
  const deadline = mesh.host.node.deadline();
  for (let i = 0; i < 5; i++) mesh.host.feed({ kind: 'timer' });
  assert.equal(mesh.host.node.stats().counters.rounds, rounds);
  assert.equal(mesh.host.node.deadline(), deadline);
});

test('octets, writability and ends of links that are not there change nothing', () => {
  const mesh = new Mesh();
  const link = mesh.parent.link;
  mesh.host.detach(link);
  mesh.host.feedBytes(link, Uint8Array.of(1, 2, 3));
  mesh.host.feed({ kind: 'linkWritable', link });
  mesh.host.feed({ kind: 'linkClosed', link, reason: 'again' });
  assert.equal(mesh.host.node.links().length, 0);
});

test('the operator may end a link', () => {
  const mesh = new Mesh();
  mesh.host.node.closeLink(mesh.parent.link, 'removed');
  mesh.host.feed({ kind: 'timer' });
  assert.equal(mesh.parent.closed, 'removed');
  assert.equal(mesh.host.node.links().length, 0);
});

test('a link number may be used again', () => {
  const mesh = new Mesh();
  const { link } = mesh.parent;
  mesh.host.detach(link);
  const events = mesh.host.count('linkUp');
  mesh.host.feed({ kind: 'linkOpened', link, facts: linkFacts({ uri: 'memory://again' }) });
  assert.equal(mesh.host.node.links()[0]?.uri, 'memory://again');
  assert.equal(mesh.host.count('linkUp'), events);
});

test('peers come and go as events with their ports', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  mesh.host.detach(child.link);
  const events = mesh.host.events.filter((event) => event.kind === 'peerUp' || event.kind === 'peerDown');
  assert.deepEqual(
    events.map((event) => [event.kind, hex(event.key), event.port]),
    [
      ['peerUp', hex(root.key), 1],
      ['peerUp', hex(childOf.key), 2],
      ['peerDown', hex(childOf.key), 2],
    ],
  );
});

test('a peer that was never proven does not go down', () => {
  const mesh = new Mesh();
  const stranger = new RawPeer(mesh.host, strangerOf);
  stranger.greet();
  mesh.host.detach(stranger.link);
  assert.equal(mesh.host.count('peerDown'), 0);
});

test('a node tells its paths and sessions', () => {
  const { world, a, b } = pair();
  a.sendPackets(packetTo(a.address, b.address));
  world.run(1_000);
  assert.deepEqual(
    a.node.paths().map(({ key, ports }) => [hex(key), ports]),
    [[hex(b.key), ['1']]],
  );
  const [session] = b.node.sessions();
  assert.deepEqual(session?.key, a.key);
  // And the hello.
  assert.equal(session?.bytesReceived, 101 + 5);
});

test('the same inputs give the same outputs', () => {
  const runs = [1, 2].map(() => {
    const { world, a, b } = pair();
    a.sendPackets(packetTo(a.address, b.address));
    world.run(3_000);
    return JSON.stringify([a.node.stats(), b.node.stats(), a.node.links(), b.node.self().coords]);
  });
  assert.equal(runs[0], runs[1]);
});
