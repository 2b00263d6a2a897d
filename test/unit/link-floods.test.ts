/** Floods of what strangers can send (L5, L7). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HANDSHAKES_LOOKED_AT } from '../../daemon/core/limits.ts';
import { macKeys, macOf } from '../../daemon/core/link/datagram/macs.ts';
import { crypto, identities, identity } from '../support/core.ts';
import { addressRowOf, type DatagramHost, DatagramWorld } from '../support/datagram-world.ts';
import { LinkStranger } from '../support/link-stranger.ts';

const [LOW, HIGH] = identities(2);
if (LOW === undefined || HIGH === undefined) throw new Error('there are two');

/** 10.x.y.z, port 4000: as many strangers as are wanted. */
function rowOf(number: number): Uint8Array {
  const row = addressRowOf(0, 4_000);
  row.set([10, number >> 16, (number >> 8) & 0xff, number & 0xff], 12);
  return row;
}

test('L5: random datagrams of all sizes draw no answer and leave nothing (short)', () => {
  const world = new DatagramWorld();
  const host = world.host(HIGH);
  let sent = 0;
  world.watch = () => ++sent < 0;
  host.open();
  for (let i = 0; i < 200; i++) {
    const datagrams = Array.from({ length: 100 }, () => {
      const octets = world.chance.octets(1 + (i % 10 === 0 ? world.chance.below(1_500) : world.chance.below(160)));
      if (world.chance.below(2) === 0) octets[0] = world.chance.pick([0xa1, 0xa2, 0xa3, 0xa4, 0xc0, 0xc1]);
      return { from: rowOf(world.chance.below(50_000)), octets };
    });
    host.receiveMany(datagrams);
    world.run(10);
  }
  assert.equal(sent, 0);
  assert.deepEqual(host.node.links(), []);
});

test('L7: a flood without cookies neither stops the links that stand nor keeps a new peer out', () => {
  for (const addresses of [1, 100_000]) flood(addresses);
});

/** 5 000 INITs a second with the right mac1, in virtual time; the node looks at as many as it does between two inputs. */
function flood(addresses: number): void {
  const world = new DatagramWorld(addresses);
  const victim = world.host(HIGH as NonNullable<typeof HIGH>);
  const friend = world.host(LOW as NonNullable<typeof LOW>);
  const late = world.host(identity(9));
  for (const host of [victim, friend, late]) host.open();
  friend.dial(victim);
  assert.ok(world.runUntil(() => victim.of('peerUp').length === 1 && friend.of('peerUp').length === 1, 5_000));
  const { mac1 } = macKeys(crypto, new Uint8Array(32), victim.key);
  let number = 0;
  let octetsIn = 0;
  let octetsOut = 0;
  world.watch = ({ to, octets }) => {
    const isToStranger = to[12] === 10;
    if (isToStranger) octetsOut += octets.length;
    return !isToStranger;
  };
  const pour = (): void => {
    const datagrams = Array.from({ length: 100 }, () => {
      const octets = world.chance.octets(139);
      octets[0] = 0xa1;
      octets.set(macOf(crypto, mac1, octets, 123), 123);
      return { from: rowOf(number++ % addresses), octets };
    });
    octetsIn += 100 * 139;
    victim.receiveMany(datagrams);
    world.schedule.after(20, pour);
  };
  pour();
  const before = [victim.events.length, friend.events.length];
  world.run(1_000);
  late.dial(victim);
  assert.ok(
    world.runUntil(() => late.of('peerUp').length === 1, 15_000, 50),
    `${addresses} addresses: the new peer gets in`,
  );
  world.run(2_000);
  assert.equal(friend.of('peerDown').length + victim.of('peerDown').length, 0, 'the friend stays');
  assert.equal(lastingLinks(victim), 2);
  assert.ok(octetsOut < octetsIn / 2, `${octetsOut} of ${octetsIn}`);
  assert.ok(victim.drops('handshake without cookie') > 1_000);
  assert.ok(before.every((count) => count > 0));
}

function lastingLinks(host: DatagramHost): number {
  return host.node.links().filter(({ port }) => port > 0).length;
}

test('an established link is served while handshakes wait', () => {
  const world = new DatagramWorld();
  const victim = world.host(HIGH);
  const friend = world.host(LOW);
  victim.open();
  friend.open();
  friend.dial(victim);
  assert.ok(world.runUntil(() => victim.of('peerUp').length === 1 && friend.of('peerUp').length === 1, 5_000));
  const { packet } = new LinkStranger(identity(20), victim.key).init();
  victim.receiveMany(Array.from({ length: 600 }, (_, i) => ({ from: rowOf(i), octets: packet })));
  assert.equal(victim.drops('handshake queue full'), 600 - 512);
  const opened = victim.node.stats().counters.recordsOpened as number;
  friend.feed({ kind: 'probeLinks' });
  world.run(20);
  assert.ok((victim.node.stats().counters.recordsOpened as number) > opened);
});

test('of each kind of handshake packet so many are looked at a second and no more, and then cookies are asked for', () => {
  const world = new DatagramWorld();
  const victim = world.host(HIGH);
  victim.open();
  const { packet } = new LinkStranger(identity(20), victim.key).init();
  const shown = new Uint8Array([...packet, ...new Uint8Array(16)]);
  const pour = (octets: Uint8Array, count: number): void => {
    victim.receiveMany(Array.from({ length: count }, () => ({ from: rowOf(1), octets })));
  };
  pour(packet, HANDSHAKES_LOOKED_AT.burst / 2);
  pour(packet, HANDSHAKES_LOOKED_AT.burst / 2);
  assert.equal(victim.drops('handshake flood'), 0);
  pour(packet, 1);
  assert.equal(victim.drops('handshake flood'), 1);
  pour(shown, 1);
  assert.equal(victim.drops('handshake flood'), 1);
  world.run(500);
  const { packet: late } = new LinkStranger(identity(21), victim.key).init();
  pour(late, 1);
  world.run(10);
  assert.equal(victim.drops('handshake flood'), 1);
  assert.ok((victim.node.stats().counters.cookiesSent as number) > 0);
});
