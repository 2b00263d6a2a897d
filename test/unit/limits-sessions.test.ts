/** Caps of sessions and packets: each is reached, passed by one, and must stay where it is. The numbers are the tests' own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Context } from '../../daemon/core/context.ts';
import { addressForKey } from '../../daemon/core/identity.ts';
import { Packets } from '../../daemon/core/packets.ts';
import { publicKey } from '../../daemon/core/port.ts';
import { Handshakes } from '../../daemon/core/session/handshake.ts';
import { newPair, Session } from '../../daemon/core/session/session.ts';
import { contextOf, type Identity, identity, limitsWith, nameless, trusting, UNIX_MS } from '../support/core.ts';
import { packetTo } from '../support/core-mesh.ts';
import { exchange, passTime, Side } from '../support/core-session.ts';

const [us, far] = [identity(1), identity(2)];
const INIT = 1;
const TRAFFIC = 3;

/** Makes Inits under any source; a trusting receiver believes them. */
class Forge {
  readonly #context: Context = contextOf(identity(500));
  readonly #handshakes = new Handshakes(this.#context);

  init(unixMs: number, to: Identity = us): Uint8Array {
    this.#context.setWallClock(unixMs);
    const pair = newPair(this.#context);
    const message = this.#handshakes.make(INIT, to.key, { send: pair, next: pair, local: 0 }, false);
    assert.ok(message);
    return message;
  }
}

const forge = new Forge();
const trustingSide = (limits = limitsWith({})): Side => new Side(us, { crypto: trusting, limits });
const sessionsOf = (side: Side): number => [...side.sessions.values()].length;
const drops = (side: Side, reason: string): number => side.drops()[reason] ?? 0;

// Inits

test('50 unknown sources may open sessions at once, then 100 a second', () => {
  const side = trustingSide();
  const init = forge.init(UNIX_MS);
  for (let i = 0; i < 50; i++) side.receive(nameless(i), init);
  assert.equal(sessionsOf(side), 50);
  side.receive(nameless(50), init);
  assert.equal(sessionsOf(side), 50);
  assert.equal(drops(side, 'session handshake rate'), 1);
  passTime(200, side);
  for (let i = 100; i < 130; i++) side.receive(nameless(i), init);
  assert.equal(sessionsOf(side), 70);
});

test('whom we wrote to may still open a session when strangers have used up their half', () => {
  const side = new Side(us);
  const other = new Side(far);
  side.send(other, 'hello');
  for (let i = 0; i < 100; i++) side.receive(nameless(i), new Uint8Array(193).fill(INIT, 0, 1));
  exchange(side, other);
  assert.deepEqual(other.inbox, ['hello']);
});

test('an Init that something unreadable has caused makes nobody known', () => {
  const side = trustingSide();
  const init = forge.init(UNIX_MS);
  side.receive(nameless(1), new Uint8Array(80).fill(TRAFFIC, 0, 1));
  assert.equal(side.take().length, 1, 'it has caused one');
  for (let i = 100; i < 150; i++) side.receive(nameless(i), init);
  side.receive(nameless(1), init);
  assert.equal(sessionsOf(side), 50);
});

test('one key may send 4 Inits at once and 2 a second', () => {
  const side = trustingSide();
  const send = (count: number, seconds: number): void => {
    for (let i = 0; i < count; i++) side.receive(nameless(1), forge.init(UNIX_MS + (seconds + i) * 1_000));
  };
  send(6, 0);
  assert.equal(drops(side, 'session handshake rate'), 2);
  passTime(1_000, side);
  send(3, 10);
  assert.equal(drops(side, 'session handshake rate'), 3);
});

test('a flood of claimed sources does not make us forget whom we know', () => {
  const side = trustingSide();
  const [old, recent] = [forge.init(UNIX_MS), forge.init(UNIX_MS + 100_000)];
  side.receive(far, recent);
  passTime(61_000, side);
  assert.equal(sessionsOf(side), 0);
  const nothing = new Uint8Array(80).fill(INIT, 0, 1);
  const unreadable = new Uint8Array(80).fill(TRAFFIC, 0, 1);
  for (let i = 0; i < 40_000; i++) side.receive(nameless(i), i % 2 === 0 ? nothing : unreadable);
  passTime(5_000, side);
  side.receive(far, old);
  assert.equal(sessionsOf(side), 0);
  assert.equal(drops(side, 'session handshake stale'), 1);
});

// Sessions

/** Opens sessions with so many sources, as fast as the rates allow. */
function open(side: Side, count: number, first = 0): void {
  for (let i = first; i < first + count; i++) {
    passTime(20, side);
    side.receive(nameless(i), forge.init(UNIX_MS + 3_600_000));
    side.take();
  }
}

test('a full table of sessions takes no more while all are in use', () => {
  const side = trustingSide(limitsWith({ sessions: 20 }));
  open(side, 20);
  assert.equal(sessionsOf(side), 20);
  open(side, 1, 20);
  assert.equal(sessionsOf(side), 20);
  assert.equal(drops(side, 'sessions full'), 1);
});

test('a full table gives up the session that has been idle for longest, after ten seconds', () => {
  const side = trustingSide(limitsWith({ sessions: 20 }));
  open(side, 20);
  passTime(9_640, side);
  open(side, 1, 20);
  assert.equal(sessionsOf(side), 20);
  const keys = [...side.sessions.values()].map(({ key }) => Buffer.from(key).toString('hex'));
  assert.ok(!keys.includes(Buffer.from(nameless(0).key).toString('hex')));
  assert.ok(keys.includes(Buffer.from(nameless(20).key).toString('hex')));
});

/** Opens sessions that nobody will use; as fast as strangers may, which is just less than ten seconds for 1024. */
function openHalf(side: Side, count: number): void {
  const init = forge.init(UNIX_MS + 3_600_000);
  for (let i = 0; i < count; i++) {
    if (i >= 50) passTime(10, side);
    side.receive(nameless(100_000 + i), init);
    side.take();
  }
}

test('1024 sessions may be half open', () => {
  const side = trustingSide();
  openHalf(side, 1_024);
  assert.equal(sessionsOf(side), 1_024);
  passTime(10, side);
  side.receive(nameless(1), forge.init(UNIX_MS));
  assert.equal(sessionsOf(side), 1_024);
  assert.equal(drops(side, 'sessions full'), 1);
});

test('a session that is in use is not among the half-open ones', () => {
  const side = trustingSide();
  const other = new Side(far);
  other.send(side, 'hello');
  exchange(side, other);
  passTime(1_000, side);
  openHalf(side, 1_024);
  assert.equal(sessionsOf(side), 1_025);
});

test('a packet in the very moment its session ends does not upset the count of half-open ones', () => {
  const side = trustingSide();
  const other = new Side(far);
  other.send(side, 'hello');
  side.receive(far, ...other.take());
  passTime(1_500, other);
  other.receive(us, ...side.take());
  const [ack, traffic] = other.take() as [Uint8Array, Uint8Array];
  side.receive(far, ack);
  side.context.nowMs += 60_000;
  const buffer = Buffer.concat([far.key, traffic]);
  side.sessions.received(buffer, 0, 32, buffer.length);
  side.sessions.expire();
  side.sessions.settle();
  const kept = sessionsOf(side);
  openHalf(side, 1_024 + 1);
  assert.equal(sessionsOf(side) - kept, 1_024);
});

test('1024 packets wait for sessions', () => {
  const side = new Side(us);
  const point = (i: number): Side => ({ self: { ...nameless(0), key: publicKey(identity(1_000 + i).key) } }) as Side;
  for (let i = 0; i < 1_024; i++) side.send(point(i), 'x');
  assert.equal(drops(side, 'session buffers full'), 0);
  side.send(point(1_024), 'x');
  assert.equal(drops(side, 'session buffers full'), 1);
  side.send(point(3), 'y');
  assert.equal(drops(side, 'session packet replaced'), 1, 'those that wait may be replaced');
});

test('what cannot be read causes ten Inits at once and ten a second, whoever it claims to be from', () => {
  const side = new Side(us);
  const garbage = (first: number, count: number): number => {
    for (let i = first; i < first + count; i++)
      side.receive(identity(2_000 + i), new Uint8Array(80).fill(TRAFFIC, 0, 1));
    return side.take().length;
  };
  assert.equal(garbage(0, 12), 10);
  assert.equal(drops(side, 'session rescue rate'), 2);
  passTime(1_000, side);
  assert.equal(garbage(12, 12), 10);
});

// Packets

function desk(mtu: number): {
  packets: Packets;
  context: Context;
  sent: () => number;
  receive: (size: number) => void;
} {
  const context = contextOf(us, { mtu });
  let sent = 0;
  const packets = new Packets(context, {
    send: () => sent++,
    sendSuperPacket: () => false,
    lookup: () => {},
    refusalMs: () => undefined,
    settle: () => {},
  });
  const session = new Session(context, far.key, newPair(context), newPair(context), 0n);
  const receive = (size: number): void => {
    const packet = packetTo(addressForKey(far.key), addressForKey(us.key), size);
    packets.incoming(session, packet, 0, packet.length);
  };
  return { packets, context, sent: () => sent, receive };
}

test('4096 packets are delivered between two drains', () => {
  const { packets, context, receive } = desk(65_535);
  for (let i = 0; i < 4_096; i++) receive(60);
  assert.equal(packets.deliveries.count, 4_096);
  assert.equal(context.stats.drops['delivery queue full'], 0);
  receive(60);
  assert.equal(packets.deliveries.count, 4_096);
  assert.equal(context.stats.drops['delivery queue full'], 1);
});

test('ten packets that are too big are answered at once, and ten a second', () => {
  const { context, sent, receive } = desk(1_280);
  for (let i = 0; i < 15; i++) receive(1_281);
  assert.equal(sent(), 10);
  context.nowMs += 1_000;
  for (let i = 0; i < 15; i++) receive(1_281);
  assert.equal(sent(), 20);
  assert.equal(context.stats.drops['packet too big'], 30);
});
