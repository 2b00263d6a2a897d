/** Caps of lookups, paths and addresses: each is reached, passed by one, and must stay where it is. The numbers are the tests' own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contacts } from '../../daemon/core/contacts.ts';
import { addressForKey } from '../../daemon/core/identity.ts';
import { type PublicKey, publicKey } from '../../daemon/core/port.ts';
import { Blooms } from '../../daemon/core/routing/blooms.ts';
import { Paths } from '../../daemon/core/routing/paths.ts';
import { Peers } from '../../daemon/core/routing/peers.ts';
import { Router } from '../../daemon/core/routing/router.ts';
import { Tree } from '../../daemon/core/routing/tree.ts';
import { FRAME } from '../../daemon/wire/frame.ts';
import { contextOf, type Identity, NOTHING, nameless, pathOf, trusting } from '../support/core.ts';
import { lookupsTo, Mesh, others, packetTo, us } from '../support/core-mesh.ts';

const [childOf, farOf] = others as [Identity, Identity];

// Lookups and paths

test('100 lookups of our own leave at once, then 50 a second', () => {
  const mesh = new Mesh();
  mesh.host.sendPackets(...Array.from({ length: 101 }, (_, i) => packetTo(mesh.host.address, addressOf(i))));
  assert.equal(lookupsTo(mesh.parent).length, 100);
  assert.equal(mesh.host.drops('lookup rate own'), 1);
});

function addressOf(number: number): Uint8Array {
  return addressForKey(nameless(number).key);
}

test('4096 lookups run at a time', () => {
  const mesh = new Mesh();
  const packets = (first: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => packetTo(mesh.host.address, addressOf(first + i)));
  mesh.host.sendPackets(...packets(0, 4_096));
  assert.equal(mesh.host.drops('rumours full'), 0);
  mesh.host.sendPackets(...packets(4_096, 3));
  assert.equal(mesh.host.drops('rumours full'), 3);
});

test('8 MiB of payloads wait for lookups', () => {
  const context = contextOf(us);
  const router = new Router(context, { payload: () => {}, found: () => {}, settle: () => {} });
  const begun = (count: number, first: number): number =>
    Array.from({ length: count }, (_, i) => router.begin(nameless(first + i).key, 65_536)).filter(Boolean).length;
  assert.equal(begun(128, 0), 128);
  assert.equal(begun(10, 128), 0);
  assert.equal(context.stats.drops['rumours full'], 10);
  assert.ok(router.begin(nameless(0).key, 65_536), 'a payload may replace an older one');
});

test('a payload larger than any frame is dropped', () => {
  const context = contextOf(us);
  const router = new Router(context, { payload: () => {}, found: () => {}, settle: () => {} });
  assert.ok(!router.begin(farOf.key, 130_994));
  assert.equal(context.stats.drops['payload too large'], 1);
  assert.ok(router.begin(farOf.key, 130_993));
});

test('16384 paths are known, and the one that expires first gives way', () => {
  const context = contextOf(us, { crypto: trusting });
  const peers = new Peers(context);
  const paths = new Paths(context, new Blooms(context, peers, new Tree(context)), {
    coords: () => pathOf() as never,
    coordsOf: () => pathOf() as never,
    route: () => true,
    found: () => {},
    isSlow: () => false,
    neighbour: () => undefined,
    resend: () => {},
    mayVerifyNotify: () => true,
  });
  const learn = (number: number): void => {
    const { key } = nameless(number);
    context.nowMs += 1;
    paths.lookupWith(key, 1);
    const info = { seq: 1n, path: pathOf(3), sig: new Uint8Array(64) };
    paths.notifyReceived({ path: NOTHING, watermark: 1n, source: key, dest: us.key, info });
  };
  for (let i = 0; i < 16_384; i++) learn(i);
  assert.equal([...paths.values()].length, 16_384);
  for (let i = 16_384; i < 16_390; i++) learn(i);
  assert.equal([...paths.values()].length, 16_384);
  assert.equal(paths.get(nameless(5).key), undefined);
  assert.ok(paths.get(nameless(6).key) && paths.get(nameless(16_389).key));
  assert.equal(paths.rumours.size, 0);
});

test('a peer’s lookups are heard 400 at once and 200 a second', () => {
  const mesh = new Mesh();
  const lookup = (i: number): void => mesh.parent.lookup(nameless(i).key, farOf.key, pathOf(3));
  for (let i = 0; i < 400; i++) lookup(i);
  assert.equal(mesh.host.drops('lookup rate peer'), 0);
  lookup(400);
  assert.equal(mesh.host.drops('lookup rate peer'), 1);
  mesh.world.run(1_000);
  for (let i = 0; i < 201; i++) lookup(1_000 + i);
  assert.equal(mesh.host.drops('lookup rate peer'), 2);
});

test('a source’s lookups are heard 20 at once and 5 a second', () => {
  const mesh = new Mesh();
  const lookups = (count: number): void => {
    for (let i = 0; i < count; i++) mesh.parent.lookup(childOf.key, nameless(i).key, pathOf(3));
  };
  lookups(20);
  assert.equal(mesh.host.drops('lookup rate source'), 0);
  lookups(1);
  assert.equal(mesh.host.drops('lookup rate source'), 1);
  mesh.world.run(1_000);
  lookups(6);
  assert.equal(mesh.host.drops('lookup rate source'), 2);
});

test('20 answers leave at once, whoever asks', () => {
  const mesh = new Mesh();
  for (let i = 0; i < 25; i++) mesh.parent.lookup(nameless(i).key, us.key, pathOf(3));
  assert.equal(mesh.parent.take(FRAME.pathNotify).length, 20);
  assert.equal(mesh.host.drops('notify rate'), 5);
});

test('one source gets 4 answers at once and one a second', () => {
  const mesh = new Mesh();
  const ask = (count: number): number => {
    for (let i = 0; i < count; i++) mesh.parent.lookup(farOf.key, us.key, pathOf(3));
    return mesh.parent.take(FRAME.pathNotify).length;
  };
  assert.equal(ask(10), 4);
  mesh.world.run(1_000);
  assert.equal(ask(3), 1);
});

test('forged answers cost a bounded number of verifications', () => {
  let verified = 0;
  const mesh = new Mesh({ crypto: { ...trusting, ed25519Verify: () => ++verified > 0 } });
  mesh.send(addressOf(1));
  verified = 0;
  const forged = nameless(1);
  for (let i = 0; i < 5_000; i++)
    mesh.parent.notify(forged, BigInt(i + 1), pathOf(3), { path: pathOf(7), dest: us.key });
  assert.ok(verified <= 3_000, `${verified}`);
  assert.equal(mesh.host.drops('notify verify budget'), 5_000 - verified);
});

// Addresses

function contactKey(number: number): PublicKey {
  return publicKey(nameless(number).key);
}

test('16384 contacts are known, and the one not used for longest gives way', () => {
  const context = contextOf(us);
  const contacts = new Contacts(context);
  for (let i = 0; i < 16_384; i++) {
    context.nowMs += 1;
    contacts.learn(contactKey(i));
  }
  context.nowMs += 1;
  contacts.keyFor(addressOf(0), 0);
  for (let i = 16_384; i < 16_387; i++) contacts.learn(contactKey(i));
  assert.equal(contacts.size, 16_384);
  assert.deepEqual(contacts.keyFor(addressOf(0), 0), contactKey(0));
  assert.equal(contacts.keyFor(addressOf(1), 0), undefined);
  assert.deepEqual(contacts.keyFor(addressOf(16_386), 0), contactKey(16_386));
});

test('1024 packets wait for unknown addresses, and the oldest gives way', () => {
  const context = contextOf(us);
  const contacts = new Contacts(context);
  for (let i = 0; i < 1_024; i++) contacts.keep(new Uint8Array(60), addressOf(i));
  assert.equal(context.stats.drops['address buffers full'], 0);
  contacts.keep(new Uint8Array(60), addressOf(1_024));
  assert.equal(context.stats.drops['address buffers full'], 1);
  assert.deepEqual(contacts.learn(contactKey(0)), []);
  assert.equal(contacts.learn(contactKey(1)).length, 1);
});

test('2 MiB of packets wait for unknown addresses', () => {
  const context = contextOf(us);
  const contacts = new Contacts(context);
  for (let i = 0; i < 32; i++) contacts.keep(new Uint8Array(65_535), addressOf(i));
  assert.equal(context.stats.drops['address buffers full'], 0);
  contacts.keep(new Uint8Array(40), addressOf(50));
  contacts.keep(new Uint8Array(65_535), addressOf(51));
  assert.equal(context.stats.drops['address buffers full'], 2);
});
