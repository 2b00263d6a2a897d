/** Nodes that die, come back, sleep and renew their keys (L12, L15, L20, sections 4.4 to 4.6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import { identities, identity } from '../support/core.ts';
import { DiallingPair } from '../support/datagram-model.ts';
import { addressRowOf, type DatagramHost, DatagramWorld, NO_ADDRESS } from '../support/datagram-world.ts';

const [LOW, HIGH] = identities(2);
if (LOW === undefined || HIGH === undefined) throw new Error('there are two');
const YEAR_MS = 365 * 24 * 3_600_000;

function pairUp(world = new DatagramWorld()): { world: DatagramWorld; low: DatagramHost; high: DatagramHost } {
  const low = world.host(LOW as NonNullable<typeof LOW>);
  const high = world.host(HIGH as NonNullable<typeof HIGH>);
  low.open();
  high.open();
  low.dial(high);
  assert.ok(world.runUntil(() => bothUp(low, high), 5_000));
  return { world, low, high };
}

function bothUp(...hosts: DatagramHost[]): boolean {
  return hosts.every((host) => host.node.links().some(({ port }) => port > 0));
}

for (const who of [0, 1] as const) {
  test(`L12: side ${who} comes back with its clock a year back, and is up within 10 s`, () => {
    const pair = new DiallingPair(1);
    pair.dial(0, 0);
    pair.dial(1, 0);
    assert.ok(pair.untilUp(5_000) !== undefined);
    pair.run(20_000);
    const side = pair.sides[who];
    side.stop();
    pair.run(500);
    side.skewMs = -YEAR_MS;
    side.restart();
    pair.dial(who, 0);
    pair.dial((1 - who) as 0 | 1, 5_500);
    const tookMs = pair.untilUp(10_000);
    assert.ok(tookMs !== undefined, 'within 10 s');
    pair.run(30_000);
    assert.ok(pair.isUp);
    assert.deepEqual(pair.linkCounts, [1, 1]);
  });
}

test('L12: on radio it is up within 3 min', () => {
  const world = radio(7);
  const [low, high] = world.hosts as [DatagramHost, DatagramHost];
  low.dial(high);
  assert.ok(world.runUntil(() => bothUp(low, high), 120_000, 500));
  world.run(60_000);
  low.skewMs = -YEAR_MS;
  low.restart();
  low.dial(high);
  assert.ok(world.runUntil(() => bothUp(low, high) && high.of('datagramLinkUp').length === 2, 180_000, 500));
});

test('L15: a killed and restarted peer is a new link to the router within 8 s, and the old one has gone', () => {
  const { world, low, high } = pairUp();
  world.run(10_000);
  low.restart();
  low.dial(high);
  const isNew = (): boolean => high.of('datagramLinkUp').length === 2 && bothUp(low, high);
  assert.ok(world.runUntil(isNew, 8_000));
  world.run(1_000);
  const [down] = high.of('datagramLinkDown');
  assert.equal(down?.reason, 'peer restarted');
  assert.equal(high.of('peerUp').length, 2, 'the router has met it anew');
  assert.equal(high.node.links().length, 1);
});

test('L20: over frames of 222 octets with 20 % loss and 1.2 s of air, 95 of 100 are up within 60 s', () => {
  let up = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const world = radio(seed);
    world.lossShare = 0.2;
    const [low, high] = world.hosts as [DatagramHost, DatagramHost];
    low.dial(high);
    if (world.runUntil(() => high.of('datagramLinkUp').length > 0 && low.of('datagramLinkUp').length > 0, 60_000, 200))
      up++;
  }
  assert.ok(up >= 95, `${up} of 100`);
});

test('keys are renewed after two minutes, without the routers noticing', () => {
  const { world, low, high } = pairUp();
  let inits = 0;
  world.watch = ({ octets }) => {
    if (octets[0] === 0xa1) inits++;
    return true;
  };
  world.run(100_000);
  assert.equal(inits, 0);
  world.run(600_000);
  assert.ok(inits >= 5 && inits <= 6, `${inits} renewals`);
  for (const host of [low, high]) {
    assert.equal(host.of('datagramLinkUp').length, 1);
    assert.equal(host.of('datagramLinkDown').length, 0);
  }
  assert.ok(bothUp(low, high));
});

test('L14: no packet is lost to a new key', () => {
  const { world, low, high } = pairUp();
  world.delayMs = () => 40 + world.chance.below(10);
  const ping = (): void => low.sendPacket(ipv6(addressForKey(low.key), addressForKey(high.key), 600));
  ping();
  world.run(105_000);
  ping();
  world.run(1_000);
  let inits = 0;
  world.watch = ({ octets }) => {
    if (octets[0] === 0xa1) inits++;
    return true;
  };
  high.delivered.length = 0;
  for (let i = 0; i < 3_600; i++) {
    ping();
    world.run(5);
  }
  world.run(200);
  assert.equal(inits, 1);
  assert.equal(high.delivered.length, 3_600);
});

test('a peer that does not answer is given up after 90 s, one attempt after some seconds', () => {
  const world = new DatagramWorld();
  const low = world.host(LOW);
  low.open();
  const nobody = { key: identity(30).key, row: addressRowOf(200) };
  const patient = low.dial(nobody);
  const brief = low.dial({ ...nobody, row: addressRowOf(201) }, { attempts: 1 });
  world.run(8_000);
  assert.deepEqual(
    low.of('dialFailed').map(({ dial }) => dial),
    [brief],
  );
  world.run(80_000);
  assert.equal(low.of('dialFailed').length, 1);
  world.run(8_000);
  assert.deepEqual(
    low.of('dialFailed').map(({ dial }) => dial),
    [brief, patient],
  );
});

test('a dial for a link that stands is fulfilled at once, a second one is denied', () => {
  const { low, high } = pairUp();
  const dial = high.dial(low);
  assert.deepEqual(
    high.of('datagramLinkUp').map((event) => event.dial),
    [undefined, dial],
  );
  high.dial(low);
  assert.equal(high.of('dialFailed')[0]?.reason, 'the link stands already');
});

test('a link removed by its operator is not asked for again, on neither side', () => {
  const { world, low, high } = pairUp();
  const [up] = low.of('datagramLinkUp');
  assert.ok(up);
  low.node.closeLink(up.link, 'removed', 'by the operator');
  low.feed({ kind: 'timer' });
  world.run(100);
  assert.equal(low.of('datagramLinkDown')[0]?.retryAfterMs, Number.POSITIVE_INFINITY);
  const [down] = high.of('datagramLinkDown');
  assert.equal(down?.reason, 'closed by peer');
  assert.equal(down?.retryAfterMs, Number.POSITIVE_INFINITY);
  assert.equal(low.node.links().length + high.node.links().length, 0);
});

test('a cancelled dial takes its link along', () => {
  const { world, low, high } = pairUp();
  const [up] = low.of('datagramLinkUp');
  assert.ok(up?.dial !== undefined);
  low.feed({ kind: 'dialCancelled', dial: up.dial });
  world.run(100);
  assert.equal(low.of('datagramLinkDown')[0]?.dial, undefined);
  assert.equal(low.node.links().length + high.node.links().length, 0);
});

test('a link that came in is shown where the other side is now, a dialled one under its URI', () => {
  const { world, low, high } = pairUp();
  const shown = (): string[] => [...high.node.links(), ...low.node.links()].map(({ uri }) => uri);
  assert.deepEqual(shown(), ['udp://192.0.2.1:9000', 'udp://192.0.2.0:9000']);
  low.row = addressRowOf(77, 4_711);
  low.sendPacket(ipv6(addressForKey(low.key), addressForKey(high.key), 600));
  world.run(3_000);
  assert.deepEqual(shown(), ['udp://192.0.2.77:4711', 'udp://192.0.2.0:9000']);
});

test('a socket that closes takes its links and dials along', () => {
  const { world, low } = pairUp();
  low.dial({ key: identity(30).key, row: addressRowOf(200) });
  low.feed({ kind: 'socketClosed', socket: low.socket, reason: 'test' });
  assert.equal(low.of('datagramLinkDown').length, 1);
  assert.equal(low.of('dialFailed').length, 1);
  assert.equal(low.node.links().length, 0);
  world.run(10_000);
});

test('before a socket closes its links say so: the other side knows at once, and asks again in 10 s', () => {
  const { world, low, high } = pairUp();
  high.feed({ kind: 'socketClosing', socket: high.socket, reason: 'the listener was closed' });
  high.feed({ kind: 'socketClosed', socket: high.socket, reason: 'the listener was closed' });
  world.run(100);
  const [ours] = high.of('datagramLinkDown');
  assert.deepEqual([ours?.reason, ours?.retryAfterMs, high.node.links()], ['shutdown', 0, []]);
  const [down] = low.of('datagramLinkDown');
  assert.deepEqual([down?.reason, down?.retryAfterMs], ['closed by peer', 10_000]);
  assert.equal(down?.detail, 'it shuts down: the listener was closed');
});

test('a socket that takes nothing any more closes without its links having said so', () => {
  const { world, low, high } = pairUp();
  high.takes = 0;
  high.feed({ kind: 'socketClosing', socket: high.socket, reason: 'test' });
  high.feed({ kind: 'socketClosed', socket: high.socket, reason: 'test' });
  assert.equal(high.of('datagramLinkDown').length, 1);
  world.run(10_000);
  assert.equal(low.of('datagramLinkDown')[0]?.reason, 'peer silent');
});

test('a socket that takes nothing for a while loses nothing', () => {
  const { world, low, high } = pairUp();
  low.takes = 1;
  world.run(3_000);
  low.takes = Number.POSITIVE_INFINITY;
  low.feed({ kind: 'socketWritable', socket: low.socket });
  world.run(10_000);
  assert.ok(bothUp(low, high));
  assert.equal(low.of('datagramLinkDown').length, 0);
});

test('nothing is sealed for a socket that has no room, and all of it leaves when there is some', () => {
  const { world, low, high } = pairUp();
  const sealed = (): number => low.node.stats().counters.recordsSealed ?? 0;
  low.hasRoom = false;
  const before = sealed();
  world.run(3_000);
  assert.equal(sealed(), before);
  low.hasRoom = true;
  low.feed({ kind: 'socketWritable', socket: low.socket });
  world.run(10_000);
  assert.ok(sealed() > before && bothUp(low, high));
  assert.equal(low.of('datagramLinkDown').length, 0);
});

test('with the wrong password there is no link, with the right one there is', () => {
  const world = new DatagramWorld();
  const low = world.host(LOW);
  const high = world.host(HIGH);
  low.open();
  high.open({ psk: new Uint8Array(32).fill(3) });
  low.dial(high, { psk: new Uint8Array(32).fill(4) });
  world.run(20_000);
  assert.equal(high.node.links().length, 0);
  low.dial(high, { psk: new Uint8Array(32).fill(3) });
  assert.ok(world.runUntil(() => bothUp(low, high), 5_000));
});

/** A channel that carries one frame at a time. */
function radio(seed: number): DatagramWorld {
  const world = new DatagramWorld(seed);
  world.delayMs = () => 1_200;
  for (const owner of identities(2)) {
    const host = world.host(owner);
    host.row = NO_ADDRESS;
    host.open({ uri: 'radio://test', carrierClass: 'R' });
  }
  return world;
}

function ipv6(source: Uint8Array, dest: Uint8Array, size: number): Uint8Array {
  const packet = new Uint8Array(size);
  packet[0] = 0x60;
  packet.set([(size - 40) >> 8, (size - 40) & 0xff, 17, 64], 4);
  packet.set(source, 8);
  packet.set(dest, 24);
  return packet;
}
