import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../support/core.ts';
import { others, packetTo, root, us } from '../support/core-mesh.ts';
import { Cable, type Host, World } from '../support/core-world.ts';

/** Two hosts with a session, and the way to make the link of the first take nothing. */
function pair() {
  const world = new World();
  const [a, b] = [world.host(root), world.host(us)];
  const cable = new Cable(a, b);
  world.run(4_000);
  a.sendPackets(packetTo(a.address, b.address));
  world.run(1_000);
  b.delivered.length = 0;
  const { link } = cable.ends[0];
  // `step`: the system takes one more buffer.
  const step = (): void => a.feed({ kind: 'linkWritable', link });
  return { world, a, b, stall: () => a.stall(link), release: () => a.release(link), step };
}

/** UDP from one port. */
function datagram(from: Host, to: Host, port: number, size: number): Uint8Array {
  const packet = packetTo(from.address, to.address, size);
  packet[6] = 17;
  packet[40] = port >> 8;
  packet[41] = port;
  return packet;
}

const many = (count: number, make: () => Uint8Array): Uint8Array[] => Array.from({ length: count }, make);
const portOf = (packet: Uint8Array): number => ((packet[40] as number) << 8) | (packet[41] as number);
const sealed = (host: Host): number => host.node.stats().counters.packetsSealed ?? Number.NaN;

test('while a link takes nothing no packet is sealed, and all go when it takes again', () => {
  const { world, a, b, stall, release } = pair();
  stall();
  a.sendPackets(...many(3, () => datagram(a, b, 1, 60_000)));
  const before = sealed(a);
  a.sendPackets(...many(5, () => datagram(a, b, 1, 60_000)));
  assert.equal(sealed(a), before);
  release();
  assert.equal(sealed(a), before + 5);
  world.run(1_000);
  assert.equal(b.delivered.length, 8);
});

test('a sparse flow passes by the bulk of its own host, which keeps its order', () => {
  const { world, a, b, stall, release } = pair();
  stall();
  a.sendPackets(...many(3, () => datagram(a, b, 1, 60_000)));
  const bulk = Array.from({ length: 10 }, (_, i) => datagram(a, b, 1, 50_000 + i));
  a.sendPackets(...bulk);
  a.sendPackets(datagram(a, b, 2, 1_000));
  release();
  world.run(1_000);
  // Behind the batch that was held, and the packet whose turn had begun.
  assert.equal(b.delivered.map(portOf).indexOf(2), 4);
  assert.deepEqual(b.delivered.filter((packet) => portOf(packet) === 1).slice(3), bulk);
});

test('a sparse flow is sealed although the link takes nothing, and goes first when it does', () => {
  const { world, a, b, stall, release } = pair();
  stall();
  a.sendPackets(...many(3, () => datagram(a, b, 1, 60_000)));
  a.sendPackets(...many(9, () => datagram(a, b, 1, 60_000)));
  const before = sealed(a);
  for (let i = 0; i < 3; i++) a.sendPackets(datagram(a, b, 2, 200));
  assert.equal(sealed(a), before + 3);
  release();
  world.run(1_000);
  assert.ok(b.delivered.map(portOf).lastIndexOf(2) <= 5);
});

test('of sparse flows 16 KiB are sealed before the link takes something again', () => {
  const { a, b, stall, release } = pair();
  stall();
  a.sendPackets(...many(3, () => datagram(a, b, 1, 60_000)));
  a.sendPackets(...many(9, () => datagram(a, b, 1, 60_000)));
  const before = sealed(a);
  // With 64 octets of headroom each.
  const each = (port: number): void => a.sendPackets(...many(8, () => datagram(a, b, port, 960)));
  for (let port = 2; port < 8; port++) each(port);
  assert.equal(sealed(a), before + 16);
  release();
  assert.equal(sealed(a), before + 6 * 8 + 9);
});

test('4 MiB wait, what is more is dropped from the largest flow, and counted', () => {
  const { world, a, b, stall, release } = pair();
  stall();
  a.sendPackets(...many(3, () => datagram(a, b, 1, 60_000)));
  a.sendPackets(datagram(a, b, 2, 1_000));
  a.sendPackets(...many(69, () => datagram(a, b, 1, 60_000)));
  assert.equal(a.drops('tun queue full'), 0);
  a.sendPackets(...many(11, () => datagram(a, b, 1, 60_000)));
  assert.equal(a.drops('tun queue full'), 11);
  release();
  world.run(1_000);
  assert.ok(b.delivered.some((packet) => portOf(packet) === 2));
});

test('a link that takes nothing holds up what is for others by 5 ms', () => {
  const { world, a, b, stall } = pair();
  new Cable(a, world.host(others[0] as Identity));
  world.run(4_000);
  stall();
  a.sendPackets(...many(3, () => datagram(a, b, 1, 60_000)));
  const before = sealed(a);
  a.sendPackets(...many(4, () => datagram(a, b, 1, 60_000)));
  world.run(4);
  assert.equal(sealed(a), before);
  world.run(1);
  assert.equal(sealed(a), before + 2);
  world.run(5);
  assert.equal(sealed(a), before + 4);
});

test('where there are no others, what is for it waits as long as it must', () => {
  const { world, a, b, stall } = pair();
  stall();
  a.sendPackets(...many(3, () => datagram(a, b, 1, 60_000)));
  const before = sealed(a);
  a.sendPackets(...many(4, () => datagram(a, b, 1, 60_000)));
  world.run(500);
  assert.equal(sealed(a), before);
});

test('what waits too long for too long is dropped before it is sealed', () => {
  const { world, a, b, stall, step } = pair();
  stall();
  a.sendPackets(...many(3, () => datagram(a, b, 1, 60_000)));
  // Each 4 ms one packet leaves and another comes; twelve wait all the time.
  a.sendPackets(...many(12, () => datagram(a, b, 1, 60_000)));
  for (let i = 0; i < 100; i++) {
    a.sendPackets(datagram(a, b, 1, 60_000));
    world.run(4);
    step();
  }
  assert.ok(a.drops('tun queue late') >= 3);
});
