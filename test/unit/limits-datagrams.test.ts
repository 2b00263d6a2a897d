/** The caps of datagram links, each at its bound and one step past it. The numbers are stated here, not imported. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constantsOf } from '../../daemon/core/link/datagram/classes.ts';
import { Identities } from '../../daemon/core/link/datagram/identities.ts';
import { Load } from '../../daemon/core/link/datagram/load.ts';
import { SocketOutbox } from '../../daemon/core/link/datagram/socket-outbox.ts';
import { linkId, publicKey } from '../../daemon/core/port.ts';
import { Chance, contextOf, crypto, identity, limitsWith, linkFacts } from '../support/core.ts';
import { PING, record } from '../support/link-stranger.ts';
import { LinkTarget, rowOf } from '../support/link-target.ts';

const U = constantsOf('U', false);

test('a socket knows 8 passwords: a ninth is refused', () => {
  const { host } = new LinkTarget();
  const dial = (n: number): void =>
    void host.dial({ key: identity(5).key, row: rowOf(n) }, { psk: new Uint8Array(32).fill(n) });
  for (let n = 1; n <= 7; n++) dial(n);
  assert.equal(host.of('dialFailed').length, 0);
  dial(8);
  assert.equal(host.of('dialFailed')[0]?.reason, 'the socket knows too many passwords');
  dial(7);
  assert.equal(host.of('dialFailed').length, 1);
});

test('256 handshakes of our own run at once: the next waits until one ends', () => {
  const { host, world } = new LinkTarget();
  const nobodies = Array.from({ length: 257 }, (_, n) => host.dial({ key: identity(5).key, row: rowOf(n) }));
  const [first] = nobodies;
  assert.ok(first !== undefined);
  const reached = new Set<string>();
  world.watch = ({ to }) => void reached.add(to.join()) as unknown as boolean;
  world.run(3_000);
  assert.equal(reached.size, 256);
  host.feed({ kind: 'dialCancelled', dial: first });
  world.run(1_000);
  assert.equal(reached.size, 257);
});

test('256 keys wait for their first packet: the next INIT is not answered, until some have died', () => {
  const target = new LinkTarget();
  for (let n = 0; n < 256; n++) assert.ok(target.init(target.stranger(n), rowOf(n)), `INIT ${n}`);
  assert.equal(target.init(target.stranger(256), rowOf(256)), false);
  assert.equal(target.host.drops('handshake no room'), 1);
  target.world.run(10_000);
  assert.ok(target.init(target.stranger(256), rowOf(256)));
});

test('one link has two unconfirmed keys, one identity six: the oldest goes', () => {
  const target = new LinkTarget();
  const stranger = target.stranger(1);
  const row = rowOf(1);
  const attempts = [1, 2, 3].map((_, i) => {
    target.world.run(100);
    const attempt = stranger.init({ instance: 0x1234_0001 });
    target.host.receive(row, attempt.packet);
    return { attempt, resp: target.last as Uint8Array, i };
  });
  const confirm = ({ attempt, resp }: (typeof attempts)[number]): number => {
    const session = stranger.read(attempt, resp);
    assert.ok(session);
    target.host.receive(row, record(session, 0, PING));
    return target.links;
  };
  assert.equal(confirm(attempts[0] as (typeof attempts)[number]), 0, 'the first has gone');
  assert.equal(confirm(attempts[1] as (typeof attempts)[number]), 1, 'the second is there');
  assert.equal(confirm(attempts[2] as (typeof attempts)[number]), 1, 'and took the third along');
  assert.equal(target.host.drops('record index unknown'), 2);

  const many = new LinkTarget();
  const other = many.stranger(2);
  const links = Array.from({ length: 7 }, (_, i) => {
    many.world.run(100);
    const attempt = other.init({ instance: 0x1234_0001 + i });
    many.host.receive(rowOf(i), attempt.packet);
    return { session: other.read(attempt, many.last as Uint8Array), row: rowOf(i) };
  });
  for (const { session, row: from } of links.slice(0, 2)) {
    assert.ok(session);
    many.host.receive(from, record(session, 0, PING));
  }
  assert.equal(many.links, 1, 'the first of seven has gone, the second is there');
});

test('an identity has 4 links: a fifth is not answered', () => {
  const target = new LinkTarget();
  const stranger = target.stranger(1);
  for (let n = 0; n < 4; n++) assert.ok(target.join(stranger, rowOf(n)), `link ${n}`);
  assert.equal(target.join(stranger, rowOf(4)), false);
  assert.equal(target.host.drops('handshake no room'), 1);
  assert.ok(target.join(stranger, rowOf(4), { instance: 0x0001_0001 }) === false && target.links === 1, 'a new life');
});

test('an address has 16 links: a further one is not answered, unless it is that of a peer we dial', () => {
  const target = new LinkTarget();
  for (let n = 0; n < 16; n++) {
    target.world.run(60);
    assert.ok(target.join(target.stranger(n), rowOf(1)), `link ${n}`);
  }
  target.world.run(60);
  assert.equal(target.join(target.stranger(16), rowOf(1)), false);
  assert.equal(target.host.drops('handshake no room'), 1);
  assert.ok(target.join(target.stranger(16), rowOf(2)));
  target.host.dial({ key: identity(117).key, row: rowOf(99) });
  assert.ok(target.join(target.stranger(17), rowOf(1)));
});

test('both families of links share one cap, a part of which is kept for the configured', () => {
  const target = new LinkTarget({ limits: limitsWith({ links: 6 }) });
  const { host } = target;
  host.feed({ kind: 'linkOpened', link: linkId(1), facts: linkFacts() });
  assert.ok(target.join(target.stranger(1), rowOf(1)));
  assert.ok(target.join(target.stranger(2), rowOf(2)));
  assert.equal(target.join(target.stranger(3), rowOf(3)), false);
  assert.equal(host.drops('handshake no room'), 1);
  host.feed({ kind: 'linkOpened', link: linkId(2), facts: linkFacts() });
  assert.equal(host.node.stats().closes['too many links'], 1);
  for (const n of [4, 5, 6]) {
    host.dial({ key: identity(100 + n).key, row: rowOf(200 + n) });
    assert.ok(target.join(target.stranger(n), rowOf(n)), `configured ${n}`);
  }
  host.dial({ key: identity(107).key, row: rowOf(207) });
  assert.equal(target.join(target.stranger(7), rowOf(7)), false, 'the cap itself');
  host.feed({ kind: 'linkClosed', link: linkId(1), reason: 'test' });
  assert.ok(target.join(target.stranger(7), rowOf(7)));
});

test('8192 addresses have budgets: a new one must show a cookie until an old one is idle', () => {
  const context = contextOf(identity(1));
  const load = new Load(context);
  for (let n = 0; n < 8_192; n++) {
    assert.ok(load.hasRoomFor(rowOf(n)));
    load.take(rowOf(n), U);
  }
  assert.equal(load.hasRoomFor(rowOf(0)), true, 'it is known');
  assert.equal(load.hasRoomFor(rowOf(8_192)), false);
  load.take(rowOf(8_192), U);
  assert.equal(load.addresses, 8_192);
  assert.equal(load.hasRoomFor(rowOf(0)), false, 'it made way for one with a cookie');
  context.nowMs += 250;
  assert.equal(load.hasRoomFor(rowOf(0)), true);
});

test('an address may try 5 times at once, then 20 times a second; all together 200 times', () => {
  const context = contextOf(identity(1));
  const load = new Load(context);
  const taken = (row: Uint8Array): number => {
    let count = 0;
    while (load.take(row, U)) count++;
    return count;
  };
  assert.equal(taken(rowOf(1)), 5);
  context.nowMs += 1_000;
  assert.equal(taken(rowOf(1)), 5);
  let later = 0;
  for (let i = 0; i < 20; i++) {
    context.nowMs += 50;
    later += taken(rowOf(1));
  }
  assert.equal(later, 20);
  context.nowMs += 10_000;
  let all = 0;
  for (let n = 0; n < 100; n++) all += taken(rowOf(n));
  assert.equal(all, 200);
  const radio = constantsOf('R', false);
  context.nowMs += 10_000;
  const none = new Uint8Array(24);
  assert.deepEqual([load.take(none, radio), load.take(none, radio), load.take(none, radio)], [true, true, false]);
  context.nowMs += 4_000;
  assert.deepEqual([load.take(none, radio), load.take(none, radio)], [true, false]);
});

test('cookies are asked for above 64 waiting packets, 100 answers a second or a lag of 50 ms, for one second', () => {
  const context = contextOf(identity(1));
  const load = new Load(context);
  const isHighAfter = (act: () => void): boolean => {
    act();
    const isHigh = load.isHigh;
    context.nowMs += 1_000;
    assert.equal(load.isHigh, false);
    return isHigh;
  };
  assert.equal(
    isHighAfter(() => load.observe(64, 50)),
    false,
  );
  assert.equal(
    isHighAfter(() => load.observe(65, 0)),
    true,
  );
  assert.equal(
    isHighAfter(() => load.observe(0, 51)),
    true,
  );
  const accept = (count: number) => (): void => {
    for (let i = 0; i < count; i++) load.accepted();
  };
  assert.equal(isHighAfter(accept(100)), false);
  assert.equal(isHighAfter(accept(101)), true);
});

test('4096 identities are remembered: the one used longest ago goes, but none with links or keys', () => {
  const identities = new Identities(contextOf(identity(1)));
  const chance = new Chance(4);
  const keys = Array.from({ length: 4_097 }, () => publicKey(chance.octets(32)));
  for (const key of keys.slice(0, 4_096)) identities.remember(key).timestamp = 1;
  const [first, second, third] = keys as [(typeof keys)[0], (typeof keys)[0], (typeof keys)[0]];
  identities.remember(first);
  identities.remember(second).keys = 1;
  assert.equal(identities.size, 4_096);
  identities.remember(keys[4_096] as typeof first);
  assert.equal(identities.size, 4_096);
  assert.deepEqual(
    [first, second, third].map((key) => identities.get(key) !== undefined),
    [true, true, false],
  );
});

test('512 answers wait for a socket that takes nothing: the next is dropped', () => {
  const outbox = new SocketOutbox(crypto.aead, U.dataType);
  for (let i = 0; i < 512; i++) assert.ok(outbox.answer(PING, rowOf(i)));
  assert.equal(outbox.answer(PING, rowOf(512)), false);
});
