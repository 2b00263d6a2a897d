/**
 * A stranger presents the recorded greeting of a peer. It can be shown by anyone, since it proves no more than that the
 * peer once made it; what the stranger lacks is the key that signs our request.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceSigned } from '../../daemon/wire/announce.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { readSigReq, writeSigRes } from '../../daemon/wire/sigs.ts';
import { type Identity, identity, NOTHING, pathOf } from '../support/core.ts';
import { EMPTY_FILTER, FULL_FILTER, Mesh, others, root, trafficTo, us } from '../support/core-mesh.ts';
import { announceBody, announced, greetingOf, RawPeer } from '../support/core-peer.ts';
import { World } from '../support/core-world.ts';

const [childOf, farOf] = others as [Identity, Identity];

/** The recorded greeting, and nothing else that its owner has: it signs with a key of its own. */
function replay(mesh: { host: Mesh['host'] }, of: Identity): RawPeer {
  const stranger = new RawPeer(mesh.host, { ...identity(9_999), key: of.key });
  stranger.send(greetingOf(of));
  assert.equal(stranger.closed, undefined, 'a greeting alone is believed');
  return stranger;
}

/** A request of the node, answered with whatever signature the stranger can make. */
function forgeAnswer(stranger: RawPeer): void {
  const request = readSigReq(stranger.take(FRAME.sigReq).at(-1) ?? NOTHING);
  assert.ok(request);
  stranger.answer(request, 1n);
}

test('it never becomes trusted, and is gone after six seconds', () => {
  const mesh = new Mesh();
  const before = mesh.host.count('peerUp');
  const stranger = replay(mesh, farOf);
  for (let i = 0; i < 5; i++) {
    mesh.world.run(1_000);
    stranger.frame(FRAME.keepAlive);
  }
  mesh.world.run(1_000);
  assert.equal(stranger.closed, 'peer unproven');
  assert.equal(mesh.host.count('peerUp'), before);
});

test('a signature of its own ends the link at once', () => {
  const mesh = new Mesh();
  const stranger = replay(mesh, farOf);
  forgeAnswer(stranger);
  assert.equal(stranger.closed, 'signature response invalid');
});

test('an answer that the peer once gave to another request does not help', () => {
  const mesh = new Mesh();
  const stranger = replay(mesh, root);
  const old = { seq: 1n, nonce: 12_345n, port: 7n };
  const psig = root.signer.sign(announceSigned(us.key, root.key, old));
  stranger.frame(FRAME.sigRes, (writer) => writeSigRes(writer, { ...old, psig }));
  mesh.world.run(6_000);
  assert.equal(stranger.closed, 'peer unproven');
});

test('an answer that the peer gave to us and that we published does not help', () => {
  const mesh = new Mesh();
  // Our present announcement holds the signature that the root made when it was asked.
  const child = RawPeer.up(mesh.host, childOf);
  mesh.world.run(1_000);
  const own = child.frames.filter(({ type }) => type === FRAME.announce).map(({ body }) => body);
  const message = own.map(announced).find(({ parent }) => parent === Buffer.from(root.key).toString('hex'));
  assert.ok(message, 'it is public');
  const stranger = replay(mesh, root);
  const request = readSigReq(stranger.take(FRAME.sigReq)[0] ?? NOTHING);
  assert.ok(request && request.seq > message.seq, 'what is asked now is something else');
});

test('it is told nothing but requests and answers', () => {
  const mesh = new Mesh();
  const stranger = replay(mesh, childOf);
  mesh.child(childOf);
  stranger.frame(FRAME.keepAlive);
  mesh.host.sendPackets();
  mesh.world.run(2_000);
  const types = new Set(stranger.frames.map(({ type }) => type));
  assert.deepEqual([...types], [FRAME.sigReq]);
});

test('it does not get the peer’s traffic, not even when the peer goes', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const to = pathOf(7, Number(mesh.portOf(child)));
  const stranger = replay(mesh, childOf);
  mesh.host.detach(child.link);
  mesh.parent.traffic(farOf.key, childOf.key, new Uint8Array(100), { to, from: NOTHING, watermark: 99 });
  assert.deepEqual(trafficTo(stranger), []);
});

test('it cannot change the peer’s filter', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  child.frame(FRAME.bloomFilter, FULL_FILTER);
  replay(mesh, childOf).frame(FRAME.bloomFilter, EMPTY_FILTER);
  mesh.world.run(2_000);
  mesh.parent.lookup(farOf.key, identity(77).key, pathOf(3));
  assert.equal(child.take(FRAME.pathLookup).length, 1);
});

test('it cannot make us believe that the peer has heard our announcement', () => {
  const mesh = new Mesh();
  // It had that announcement from another peer, and shows it before we have told it to the child.
  const other = RawPeer.up(mesh.host, farOf);
  mesh.world.run(1_000);
  const ours = other.take(FRAME.announce);
  const child = RawPeer.up(mesh.host, childOf);
  const stranger = replay(mesh, childOf);
  for (const body of ours) stranger.frame(FRAME.announce, body);
  mesh.world.run(1_000);
  assert.equal(child.take(FRAME.announce).length, ours.length);
});

test('it cannot use up the peer’s budget for announcements', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const stranger = replay(mesh, childOf);
  for (let i = 0; i < 800 && stranger.closed === undefined; i++) {
    stranger.frame(FRAME.announce, announceBody(farOf, farOf, { seq: BigInt(i + 1) }));
  }
  const before = mesh.host.drops('announce deferred');
  child.announce(childOf, us, { seq: 9n, port: mesh.portOf(child) });
  assert.equal(mesh.host.drops('announce deferred'), before);
  assert.ok(mesh.host.node.tree().some(({ seq }) => seq === 9n));
});

test('it cannot use up the peer’s budget for answers', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const stranger = replay(mesh, childOf);
  for (let i = 0; i < 100; i++) stranger.request(BigInt(i), 1n);
  child.request(5n, 5n);
  assert.equal(child.take(FRAME.sigRes).length, 1);
});

test('its offences do not end the peer’s links', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const stranger = replay(mesh, childOf);
  const forged = announceBody({ ...farOf, signer: us.signer }, root, { seq: 7n });
  for (let i = 0; i < 700 && stranger.closed === undefined; i++) {
    stranger.frame(FRAME.announce, i < 650 ? announceBody(farOf, farOf, { seq: BigInt(i + 1) }) : forged);
  }
  mesh.world.run(3_000);
  assert.equal(child.closed, undefined);
});

test('it cannot keep the peer out by holding all of its links', () => {
  const mesh = new Mesh();
  const strangers = Array.from({ length: 20 }, () => replay(mesh, childOf));
  const child = RawPeer.up(mesh.host, childOf);
  assert.equal(child.closed, undefined);
  assert.equal(mesh.host.count('peerUp'), 2);
  assert.ok(strangers.filter(({ closed }) => closed === undefined).length <= 3);
});

test('it cannot keep us the child of a parent that is gone', () => {
  const mesh = new Mesh();
  const stranger = replay(mesh, root);
  mesh.host.detach(mesh.parent.link);
  for (let i = 0; i < 4; i++) {
    mesh.world.run(1_000);
    stranger.frame(FRAME.keepAlive);
  }
  assert.deepEqual(mesh.host.node.self().parent, us.key);
});

test('what an honest peer says before it is proven counts as soon as it is', () => {
  const world = new World();
  const host = world.host(us);
  const peer = new RawPeer(host, root);
  peer.greet();
  peer.announceSelf();
  peer.frame(FRAME.bloomFilter, FULL_FILTER);
  const request = readSigReq(peer.take(FRAME.sigReq)[0] ?? NOTHING);
  assert.ok(request);
  world.run(1_500);
  peer.answer(request, 7n);
  peer.politePort = 7n;
  world.run(2_000);
  assert.deepEqual(host.node.self().root, root.key);
  peer.take();
  host.sendPackets();
  host.feed({ kind: 'echo', target: Uint8Array.of(2, 0, ...new Uint8Array(14)), sequence: 1, size: 8 });
  assert.equal(peer.take(FRAME.pathLookup).length, 1, 'its filter is known');
});

test('an invalid announcement before the proof ends the link with it', () => {
  const world = new World();
  const host = world.host(us);
  const peer = new RawPeer(host, root);
  peer.greet();
  peer.frame(FRAME.announce, announceBody({ ...farOf, signer: us.signer }, root, { seq: 7n }));
  const request = readSigReq(peer.take(FRAME.sigReq)[0] ?? NOTHING);
  assert.ok(request);
  peer.answer(request, 7n);
  assert.equal(peer.closed, 'announce invalid');
});
