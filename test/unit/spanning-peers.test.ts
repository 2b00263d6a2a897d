import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceSigned } from '../../daemon/wire/announce.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { readSigRes } from '../../daemon/wire/sigs.ts';
import { crypto, type Identity, NOTHING } from '../support/core.ts';
import { announceBody, RawPeer } from '../support/core-peer.ts';
import { higher, highest, lastRequest, lower, lowest, start, told, us, withParent } from '../support/core-tree.ts';
import type { Host } from '../support/core-world.ts';
import { hex } from './wire-vectors.ts';

const knows = (host: Host, of: Identity): boolean => host.node.tree().some(({ key }) => hex(key) === hex(of.key));

// Requests and responses

test('answers a request at once with the port of that peer, rightly signed', () => {
  const { host } = start();
  RawPeer.up(host, higher);
  const peer = RawPeer.up(host, highest);
  peer.request(77n, 2n ** 64n - 1n);
  const response = readSigRes(peer.take(FRAME.sigRes)[0] ?? NOTHING);
  assert.ok(response);
  assert.deepEqual([response.seq, response.nonce, response.port], [77n, 2n ** 64n - 1n, 2n]);
  assert.ok(crypto.ed25519Verify(us.key, response.psig, announceSigned(highest.key, us.key, response)));
});

test('answers requests of a peer that it does not trust yet', () => {
  const peer = new RawPeer(start().host, higher);
  peer.greet();
  peer.request(1n, 1n);
  assert.equal(peer.take(FRAME.sigRes).length, 1);
});

test('answers on every link of a peer with the same port', () => {
  const { host } = start();
  RawPeer.up(host, higher);
  const links = [RawPeer.up(host, highest), RawPeer.up(host, highest)];
  for (const link of links) link.request(1n, 1n);
  const ports = links.map((link) => readSigRes(link.take(FRAME.sigRes)[0] ?? NOTHING)?.port);
  assert.deepEqual(ports, [2n, 2n]);
});

test('asks for the number after its own', () => {
  const peer = new RawPeer(start().host, higher);
  peer.greet();
  assert.equal(lastRequest(peer).seq, 2n);
});

test('trusts a peer whose answer is right', () => {
  const { host } = start();
  const peer = new RawPeer(host, higher);
  peer.greet();
  peer.answer(lastRequest(peer), 5n);
  assert.equal(host.count('peerUp'), 1);
});

for (const { what, change } of [
  { what: 'seq', change: { seq: 3n } },
  { what: 'nonce', change: { nonce: 1n } },
]) {
  test(`an answer with another ${what} is no proof, and no offence`, () => {
    const { host } = start();
    const peer = new RawPeer(host, higher);
    peer.greet();
    peer.answer({ ...lastRequest(peer), ...change }, 5n);
    assert.equal(host.count('peerUp'), 0);
    assert.equal(peer.closed, undefined);
  });
}

test('an answer signed by another key ends the link', () => {
  const { host } = start();
  const peer = new RawPeer(host, higher);
  peer.greet();
  const forger = Object.assign(Object.create(peer) as RawPeer, { self: { ...higher, signer: highest.signer } });
  forger.answer(lastRequest(peer), 5n);
  assert.equal(peer.closed, 'signature response invalid');
});

test('port zero is nobody’s: an answer that gives it ends the link', () => {
  const { host } = start();
  const peer = new RawPeer(host, higher);
  peer.greet();
  peer.answer(lastRequest(peer), 0n);
  assert.equal(peer.closed, 'signature response invalid');
});

test('keeps the first answer to a request', () => {
  const { world, host } = start();
  const peer = new RawPeer(host, lower);
  peer.greet();
  const request = lastRequest(peer);
  peer.answer(request, 5n);
  peer.answer(request, 6n);
  peer.announceSelf();
  world.run(1_000);
  assert.deepEqual(host.node.self().coords, ['5']);
});

test('closes a link that is not proven within six seconds', () => {
  const { world, host } = start();
  const peer = new RawPeer(host, higher);
  peer.greet();
  // It answers, but not what it was asked.
  for (let i = 0; i < 5; i++) {
    world.run(1_000);
    peer.frame(FRAME.keepAlive);
  }
  world.run(999);
  assert.equal(peer.closed, undefined);
  world.run(1);
  assert.equal(peer.closed, 'peer unproven');
});

test('tells an unproven peer nothing but requests and answers', () => {
  const { world, host } = start();
  const peer = new RawPeer(host, higher);
  peer.greet();
  peer.request(1n, 1n);
  world.run(2_500);
  assert.deepEqual(new Set(peer.frames.map(({ type }) => type)), new Set([FRAME.sigReq, FRAME.sigRes]));
});

test('a proven peer hears the empty filter and announcements at once', () => {
  const { host } = start();
  const peer = RawPeer.up(host, higher);
  peer.take(FRAME.sigReq);
  assert.deepEqual(
    peer.frames.map(({ type }) => type),
    [FRAME.bloomFilter, FRAME.announce],
  );
  assert.deepEqual(
    told(peer).map(({ key }) => key),
    [hex(us.key)],
  );
});

// What others are told

test('tells ancestors from the root downwards, then those of the peer', () => {
  const { world, host } = start();
  const parent = RawPeer.up(host, higher, 4n);
  parent.announce(lowest, lowest, { seq: 1n });
  parent.announce(higher, lowest, { seq: 1n, port: 9n });
  world.run(1_000);
  const child = RawPeer.up(host, highest, 2n);
  world.run(1_000);
  assert.deepEqual(
    told(child).map(({ key }) => key),
    [lowest, higher, us].map(({ key }) => hex(key)),
  );
});

test('does not tell a peer what came from it', () => {
  const { parent } = withParent();
  assert.deepEqual(
    told(parent).map(({ key }) => key),
    [hex(us.key)],
  );
});

test('tells nobody of nodes that are ancestors of nobody here', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, highest);
  RawPeer.up(host, higher).announce(lowest, lowest, { seq: 1n });
  world.run(3_000);
  assert.ok(knows(host, lowest));
  assert.ok(told(peer).every(({ key }) => key !== hex(lowest.key)));
});

test('tells each announcement once', () => {
  const { world, parent } = withParent();
  parent.take();
  world.run(5_000);
  assert.deepEqual(told(parent), []);
});

test('tells a renewed announcement again', () => {
  const { world, host } = start();
  const child = RawPeer.up(host, highest);
  const parent = RawPeer.up(host, lower);
  parent.announceSelf(1n);
  world.run(2_000);
  child.take();
  parent.announceSelf(2n);
  world.run(1_000);
  assert.deepEqual(
    told(child).map(({ key, seq }) => [key, seq]),
    [[hex(lower.key), 2n]],
  );
});

test('a second link of a peer is told at once what the first was told', () => {
  const { world, host } = start();
  const first = RawPeer.up(host, higher);
  world.run(1_000);
  assert.equal(told(first).length, 1);
  const second = RawPeer.up(host, higher);
  assert.deepEqual(
    told(second).map(({ key }) => key),
    [hex(us.key)],
  );
});

test('answers a worse announcement with the better one, at once', () => {
  const { host } = start();
  const peer = RawPeer.up(host, higher);
  peer.announce(highest, highest, { seq: 9n });
  peer.take();
  peer.announce(highest, highest, { seq: 8n });
  assert.deepEqual(told(peer), [{ key: hex(highest.key), parent: hex(highest.key), seq: 9n, port: 0n }]);
});

test('answers an identical announcement with nothing', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, higher);
  world.run(2_000);
  peer.announceSelf(9n);
  peer.take();
  peer.announceSelf(9n);
  world.run(3_000);
  assert.deepEqual(told(peer), []);
});

test('answers a better announcement with nothing', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, higher);
  world.run(2_000);
  peer.announceSelf(9n);
  peer.take();
  peer.announceSelf(10n);
  world.run(3_000);
  assert.deepEqual(told(peer), []);
});

test('two nodes that hold different announcements of a key fall silent', () => {
  const { world, host } = start();
  const peer = RawPeer.up(host, higher);
  world.run(2_000);
  peer.announce(highest, highest, { seq: 9n, nonce: 5n });
  peer.take();
  peer.announce(highest, highest, { seq: 9n, nonce: 6n });
  assert.equal(told(peer).length, 1);
  peer.announce(highest, highest, { seq: 9n, nonce: 5n });
  world.run(3_000);
  assert.deepEqual(told(peer), []);
});

test('forgets a node five minutes after its last announcement', () => {
  const { world, host } = start();
  RawPeer.up(host, higher).announceSelf();
  world.run(299_000);
  assert.ok(knows(host, higher));
  world.run(2_000);
  assert.ok(!knows(host, higher));
});

for (const { what, body } of [
  { what: 'whose own signature is wrong', body: announceBody({ ...higher, signer: us.signer }, lower, { seq: 1n }) },
  { what: 'whose parent did not sign', body: announceBody(higher, { ...lower, signer: us.signer }, { seq: 1n }) },
  { what: 'of a child with port zero', body: announceBody(higher, lower, { seq: 1n, port: 0n }) },
]) {
  test(`an announcement ${what} ends the link`, () => {
    const { host } = start();
    const peer = RawPeer.up(host, higher);
    peer.frame(FRAME.announce, body);
    assert.equal(peer.closed, 'announce invalid');
    assert.ok(!knows(host, higher));
  });
}

test('a parent may give any port of 64 bits', () => {
  const { host } = withParent(2n ** 64n - 1n);
  assert.deepEqual(host.node.self().coords, ['18446744073709551615']);
});
