/** Peers that know the protocol well and do not tell the truth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeFrame, FRAME } from '../../daemon/wire/frame.ts';
import { writePathBroken } from '../../daemon/wire/lookup.ts';
import { type Identity, identities, NOTHING, pathOf } from '../support/core.ts';
import { FULL_FILTER, packetTo } from '../support/core-mesh.ts';
import { RawPeer } from '../support/core-peer.ts';
import { Scene, seeded, strangers, strongest } from './scene.ts';

const [strangerOf, otherOf] = strangers as [Identity, Identity];

/** Packets from west to east, ten a second, while something goes on; gives how many arrive. */
function arriving(scene: Scene, seconds: number, meanwhile: () => void = () => {}): number {
  const { west, east, world } = scene;
  east.delivered.length = 0;
  for (let i = 0; i < seconds * 10; i++) {
    west.sendPackets(packetTo(west.address, east.address));
    meanwhile();
    world.run(100);
  }
  return east.delivered.length;
}

test('a stranger that is the root of a tree of its own attracts no traffic', () => {
  const scene = new Scene();
  const peer = RawPeer.up(scene.middle, strangerOf, 1n);
  peer.announceSelf();
  scene.world.run(2_000);
  assert.equal(arriving(scene, 3), 30);
  assert.equal(peer.take(FRAME.traffic).length, 0);
});

test('a stranger with the coordinates of an honest node in a tree of its own attracts no traffic', () => {
  const scene = new Scene();
  const peer = RawPeer.up(scene.middle, strangerOf, 1n);
  // West lies at 1.1 of the true tree.
  peer.announce(otherOf, otherOf, { seq: 1n });
  const between = identities(40).at(-1) as Identity;
  peer.announce(between, otherOf, { seq: 1n, port: 1n });
  peer.announce(strangerOf, between, { seq: 1n, port: 1n });
  scene.world.run(2_000);
  scene.checkTraffic();
  assert.equal(peer.take(FRAME.traffic).length, 0);
});

test('a filter that has everything costs lookups, not traffic', () => {
  const scene = new Scene();
  const peer = RawPeer.up(scene.middle, strangerOf, 1n);
  const port = BigInt(scene.middle.node.links().find(({ link }) => link === peer.link)?.port ?? 0);
  peer.announce(strangerOf, scene.middle.owner, { seq: 1n, port });
  peer.frame(FRAME.bloomFilter, FULL_FILTER);
  scene.world.run(3_000);
  scene.checkTraffic();
  scene.checkBounds();
});

test('traffic survives a root that comes and goes', () => {
  const scene = new Scene();
  for (let turn = 0; turn < 5; turn++) {
    const peer = RawPeer.up(scene.middle, strongest, 9n);
    peer.announceSelf(BigInt(turn + 1));
    scene.world.run(4_000);
    assert.deepEqual(scene.east.node.self().root, strongest.key, 'everybody follows the lowest key');
    scene.checkTraffic();
    scene.middle.detach(peer.link);
    scene.world.run(4_000);
    assert.notDeepEqual(scene.west.node.self().root, strongest.key);
    scene.checkTraffic();
  }
  scene.checkBounds();
});

test('a root that flaps as fast as it can causes bounded control traffic', () => {
  const scene = new Scene();
  const before = sentTo(scene);
  let seq = 0n;
  for (let turn = 0; turn < 40; turn++) {
    const peer = RawPeer.up(scene.middle, strongest, 9n);
    peer.announceSelf(++seq);
    scene.world.run(450);
    scene.middle.detach(peer.link);
    scene.world.run(450);
  }
  const octets = sentTo(scene) - before;
  assert.ok(octets < 40 * 4_096, `${octets} octets in 36 s`);
  scene.world.run(5_000);
  scene.checkTraffic();
  scene.checkBounds();
});

/** Octets that the middle has sent to the honest. */
function sentTo(scene: Scene): number {
  const keys = [scene.west, scene.east].map(({ key }) => Buffer.from(key).toString('hex'));
  const links = scene.middle.node
    .links()
    .filter(({ key }) => keys.includes(Buffer.from(key ?? NOTHING).toString('hex')));
  return links.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
}

test('reports that a good path is broken do not stop traffic', () => {
  const scene = new Scene();
  const peer = RawPeer.up(scene.middle, strangerOf, 1n);
  const { west, east } = scene;
  const report = encodeFrame(FRAME.pathBroken, (writer) =>
    writePathBroken(writer, {
      path: Uint8Array.from(west.node.self().coords, Number),
      watermark: 99n,
      source: west.key,
      dest: east.key,
    }),
  );
  assert.equal(
    arriving(scene, 30, () => peer.send(report)),
    300,
  );
});

test('packets without sense under a friend’s name lose few of the friend’s packets', () => {
  seeded((chance) => {
    const scene = new Scene();
    const peer = RawPeer.up(scene.middle, strangerOf, 1n);
    const { west, east } = scene;
    const arrived = arriving(scene, 30, () => {
      const payload = chance.octets(100);
      payload.set([3, chance.below(4), chance.below(4), chance.below(100)]);
      peer.traffic(west.key, east.key, payload, { to: NOTHING, from: pathOf(1), watermark: 99 });
    });
    assert.ok(arrived >= 285, `${arrived} of 300`);
  });
});

test('a packet that is sent in circles is forwarded a bounded number of times', () => {
  seeded((chance) => {
    const scene = new Scene();
    const peer = RawPeer.up(scene.middle, strangerOf, 1n);
    const forwarded = (): number =>
      scene.honest.reduce((sum, { node }) => sum + (node.stats().counters.framesForwarded as number), 0);
    const before = forwarded();
    for (let i = 0; i < 200; i++) {
      const to = Uint8Array.from({ length: chance.below(6) }, () => 1 + chance.below(3));
      peer.traffic(strangerOf.key, chance.pick([chance.octets(32), strangerOf.key]), chance.octets(60), {
        to,
        from: Uint8Array.from({ length: chance.below(6) }, () => 1 + chance.below(3)),
        watermark: 2 ** 31,
      });
      for (const body of peer.take(FRAME.traffic)) peer.frame(FRAME.traffic, body);
    }
    scene.world.run(2_000);
    assert.ok(forwarded() - before <= 200 * 8, `${forwarded() - before}`);
  });
});

test('a peer that swallows what it should forward is one that others do not depend on', () => {
  const scene = new Scene();
  const peer = RawPeer.up(scene.middle, strangerOf, 1n);
  const port = BigInt(scene.middle.node.links().find(({ link }) => link === peer.link)?.port ?? 0);
  peer.announce(strangerOf, scene.middle.owner, { seq: 1n, port });
  scene.world.run(3_000);
  scene.checkTraffic();
  assert.equal(peer.take(FRAME.traffic).length, 0);
});

test('old announcements of honest nodes, shown again, change nothing', () => {
  const scene = new Scene();
  const recorder = RawPeer.up(scene.middle, strangerOf, 1n);
  scene.world.run(2_000);
  const recorded = recorder.take(FRAME.announce);
  assert.ok(recorded.length >= 2);
  scene.world.run(242_000);
  const coords = scene.honest.map(({ node }) => node.self().coords);
  for (const body of recorded) recorder.frame(FRAME.announce, body);
  scene.world.run(3_000);
  assert.deepEqual(
    scene.honest.map(({ node }) => node.self().coords),
    coords,
  );
  scene.checkTraffic();
  scene.checkBounds();
});
