/** What strangers may do to a node that listens for datagram links: nothing (L3, L4, L6, L10, L11). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identities, identity } from '../support/core.ts';
import { addressRowOf, type DatagramHost, DatagramWorld, type Flight } from '../support/datagram-world.ts';
import { LinkStranger, PING, record } from '../support/link-stranger.ts';
import { fromHex, linkVectors } from '../support/link-vectors.ts';

const [LOW, HIGH] = identities(2);
if (LOW === undefined || HIGH === undefined) throw new Error('there are two');
const STRANGER = addressRowOf(99, 1_234);
const [INIT, RESP, COOKIE] = [0xa1, 0xa2, 0xa3];

/** A listening node; everything it sends is kept and goes nowhere unless somebody is there. */
function listener(changes = {}, facts = {}): { world: DatagramWorld; host: DatagramHost; sent: Flight[] } {
  const world = new DatagramWorld();
  const host = world.host(identities(2)[1] ?? identity(0), changes);
  const sent: Flight[] = [];
  world.watch = (flight) => {
    sent.push(flight);
    return true;
  };
  host.open(facts);
  return { world, host, sent };
}

/** All single-bit changes, or every n-th of them. */
function* bitChanges(packet: Uint8Array, step = 1): IterableIterator<Uint8Array> {
  for (let bit = 0; bit < packet.length * 8; bit += step) {
    const changed = packet.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    yield changed;
  }
}

test('L3: an INIT with any bit changed gets no answer and leaves nothing; the right one is answered then', () => {
  const { host, world, sent } = listener();
  const attempt = new LinkStranger(identity(7), host.key).init();
  for (const changed of bitChanges(attempt.packet)) {
    world.run(60);
    host.receive(STRANGER, changed);
  }
  assert.equal(sent.length, 0);
  assert.equal(host.node.links().length, 0);
  host.receive(STRANGER, attempt.packet);
  assert.deepEqual(
    sent.map(({ octets }) => [octets[0], octets.length]),
    [[RESP, 89]],
  );
});

test('L3, L10: RESPs and COOKIEs with any bit changed change nothing; the right RESP still completes', () => {
  const world = new DatagramWorld();
  const low = world.host(LOW);
  const high = world.host(HIGH);
  low.open();
  high.open();
  let forged = 0;
  let counted = 0;
  world.watch = (flight) => {
    if (flight.octets[0] === RESP && forged === 0) {
      const cookie = fromHex(linkVectors.link[0]?.cookie.COOKIE ?? '');
      cookie.set(flight.octets.subarray(1, 5), 1);
      for (const changed of [...bitChanges(flight.octets), ...bitChanges(cookie, 3)]) {
        low.receive(flight.from, changed);
        forged++;
      }
      counted = low.events.length;
    }
    return true;
  };
  low.dial(high);
  assert.ok(world.runUntil(() => forged > 0, 2_000, 1));
  assert.ok(forged > 700);
  assert.equal(counted, low.events.length, 'nothing happened');
  assert.ok(world.runUntil(() => low.of('peerUp').length === 1 && high.of('peerUp').length === 1, 10_000));
});

test('L10: a thousand forged RESPs a second do not keep the right one out', () => {
  const world = new DatagramWorld(3);
  const low = world.host(LOW);
  const high = world.host(HIGH);
  low.open();
  high.open();
  world.delayMs = () => 50;
  let init: Uint8Array | undefined;
  world.watch = ({ octets }) => {
    if (octets[0] === INIT) init = octets;
    return true;
  };
  low.dial(high);
  const forge = (): void => {
    const packet = world.chance.octets(89);
    packet[0] = RESP;
    if (init !== undefined) packet.set(init.subarray(1, 5), 1);
    low.receive(high.row, packet);
    if (low.of('peerUp').length === 0) world.schedule.after(1, forge);
  };
  forge();
  assert.ok(world.runUntil(() => low.of('peerUp').length === 1 && high.of('peerUp').length === 1, 5_000));
});

test('L3: a record with any bit changed is dropped, and the link goes on', () => {
  const { host, sent } = listener();
  const stranger = new LinkStranger(identity(7), host.key);
  const attempt = stranger.init();
  host.receive(STRANGER, attempt.packet);
  const session = stranger.read(attempt, sent.pop()?.octets ?? STRANGER);
  assert.ok(session);
  for (const changed of bitChanges(record(session, 0, PING))) host.receive(STRANGER, changed);
  assert.equal(sent.length, 0);
  assert.equal(host.node.links().length, 0, 'nothing confirmed the key');
  host.receive(STRANGER, record(session, 0, PING));
  assert.equal(host.node.links().length, 1);
  const events = host.events.length;
  for (const changed of bitChanges(record(session, 1, PING), 7)) host.receive(STRANGER, changed);
  assert.equal(host.events.length, events);
});

test('L4: who must not come in is not answered', () => {
  const { host, sent, world } = listener({ allowedKeys: [identity(5).key] });
  const init = (stranger: LinkStranger, changes = {}): void => {
    world.run(300);
    host.receive(STRANGER, stranger.init(changes).packet);
  };
  init(new LinkStranger(identity(5), host.key, new Uint8Array(32).fill(1)));
  assert.equal(host.drops('handshake mac invalid'), 1);
  init(new LinkStranger(identity(6), host.key));
  assert.equal(host.drops('handshake key not allowed'), 1);
  init(new LinkStranger(host.owner, host.key));
  assert.equal(host.drops('handshake own key'), 1);
  init(new LinkStranger(identity(5), host.key), { sign: 1 ^ ((identity(5).key[31] as number) >> 7) });
  assert.equal(host.drops('handshake key not allowed'), 2, 'the same point with the other sign is another identity');
  assert.equal(sent.length, 0);
  init(new LinkStranger(identity(5), host.key));
  assert.equal(sent.length, 1);
});

test('with another password of the listener others come in, and who is in stays', () => {
  const { host, sent, world } = listener();
  const first = new LinkStranger(identity(7), host.key);
  const attempt = first.init();
  host.receive(STRANGER, attempt.packet);
  const session = first.read(attempt, sent.pop()?.octets ?? STRANGER);
  assert.ok(session);
  host.receive(STRANGER, record(session, 0, PING));
  const psk = new Uint8Array(32).fill(1);
  /** Whether somebody else who knows this psk is answered. */
  const isAnswered = (known?: Uint8Array): boolean => {
    world.run(300);
    sent.length = 0;
    const stranger = new LinkStranger(identity(8), host.key, known);
    const init = stranger.init();
    host.receive(STRANGER, init.packet);
    return sent.some(({ octets }) => stranger.read(init, octets) !== undefined);
  };
  host.feed({ kind: 'socketPsk', socket: host.socket, psk });
  assert.deepEqual([isAnswered(), isAnswered(psk)], [false, true]);
  assert.equal(host.drops('handshake key not allowed'), 1, 'the link still holds its own');
  host.feed({ kind: 'socketPsk', socket: host.socket, psk: undefined });
  assert.deepEqual([isAnswered(), isAnswered(psk)], [false, false]);
  assert.equal(host.node.links().length, 1);
});

test('L4: points that are no identity are not answered', () => {
  const { host, sent, world } = listener();
  for (const hex of linkVectors.x25519_not_convertible) {
    world.run(300);
    host.receive(STRANGER, new LinkStranger(identity(7), host.key).init({ form: fromHex(hex) }).packet);
  }
  assert.equal(sent.length, 0);
  assert.equal(host.drops('handshake unreadable'), linkVectors.x25519_not_convertible.length);
});

test('drops what belongs to another protocol, another class or is too small', () => {
  const { host, sent, world } = listener();
  const stranger = new LinkStranger(identity(7), host.key);
  for (const changes of [{ carried: 4 }, { carrierClass: 1 }, { rxMtu: 199 }]) {
    world.run(300);
    host.receive(STRANGER, stranger.init(changes).packet);
  }
  assert.equal(host.drops('handshake incompatible'), 3);
  assert.equal(sent.length, 0);
  world.run(300);
  host.receive(STRANGER, stranger.init({ rxMtu: 200 }).packet);
  assert.equal(sent.length, 1);
});

test('the password of a peer that we dial lets in that peer alone', () => {
  const psk = new Uint8Array(32).fill(9);
  const { host, sent, world } = listener({}, { psk: undefined });
  host.dial({ key: identity(5).key, row: addressRowOf(50) }, { psk });
  world.run(500);
  sent.length = 0;
  host.receive(STRANGER, new LinkStranger(identity(6), host.key, psk).init().packet);
  assert.equal(host.drops('handshake key not allowed'), 1);
  host.receive(STRANGER, new LinkStranger(identity(5), host.key).init().packet);
  assert.equal(host.drops('handshake mac invalid'), 1);
  assert.equal(sent.length, 0);
  host.receive(STRANGER, new LinkStranger(identity(5), host.key, psk).init().packet);
  assert.equal(sent.length, 1);
});

test('L6: unauthenticated packets never draw more octets than they have', () => {
  const { host, world, sent } = listener();
  const stranger = new LinkStranger(identity(7), host.key);
  let octetsIn = 0;
  for (let second = 0; second < 5; second++) {
    for (let i = 0; i < 300; i++) {
      const packet = i % 3 === 0 ? stranger.init().packet : world.chance.octets(1 + world.chance.below(200));
      if (i % 3 === 1) packet[0] = 0xa1 + world.chance.below(3);
      octetsIn += packet.length;
      host.receive(addressRowOf(99, 1_000 + world.chance.below(3)), packet);
      world.run(1_000 / 300);
    }
    const octetsOut = sent.splice(0).reduce((sum, { octets }) => sum + octets.length, 0);
    assert.ok(octetsOut <= octetsIn, `${octetsOut} of ${octetsIn}`);
    octetsIn = 0;
  }
});

test('L11: replaying all packets of a link, during and after it, changes nothing and draws one RESP an INIT at most', () => {
  const world = new DatagramWorld(5);
  const low = world.host(LOW);
  const high = world.host(HIGH);
  low.open();
  high.open();
  const old: Flight[] = [];
  world.watch = (flight) => {
    if (old.length < 500) old.push(flight);
    return true;
  };
  low.dial(high);
  assert.ok(world.runUntil(() => low.of('peerUp').length === 1 && high.of('peerUp').length === 1, 3_000));
  world.run(3_000);
  const recorded = [...old];
  const before = [low, high].map(({ events }) => events.length);
  const counts = { [INIT]: 0, [RESP]: 0, [COOKIE]: 0 } as Record<number, number>;
  world.watch = ({ octets }) => {
    counts[octets[0] as number] = (counts[octets[0] as number] ?? 0) + 1;
    return true;
  };
  const replay = (): void => {
    for (const flight of recorded) {
      world.arrive(flight);
      world.arrive({ ...flight, from: STRANGER });
    }
  };
  replay();
  world.run(5_000);
  assert.deepEqual(
    [low, high].map(({ events }) => events.length),
    before,
  );
  assert.equal(counts[RESP], 0);
  // One of them dies; what was said to the other one is said again, long after.
  low.stop();
  world.run(30_000);
  assert.equal(high.node.links().length, 0);
  const [events] = [high.events.length];
  const inits = recorded.filter(({ octets }) => octets[0] === INIT).length;
  for (let i = 0; i < 10; i++) {
    replay();
    world.run(2_000);
  }
  assert.equal(high.events.length, events);
  assert.ok((counts[RESP] ?? 0) <= inits, `${counts[RESP]} answers to ${inits}`);
  assert.equal(high.node.links().length, 0);
});
