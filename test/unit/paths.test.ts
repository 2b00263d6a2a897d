import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey, bloomItem, partialKey, subnetForKey } from '../../daemon/core/identity.ts';
import { filterAdd, filterPositions } from '../../daemon/core/routing/bloom.ts';
import { emptyFilter, writeFilter } from '../../daemon/wire/filter.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import {
  notifySigned,
  type PathNotify,
  readPathNotify,
  writePathBroken,
  writePathNotify,
} from '../../daemon/wire/lookup.ts';
import { crypto, type Identity, identities, NOTHING, pathOf, UNIX_SECONDS } from '../support/core.ts';
import {
  EMPTY_FILTER,
  FULL_FILTER,
  inSubnet,
  lookupsTo,
  Mesh,
  others,
  root,
  trafficTo,
  us,
} from '../support/core-mesh.ts';
import { RawPeer } from '../support/core-peer.ts';
import { World } from '../support/core-world.ts';
import { hex } from './wire-vectors.ts';

const [childOf, farOf, strangerOf] = others as [Identity, Identity, Identity];
const farAddress = addressForKey(farOf.key);
const TO_US = { path: pathOf(7), dest: us.key };

function notifiesTo(peer: RawPeer): PathNotify[] {
  return peer.take(FRAME.pathNotify).map((body) => readPathNotify(body) as PathNotify);
}

/** A mesh that has looked for the far node and found it at 3. */
function found(): Mesh {
  const mesh = new Mesh();
  mesh.send(farAddress);
  mesh.parent.notify(farOf, 100n, pathOf(3), TO_US);
  mesh.parent.take();
  assert.deepEqual(portsOf(mesh), ['3']);
  return mesh;
}

/** Where the node believes the far node to be. */
function portsOf(mesh: Mesh): string[] | undefined {
  return mesh.host.node.paths().find(({ key }) => hex(key) === hex(farOf.key))?.ports;
}

function broken(peer: RawPeer, source: Uint8Array, dest: Uint8Array, path = pathOf(7)): void {
  peer.frame(FRAME.pathBroken, (writer) => writePathBroken(writer, { path, watermark: 1n, source, dest }));
}

// Looking for others

test('a packet for an unknown address causes a lookup of its partial key', () => {
  const mesh = new Mesh();
  mesh.send(farAddress);
  const [lookup] = lookupsTo(mesh.parent);
  assert.deepEqual(lookup, { source: us.key, dest: partialKey(farAddress), from: pathOf(7) });
});

test('a packet for an unknown subnet causes a lookup of its partial key', () => {
  const mesh = new Mesh();
  mesh.send(inSubnet(subnetForKey(farOf.key)));
  assert.deepEqual(lookupsTo(mesh.parent)[0]?.dest, partialKey(subnetForKey(farOf.key)));
});

test('a lookup goes nowhere when no filter has its item', () => {
  const mesh = new Mesh();
  mesh.parent.frame(FRAME.bloomFilter, EMPTY_FILTER);
  mesh.send(farAddress);
  assert.deepEqual(lookupsTo(mesh.parent), []);
});

test('a peer whose filter has come is asked as soon as it is on the tree', () => {
  const mesh = new Mesh();
  mesh.parent.frame(FRAME.bloomFilter, EMPTY_FILTER);
  mesh.send(farAddress);
  const child = RawPeer.up(mesh.host, childOf);
  child.frame(FRAME.bloomFilter, FULL_FILTER);
  assert.deepEqual(lookupsTo(child), [], 'it would not listen');
  child.announce(childOf, us, { seq: 1n, port: mesh.portOf(child) });
  assert.equal(lookupsTo(child).length, 1);
});

test('the same key is looked up once a second at most', () => {
  const mesh = new Mesh();
  for (let i = 0; i < 10; i++) {
    mesh.send(farAddress);
    mesh.world.run(99);
  }
  assert.equal(lookupsTo(mesh.parent).length, 1);
});

test('a lookup that is not answered is repeated after 1, 2, 4 and then 8 seconds', () => {
  const mesh = new Mesh();
  const timesMs: number[] = [];
  const startMs = mesh.world.nowMs;
  while (mesh.world.nowMs < startMs + 40_000) {
    mesh.send(farAddress);
    if (lookupsTo(mesh.parent).length > 0) timesMs.push(mesh.world.nowMs - startMs);
    mesh.world.run(250);
  }
  assert.deepEqual(timesMs, [0, 1_000, 3_000, 7_000, 15_000, 23_000, 31_000, 39_000]);
});

test('a lookup repeats itself for ten seconds, not longer', () => {
  const mesh = new Mesh();
  mesh.send(farAddress);
  mesh.world.run(10_000);
  assert.equal(lookupsTo(mesh.parent).length, 4);
  mesh.world.run(60_000);
  assert.deepEqual(lookupsTo(mesh.parent), []);
});

test('a filter that newly has the item of a lookup causes it again at once', () => {
  const mesh = new Mesh();
  mesh.parent.frame(FRAME.bloomFilter, EMPTY_FILTER);
  for (let i = 0; i < 10; i++) {
    mesh.send(farAddress);
    mesh.world.run(1_000);
  }
  mesh.parent.take();
  mesh.parent.frame(FRAME.bloomFilter, FULL_FILTER);
  assert.equal(lookupsTo(mesh.parent).length, 1);
});

test('an answer is taken and what waited goes out along it', () => {
  const mesh = new Mesh();
  mesh.send(farAddress);
  mesh.parent.notify(farOf, 100n, pathOf(3), TO_US);
  assert.deepEqual(portsOf(mesh), ['3']);
  const [sent] = trafficTo(mesh.parent);
  assert.deepEqual(sent?.path, [3]);
  assert.deepEqual(sent?.from, [7]);
  assert.deepEqual(sent?.dest, farOf.key);
  assert.equal(sent?.payload[0], 1, 'a session begins');
});

test('an answer may come from a key that only matches the subnet', () => {
  const mesh = new Mesh();
  mesh.send(inSubnet(subnetForKey(farOf.key)));
  mesh.parent.notify(farOf, 100n, pathOf(3), TO_US);
  assert.equal(trafficTo(mesh.parent).length, 1);
});

test('an answer that nobody asked for is ignored', () => {
  const mesh = new Mesh();
  mesh.parent.notify(farOf, 100n, pathOf(3), TO_US);
  assert.equal(mesh.host.drops('notify unsolicited'), 1);
  assert.equal(portsOf(mesh), undefined);
});

test('an answer with a wrong signature is ignored, and the link stays', () => {
  const mesh = new Mesh();
  mesh.send(farAddress);
  mesh.parent.notify({ ...farOf, signer: strangerOf.signer }, 100n, pathOf(3), TO_US);
  assert.equal(mesh.host.drops('notify signature invalid'), 1);
  assert.equal(portsOf(mesh), undefined);
  assert.equal(mesh.parent.closed, undefined);
});

test('an answer that comes more than a minute after the last packet is ignored', () => {
  const mesh = new Mesh();
  mesh.send(farAddress);
  mesh.world.run(61_000);
  mesh.parent.notify(farOf, 100n, pathOf(3), TO_US);
  assert.equal(portsOf(mesh), undefined);
});

test('a newer answer moves a known path, asked for or not', () => {
  const mesh = found();
  mesh.parent.notify(farOf, 101n, pathOf(4), TO_US);
  assert.deepEqual(portsOf(mesh), ['4']);
});

for (const seq of [100n, 99n]) {
  test(`an answer of number ${seq} does not move a path of number 100`, () => {
    const mesh = found();
    mesh.parent.notify(farOf, seq, pathOf(4), TO_US);
    assert.deepEqual(portsOf(mesh), ['3']);
    assert.equal(mesh.host.drops('notify stale'), 1);
  });
}

test('an old answer is not taken again after its path has expired', () => {
  const mesh = found();
  mesh.world.run(61_000);
  assert.equal(portsOf(mesh), undefined);
  mesh.send(farAddress);
  mesh.parent.notify(farOf, 99n, pathOf(4), TO_US);
  assert.equal(portsOf(mesh), undefined);
});

test('the newest answer is good again after its path has expired', () => {
  const mesh = found();
  mesh.world.run(61_000);
  mesh.world.run(61_000);
  mesh.send(farAddress);
  mesh.parent.notify(farOf, 100n, pathOf(3), TO_US);
  assert.deepEqual(portsOf(mesh), ['3']);
});

test('numbers of answers are forgotten after ten minutes', () => {
  const mesh = found();
  mesh.world.run(601_000);
  mesh.parent.announceSelf(2n);
  mesh.world.run(2_000);
  mesh.parent.frame(FRAME.bloomFilter, FULL_FILTER);
  mesh.send(farAddress);
  mesh.parent.notify(farOf, 5n, pathOf(3), TO_US);
  assert.deepEqual(portsOf(mesh), ['3']);
});

test('an answer for a 64-bit clock is an answer', () => {
  const mesh = found();
  mesh.parent.notify(farOf, 2n ** 64n - 1n, pathOf(4), TO_US);
  assert.deepEqual(portsOf(mesh), ['4']);
});

test('an answer for another node that cannot be passed on is dropped', () => {
  const mesh = new Mesh();
  mesh.parent.notify(farOf, 100n, pathOf(3), { path: pathOf(7), dest: strangerOf.key });
  assert.equal(mesh.host.drops('no next hop'), 1);
});

test('an answer for another node is passed on unread, with our distance as its watermark', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const port = Number(mesh.portOf(child));
  mesh.parent.notify({ ...farOf, signer: strangerOf.signer }, 100n, pathOf(3), {
    path: pathOf(7, port, 9),
    dest: strangerOf.key,
  });
  assert.deepEqual(notifiesTo(child), [], 'its watermark of one is too small');
  const info = { seq: 100n, path: pathOf(3), sig: new Uint8Array(64) };
  const message = { path: pathOf(7, port, 9), watermark: 5n, source: farOf.key, dest: strangerOf.key, info };
  mesh.parent.frame(FRAME.pathNotify, (writer) => writePathNotify(writer, message));
  assert.deepEqual(notifiesTo(child), [{ ...message, watermark: 2n }]);
});

// Paths over time

test('a path that nothing comes back over is forgotten after a minute, whatever is sent', () => {
  const mesh = found();
  for (let i = 0; i < 59; i++) {
    mesh.world.run(1_000);
    mesh.send(farAddress);
  }
  assert.deepEqual(portsOf(mesh), ['3']);
  mesh.world.run(2_000);
  assert.equal(portsOf(mesh), undefined);
});

function heard(mesh: Mesh): void {
  mesh.parent.traffic(farOf.key, us.key, Uint8Array.of(0), { to: pathOf(7), from: pathOf(3), watermark: 9 });
}

test('a path lives on while traffic comes from its key', () => {
  const mesh = found();
  for (let i = 0; i < 5; i++) {
    mesh.world.run(50_000);
    heard(mesh);
  }
  assert.deepEqual(portsOf(mesh), ['3']);
});

test('traffic does not keep a broken path alive', () => {
  const mesh = found();
  broken(mesh.parent, us.key, farOf.key);
  mesh.world.run(50_000);
  heard(mesh);
  mesh.world.run(12_000);
  assert.equal(portsOf(mesh), undefined);
});

/** Sends once a second; gives the seconds in which the node looked for the far node. */
function lookupSeconds(mesh: Mesh, seconds: number, meanwhile: () => void = () => {}): number[] {
  const asked: number[] = [];
  for (let second = 1; second <= seconds; second++) {
    mesh.world.run(1_000);
    meanwhile();
    mesh.send(farAddress);
    if (lookupsTo(mesh.parent).length > 0) asked.push(second);
  }
  return asked;
}

test('a path over which nothing comes back for ten seconds is looked up while it is used', () => {
  // Each two seconds something leaves: an Init.
  assert.deepEqual(lookupSeconds(found(), 16), [10, 12, 14]);
});

test('a path over which something comes back is not looked up', () => {
  const mesh = found();
  assert.deepEqual(
    lookupSeconds(mesh, 60, () => heard(mesh)),
    [],
  );
});

test('an answer settles the doubt for ten seconds', () => {
  const mesh = found();
  lookupSeconds(mesh, 10);
  mesh.parent.notify(farOf, 200n, pathOf(4), TO_US);
  assert.deepEqual(lookupSeconds(mesh, 9), []);
  assert.deepEqual(portsOf(mesh), ['4']);
});

test('a path that nobody uses is not looked up', () => {
  const mesh = found();
  mesh.world.run(40_000);
  assert.deepEqual(lookupsTo(mesh.parent), []);
});

test('a broken path is looked for at once and used meanwhile', () => {
  const mesh = found();
  mesh.world.run(2_000);
  broken(mesh.parent, us.key, farOf.key);
  assert.deepEqual(lookupsTo(mesh.parent)[0]?.dest, farOf.key);
  mesh.send(farAddress);
  assert.deepEqual(trafficTo(mesh.parent)[0]?.path, [3]);
});

test('an answer mends a broken path', () => {
  const mesh = found();
  broken(mesh.parent, us.key, farOf.key);
  mesh.parent.notify(farOf, 101n, pathOf(3), TO_US);
  mesh.world.run(50_000);
  heard(mesh);
  mesh.world.run(50_000);
  assert.deepEqual(portsOf(mesh), ['3']);
});

test('a broken path of which we know nothing is ignored', () => {
  const mesh = new Mesh();
  broken(mesh.parent, us.key, farOf.key);
  assert.equal(mesh.host.drops('path broken ignored'), 1);
  assert.deepEqual(lookupsTo(mesh.parent), []);
});

test('many reports of a broken path cause one lookup a second at most', () => {
  const mesh = found();
  mesh.world.run(2_000);
  for (let i = 0; i < 50; i++) broken(mesh.parent, us.key, farOf.key);
  assert.equal(lookupsTo(mesh.parent).length, 1);
});

test('a broken path of another node is passed on', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const path = pathOf(7, Number(mesh.portOf(child)));
  mesh.parent.frame(FRAME.pathBroken, (writer) =>
    writePathBroken(writer, { path, watermark: 9n, source: childOf.key, dest: farOf.key }),
  );
  assert.equal(child.take(FRAME.pathBroken).length, 1);
});

// Being looked for

test('a lookup of our key is answered with our coordinates, signed', () => {
  const mesh = new Mesh();
  mesh.parent.lookup(farOf.key, us.key, pathOf(3));
  const [notify] = notifiesTo(mesh.parent);
  assert.ok(notify);
  const now = UNIX_SECONDS + BigInt(Math.floor(mesh.world.nowMs / 1000));
  assert.deepEqual([notify.path, notify.source, notify.dest], [pathOf(3), us.key, farOf.key]);
  assert.deepEqual([notify.info.seq, notify.info.path], [now, pathOf(7)]);
  assert.ok(crypto.ed25519Verify(us.key, notify.info.sig, notifySigned(now, pathOf(7))));
});

test('a second place in one second has a higher number, the same place the same', () => {
  const mesh = new Mesh();
  const ask = (source: Identity): PathNotify['info'] => {
    mesh.parent.lookup(source.key, us.key, pathOf(3));
    return notifiesTo(mesh.parent)[0]?.info as PathNotify['info'];
  };
  const first = ask(farOf);
  assert.deepEqual(ask(strangerOf), first);
  const [lower] = identities(60) as [Identity];
  mesh.parent.announce(lower, lower, { seq: 1n });
  mesh.parent.announce(root, lower, { seq: 2n, port: 5n });
  const second = ask(childOf);
  assert.deepEqual([second.seq, second.path], [first.seq + 1n, pathOf(5, 7)]);
  assert.ok(crypto.ed25519Verify(us.key, second.sig, notifySigned(second.seq, second.path)));
  mesh.world.run(3_000);
  assert.equal(ask(farOf).seq, first.seq + 3n, 'then it is the time again');
});

test('the answer carries our distance as its watermark', () => {
  const mesh = new Mesh();
  mesh.parent.lookup(farOf.key, us.key, pathOf(3));
  assert.equal(notifiesTo(mesh.parent)[0]?.watermark, 2n);
});

for (const { what, key } of [
  { what: 'address', key: partialKey(addressForKey(us.key)) },
  { what: 'subnet', key: partialKey(subnetForKey(us.key)) },
  { what: 'filter item', key: bloomItem(us.key) },
]) {
  test(`a lookup of our ${what} is answered`, () => {
    const mesh = new Mesh();
    mesh.parent.lookup(farOf.key, key, pathOf(3));
    assert.equal(notifiesTo(mesh.parent).length, 1);
  });
}

test('a lookup of another key is not answered', () => {
  const mesh = new Mesh();
  mesh.parent.lookup(farOf.key, strangerOf.key, pathOf(3));
  assert.equal(notifiesTo(mesh.parent).length, 0);
});

test('a lookup from a peer that is not on the tree is ignored', () => {
  const mesh = new Mesh();
  const peer = RawPeer.up(mesh.host, childOf);
  peer.lookup(farOf.key, us.key, NOTHING);
  assert.equal(mesh.host.drops('lookup off tree'), 1);
  assert.deepEqual(notifiesTo(mesh.parent), []);
});

test('a node without peers on the tree answers nothing', () => {
  const world = new World();
  const host = world.host(us);
  const peer = RawPeer.up(host, root);
  peer.lookup(root.key, us.key, NOTHING);
  assert.deepEqual(notifiesTo(peer), []);
});

test('a lookup goes on to every other peer whose filter has its item, unchanged', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  child.frame(FRAME.bloomFilter, FULL_FILTER);
  mesh.parent.take();
  mesh.parent.lookup(farOf.key, strangerOf.key, pathOf(3));
  assert.deepEqual(lookupsTo(child), [{ source: farOf.key, dest: strangerOf.key, from: pathOf(3) }]);
  assert.deepEqual(lookupsTo(mesh.parent), []);
});

test('a lookup that we answer goes on all the same', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  const filter = emptyFilter();
  filterAdd(filter, filterPositions(bloomItem(us.key)));
  child.frame(FRAME.bloomFilter, (writer) => writeFilter(writer, filter));
  mesh.parent.lookup(farOf.key, us.key, pathOf(3));
  assert.equal(lookupsTo(child).length, 1);
});

test('a lookup goes over one link of a peer that has several', () => {
  const mesh = new Mesh();
  const child = mesh.child(childOf);
  child.frame(FRAME.bloomFilter, FULL_FILTER);
  const second = RawPeer.up(mesh.host, childOf);
  mesh.parent.lookup(farOf.key, strangerOf.key, pathOf(3));
  assert.equal(lookupsTo(child).length + lookupsTo(second).length, 1);
});
