import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Place } from '../../daemon/links/interfaces.ts';
import { type BeaconDrop, type Neighbour, Neighbours } from '../../daemon/links/neighbours.ts';
import { writeBeacon } from '../../daemon/wire/beacon.ts';

/** Stands for BLAKE2b, which has tests of its own. */
const hash = (password: Uint8Array, key: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha512').update(password).update(key).digest());
const text = (word: string): Uint8Array => new TextEncoder().encode(word);
const keyOf = (number: number): Uint8Array => new Uint8Array(createHash('sha256').update(`key ${number}`).digest());
const addressOf = (number: number, zone = 'eth0'): string => `fe80::${(number + 1).toString(16)}%${zone}`;

const NOTHING: Uint8Array = new Uint8Array(0);
const OWN = keyOf(-1);

function placeOf(name = 'eth0', password: Uint8Array = NOTHING): Place {
  const rule = { regex: /./, beacon: true, listen: true, port: 0, priority: 0, password };
  return { name, address: 'fe80::ffff', rule };
}

const eth0 = placeOf();
const start = (): Neighbours => new Neighbours(OWN, hash);
const beacon = (number: number, password: Uint8Array = NOTHING, port = 4_000): Uint8Array =>
  writeBeacon(keyOf(number), port, hash(password, keyOf(number)));

/** Neighbour `number` is heard at its own address. */
const hear = (all: Neighbours, number: number, nowMs: number, from = addressOf(number)): Neighbour | undefined =>
  all.heard(beacon(number), from, eth0, nowMs);

function drops(all: Neighbours): Partial<Record<BeaconDrop, number>> {
  return Object.fromEntries(Object.entries(all.dropped).filter(([, count]) => count > 0));
}

test('a neighbour that is heard is dialled at the source of its beacon and the port in it', () => {
  const all = start();
  const neighbour = hear(all, 1, 0);
  assert.deepEqual(neighbour, { key: keyOf(1), address: addressOf(1), port: 4_000, place: eth0 });
  assert.deepEqual(drops(all), {});
});

test('a neighbour that is dialled or linked is not dialled again', () => {
  const all = start();
  const neighbour = hear(all, 1, 0) as Neighbour;
  assert.equal(hear(all, 1, 20_000), undefined);
  all.linked(neighbour);
  assert.equal(hear(all, 1, 40_000), undefined);
  assert.deepEqual(drops(all), {});
});

test('a neighbour whose link has ended is dialled again 10 s after the dial before, not sooner', () => {
  const all = start();
  const neighbour = hear(all, 1, 0) as Neighbour;
  all.linked(neighbour);
  all.ended(neighbour);
  assert.equal(hear(all, 1, 9_999), undefined);
  assert.deepEqual(drops(all), { 'beacon dialled lately': 1 });
  assert.notEqual(hear(all, 1, 10_000), undefined);
});

test('the end of an earlier link says nothing of the one after it', () => {
  const all = start();
  const first = hear(all, 1, 0) as Neighbour;
  all.ended(first);
  const second = hear(all, 1, 10_000) as Neighbour;
  all.linked(second);
  all.ended(first);
  assert.equal(hear(all, 1, 30_000), undefined);
});

test('a neighbour on two interfaces is dialled on both, 10 s apart', () => {
  const all = start();
  const wlan0 = placeOf('wlan0');
  all.linked(hear(all, 1, 0) as Neighbour);
  assert.equal(all.heard(beacon(1), addressOf(1, 'wlan0'), wlan0, 9_999), undefined);
  assert.deepEqual(drops(all), { 'beacon dialled lately': 1 });
  assert.equal(all.heard(beacon(1), addressOf(1, 'wlan0'), wlan0, 10_000)?.address, addressOf(1, 'wlan0'));
});

test('a key that is claimed from many addresses is dialled once in 10 s', () => {
  const all = start();
  const dialled = Array.from({ length: 50 }, (_, i) => hear(all, 1, i * 400, addressOf(i)));
  for (const neighbour of dialled) if (neighbour !== undefined) all.ended(neighbour);
  assert.equal(dialled.filter((neighbour) => neighbour !== undefined).length, 1);
  assert.notEqual(hear(all, 1, 20_000, addressOf(99)), undefined);
});

test('8 dials may be under way, the 9th has to wait for the end of one', () => {
  const all = start();
  const dialled = Array.from({ length: 8 }, (_, i) => hear(all, i, 0) as Neighbour);
  assert.ok(dialled.every((neighbour) => neighbour !== undefined));
  assert.equal(hear(all, 8, 1_000), undefined);
  assert.deepEqual(drops(all), { 'beacon dials pending': 1 });
  all.linked(dialled[0] as Neighbour);
  assert.notEqual(hear(all, 8, 2_000), undefined);
  all.ended(dialled[1] as Neighbour);
  assert.notEqual(hear(all, 9, 3_000), undefined);
  assert.equal(hear(all, 10, 4_000), undefined);
});

test('256 neighbours are remembered, and the 257th is told apart from those whose time is over', () => {
  const all = start();
  const linked: Neighbour[] = [];
  for (let i = 0; i < 256; i++) {
    const neighbour = hear(all, i, i < 255 ? 0 : 30_000) as Neighbour;
    linked.push(neighbour);
    all.linked(neighbour);
  }
  // From an address of before: the table of sources is another.
  assert.equal(hear(all, 300, 30_000, addressOf(1)), undefined);
  assert.deepEqual(drops(all), { 'beacon neighbours full': 1 });
  all.ended(linked[255] as Neighbour);
  assert.equal(hear(all, 300, 39_999, addressOf(1)), undefined);
  assert.notEqual(hear(all, 300, 40_000, addressOf(1)), undefined);
  assert.deepEqual(drops(all), { 'beacon neighbours full': 2 });
});

test('a source may send 5 beacons in a second, and 5 more in the next', () => {
  const all = start();
  for (let i = 0; i < 5; i++) hear(all, 1, 0);
  assert.deepEqual(drops(all), {});
  hear(all, 1, 0);
  assert.deepEqual(drops(all), { 'beacon rate': 1 });
  for (let i = 0; i < 6; i++) hear(all, 1, 1_000);
  assert.deepEqual(drops(all), { 'beacon rate': 2 });
});

test('256 sources are remembered for 20 s, and the 257th is not heard', () => {
  const all = start();
  const wrong = beacon(1, text('other'));
  const hearFrom = (number: number, nowMs: number): void => void all.heard(wrong, addressOf(number), eth0, nowMs);
  for (let i = 0; i < 256; i++) hearFrom(i, i < 255 ? 0 : 10_000);
  assert.deepEqual(drops(all), { 'beacon password': 256 });
  hearFrom(256, 19_999);
  assert.deepEqual(drops(all), { 'beacon password': 256, 'beacon sources full': 1 });
  hearFrom(256, 20_000);
  assert.deepEqual(drops(all), { 'beacon password': 257, 'beacon sources full': 1 });
});

test('the password is that of the interface', () => {
  const all = start();
  const [closed, other] = [placeOf('eth0', text('owls')), placeOf('eth0', text('cats'))];
  assert.equal(all.heard(beacon(1, text('owls')), addressOf(1), other, 0), undefined);
  assert.equal(all.heard(beacon(1, text('owls')), addressOf(1), eth0, 0), undefined);
  assert.equal(all.heard(beacon(1), addressOf(1), closed, 0), undefined);
  assert.deepEqual(drops(all), { 'beacon password': 3 });
  assert.notEqual(all.heard(beacon(1, text('owls')), addressOf(1), closed, 0), undefined);
});

for (const [what, change, reason] of [
  ['another major version', (octets: Uint8Array) => octets.with(1, 1), 'beacon version'],
  ['another minor version', (octets: Uint8Array) => octets.with(3, 4), 'beacon version'],
  ['a hash with one bit turned', (octets: Uint8Array) => octets.with(103, (octets[103] ?? 0) ^ 1), 'beacon password'],
  ['port 0', (octets: Uint8Array) => octets.with(36, 0).with(37, 0), 'beacon malformed'],
  ['an octet less', (octets: Uint8Array) => octets.slice(0, -1), 'beacon malformed'],
  ['no octets', () => NOTHING, 'beacon malformed'],
] as const) {
  test(`a beacon with ${what} is dropped`, () => {
    const all = start();
    assert.equal(all.heard(change(beacon(1)), addressOf(1), eth0, 0), undefined);
    assert.deepEqual(drops(all), { [reason]: 1 });
  });
}

for (const [from, reason] of [
  ['2001:db8::1', 'beacon source not link-local'],
  ['200:1::1', 'beacon source not link-local'],
  ['::1', 'beacon source not link-local'],
  ['::ffff:192.0.2.1', 'beacon source not link-local'],
  ['fe80::1', 'beacon of another interface'],
  ['fe80::1%wlan0', 'beacon of another interface'],
  ['fe80::1%eth00', 'beacon of another interface'],
] as const) {
  test(`a beacon from ${from} is dropped`, () => {
    const all = start();
    assert.equal(hear(all, 1, 0, from), undefined);
    assert.deepEqual(drops(all), { [reason]: 1 });
  });
}

test('our own beacon is no drop and costs no rate', () => {
  const all = start();
  for (let i = 0; i < 10; i++) {
    assert.equal(all.heard(writeBeacon(OWN, 1, hash(NOTHING, OWN)), addressOf(1), eth0, 0), undefined);
  }
  assert.notEqual(hear(all, 1, 0), undefined);
  assert.deepEqual(drops(all), {});
});

test('whatever is sent, at most 256 links are made, 8 dials at once, and no key twice in 10 s', () => {
  const anyStep = fc.record({
    number: fc.nat(400),
    source: fc.nat(400),
    afterMs: fc.constantFrom(0, 1, 100, 2_000, 9_000),
    end: fc.constantFrom('no', 'fail', 'link', 'lose'),
    pick: fc.nat(1_000),
  });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 600 }), (steps) => {
      const all = start();
      let nowMs = 0;
      let open: { neighbour: Neighbour; isLinked: boolean }[] = [];
      const dialledAt = new Map<string, number>();
      for (const { number, source, afterMs, end, pick } of steps) {
        nowMs += afterMs;
        const neighbour = hear(all, number, nowMs, addressOf(source));
        if (neighbour !== undefined) {
          const name = String(neighbour.key);
          assert.ok(nowMs - (dialledAt.get(name) ?? -10_000) >= 10_000);
          dialledAt.set(name, nowMs);
          open.push({ neighbour, isLinked: false });
        }
        const chosen = open[pick % Math.max(1, open.length)];
        if (chosen !== undefined && end === 'link') {
          all.linked(chosen.neighbour);
          chosen.isLinked = true;
        } else if (chosen !== undefined && end !== 'no' && (end === 'lose') === chosen.isLinked) {
          all.ended(chosen.neighbour);
          open = open.filter((one) => one !== chosen);
        }
        assert.ok(open.filter(({ isLinked }) => !isLinked).length <= 8);
        assert.ok(open.length <= 256);
      }
    }),
    { numRuns: 50 },
  );
});
