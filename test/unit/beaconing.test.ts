import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketFacts } from '../../daemon/core/port.ts';
import { identity } from '../support/core.ts';
import { DatagramWorld } from '../support/datagram-world.ts';
import type { RadioHost } from '../support/radio/radio-host.ts';
import { RadioWorld } from '../support/radio/radio-world.ts';

const PSK = new Uint8Array(32).fill(3);

function radios(world: RadioWorld, count: number, facts: (i: number) => Partial<SocketFacts>): RadioHost[] {
  return Array.from({ length: count }, (_, i) => {
    const host = world.host(identity(i));
    host.open(facts(i));
    return host;
  });
}

function links({ node }: RadioHost): number {
  return node.links().filter(({ key }) => key !== undefined).length;
}

test('radios with the same psk find each other at once, each pair once', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const world = new RadioWorld({ seed });
    const hosts = radios(world, 3, () => ({ psk: PSK }));
    const isMet = (): boolean => hosts.every((host) => links(host) === 2);
    assert.ok(world.runUntil(isMet, 120_000), `seed ${seed}: ${hosts.map(links)}`);
    world.run(60_000);
    assert.deepEqual(hosts.map(links), [2, 2, 2], `seed ${seed}`);
  }
});

test('radios with another psk are strangers, and so are those that name their peers', () => {
  const world = new RadioWorld();
  const hosts = radios(world, 3, (i) => ({ psk: i === 0 ? PSK : i === 1 ? PSK.with(0, 9) : undefined }));
  world.run(120_000);
  assert.deepEqual(hosts.map(links), [0, 0, 0]);
  assert.ok((hosts[0]?.node.stats().drops['radio beacon mac'] ?? 0) > 0);
  assert.equal(hosts[2]?.modem.radio.station.sent.length, 0);
});

test('one that comes later, or again, is met by its own first beacon', () => {
  const world = new RadioWorld();
  const [a, b] = radios(world, 1, () => ({ psk: PSK })).concat(world.host(identity(1))) as [RadioHost, RadioHost];
  world.run(300_000);
  b.open({ psk: PSK });
  assert.ok(
    world.runUntil(() => links(a) === 1 && links(b) === 1, 60_000),
    'they have met',
  );
  // A lone radio is heard seldom.
  const beacons = a.modem.radio.station.sent.length;
  assert.ok(beacons < 40, String(beacons));
});

test('a radio that begins anew is linked again by its second beacon, whichever key is lower', () => {
  for (const victim of [0, 1]) {
    for (const waitMs of [30_000, 900_000]) {
      const world = new RadioWorld();
      const hosts = radios(world, 2, () => ({ psk: PSK }));
      assert.ok(world.runUntil(() => hosts.every((host) => links(host) === 1), 120_000));
      world.run(waitMs);
      const host = hosts[victim] as RadioHost;
      host.restart();
      world.run(1_000);
      assert.equal(links(host), 0);
      assert.ok(
        world.runUntil(() => hosts.every((one) => links(one) === 1), 40_000),
        `${victim}, after ${waitMs} ms`,
      );
    }
  }
});

test('a link that stands is not renewed for beacons that come in their time', () => {
  const world = new RadioWorld();
  const hosts = radios(world, 2, () => ({ psk: PSK }));
  assert.ok(world.runUntil(() => hosts.every((host) => links(host) === 1), 120_000));
  world.run(60_000);
  const before = hosts.map(({ node }) => node.stats().counters.initsSent);
  // Less than the life of a key.
  world.run(45 * 60_000);
  assert.deepEqual(
    hosts.map(({ node }) => node.stats().counters.initsSent),
    before,
  );
});

test('on cables beacons come every 15 s', () => {
  const world = new DatagramWorld();
  const [a, b] = [world.host(identity(0)), world.host(identity(1))];
  for (const host of [a, b]) host.row = new Uint8Array(24);
  let beacons = 0;
  world.watch = ({ sender, octets }) => {
    if (sender === a && octets[0] === 0xa4) beacons++;
    return true;
  };
  a.open({ carrierClass: 'S', psk: PSK });
  world.run(120_000);
  // Four in the first 7 s.
  assert.ok(beacons >= 4 + 6 && beacons <= 4 + 9, String(beacons));
  b.open({ carrierClass: 'S', psk: PSK });
  const isMet = (): boolean => [a, b].every(({ node }) => node.links().some(({ key }) => key !== undefined));
  assert.ok(world.runUntil(isMet, 3_000));
});
