import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import os, { endianness, type NetworkInterfaceInfo } from 'node:os';
import { type TestContext, test } from 'node:test';
import { type NetworkNews, readNetlink } from '../../daemon/links/netlink.ts';
import { type NetworkChange, type NewsSource, systemSource, watchNetwork } from '../../daemon/links/network.ts';
import { findAddon } from '../../native-bindings/addon.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { waitFor } from '../support/wait.ts';
import { anyOctets, fc } from './wire-property.ts';

// The kernel's messages

const isLittle = endianness() === 'LE';

/** One message as the kernel lays it out: header, body, padding. */
function message(type: number, body: readonly number[]): Uint8Array {
  const octets = new Uint8Array((16 + body.length + 3) & ~3);
  const view = new DataView(octets.buffer);
  view.setUint32(0, 16 + body.length, isLittle);
  view.setUint16(4, type, isLittle);
  octets.set(body, 16);
  return octets;
}

function attribute(type: number, value: readonly number[]): number[] {
  const padding = new Array((4 - (value.length & 3)) & 3).fill(0);
  return [...u16(4 + value.length), ...u16(type), ...value, ...padding];
}

const u16 = (value: number): number[] => (isLittle ? [value & 0xff, value >> 8] : [value >> 8, value & 0xff]);
const u32 = (value: number): number[] => {
  const [high, low] = [u16(value >>> 16), u16(value & 0xffff)];
  return isLittle ? [...low, ...high] : [...high, ...low];
};

const [NEW_LINK, DEL_LINK, NEW_ADDRESS, DEL_ADDRESS, NEW_ROUTE, DEL_ROUTE] = [16, 17, 20, 21, 24, 25] as const;
const INET6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const addressBody = (family: number, ...attributes: number[][]) => [family, 64, 0, 0, ...u32(3), ...attributes.flat()];
const routeBody = (table: number, type: number, flags = 0) => [10, 0, 0, 0, table, 4, 0, type, ...u32(flags)];

for (const [what, octets, expected] of [
  ['an interface that came', message(NEW_LINK, []), [{ kind: 'interface' }]],
  ['an interface that went', message(DEL_LINK, [0, 0, 0, 0]), [{ kind: 'interface' }]],
  [
    'an IPv4 address that came',
    message(NEW_ADDRESS, addressBody(2, attribute(1, [192, 0, 2, 1]), attribute(2, [192, 0, 2, 1]))),
    [{ kind: 'addressAdded', address: '192.0.2.1' }],
  ],
  [
    'an IPv6 address that went',
    message(DEL_ADDRESS, addressBody(10, attribute(1, INET6))),
    [{ kind: 'addressRemoved', address: '2001:0db8:0000:0000:0000:0000:0000:0007' }],
  ],
  [
    'our end of a line, whichever stands first',
    message(DEL_ADDRESS, addressBody(2, attribute(2, [192, 0, 2, 1]), attribute(1, [192, 0, 2, 9]))),
    [{ kind: 'addressRemoved', address: '192.0.2.1' }],
  ],
  [
    'attributes of other lengths and kinds',
    message(NEW_ADDRESS, addressBody(2, attribute(3, [0x65, 0x74, 0x68]), attribute(1, [192, 0, 2, 1]))),
    [{ kind: 'addressAdded', address: '192.0.2.1' }],
  ],
  ['a route of the main table', message(NEW_ROUTE, routeBody(254, 1)), [{ kind: 'route' }]],
  ['a route that went', message(DEL_ROUTE, routeBody(254, 1)), [{ kind: 'route' }]],
  ['a route of the table local', message(NEW_ROUTE, routeBody(255, 1)), []],
  ['a route into a black hole', message(NEW_ROUTE, routeBody(254, 6)), [{ kind: 'route' }]],
  ['a route for groups', message(NEW_ROUTE, routeBody(254, 5)), []],
  ['a cached route', message(NEW_ROUTE, routeBody(254, 1, 0x200)), []],
  ['an address without one', message(NEW_ADDRESS, addressBody(2)), []],
  ['an address of five octets', message(NEW_ADDRESS, addressBody(2, attribute(1, [1, 2, 3, 4, 5]))), []],
  ['a neighbour', message(28, new Array(12).fill(0)), []],
] as const) {
  test(`of ${what} the kernel tells ${expected.length === 0 ? 'nothing that matters' : 'as much'}`, () => {
    assert.deepEqual(readNetlink(octets), expected);
  });
}

test('messages may follow each other in one buffer, padded', () => {
  const octets = Buffer.concat([message(NEW_LINK, [1]), message(NEW_ROUTE, routeBody(254, 1)), message(DEL_LINK, [])]);
  assert.deepEqual(
    readNetlink(octets).map(({ kind }) => kind),
    ['interface', 'route', 'interface'],
  );
});

test('octets of any kind are read without a throw and to their end', () => {
  const whole = [message(NEW_ADDRESS, addressBody(2, attribute(1, [192, 0, 2, 1]))), message(NEW_LINK, [1])];
  const cut = fc.tuple(fc.constantFrom(...whole), fc.nat(60)).map(([octets, at]) => octets.slice(0, at));
  const bent = fc.tuple(fc.constantFrom(...whole), fc.nat(47), fc.nat(255)).map(([octets, at, value]) => {
    const other = octets.slice();
    other[at] = value;
    return other;
  });
  fc.assert(
    fc.property(fc.oneof(anyOctets(0, 100), cut, bent), (octets) => {
      for (const { kind } of readNetlink(octets)) assert.equal(typeof kind, 'string');
    }),
    { numRuns: 2_000 },
  );
});

// What is told of them

/** A watch whose news and addresses the test makes. */
function scene(t: TestContext) {
  const time = new VirtualTime(t);
  const world = { addresses: ['192.0.2.1/24'] };
  t.mock.method(os, 'networkInterfaces', () => ({
    eth0: world.addresses.map((cidr) => ({ cidr, address: cidr.split('/')[0] }) as NetworkInterfaceInfo),
  }));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const told: NetworkChange[] = [];
  let hear: (news: readonly NetworkNews[]) => void = () => {};
  let isClosed = false;
  const source: NewsSource = (listener) => {
    hear = listener;
    return {
      close: () => {
        isClosed = true;
      },
    };
  };
  const watch = watchNetwork((change) => told.push(change), source);
  return { time, world, told, watch, hear: (...news: NetworkNews[]) => hear(news), isClosed: () => isClosed };
}

const INTERFACE: NetworkNews = { kind: 'interface' };
const ROUTE: NetworkNews = { kind: 'route' };
const removed = (address: string): NetworkNews => ({ kind: 'addressRemoved', address });
const added = (address: string): NetworkNews => ({ kind: 'addressAdded', address });

test('a change is told once, 200 ms after the first news of it', (t) => {
  const { time, world, told, hear } = scene(t);
  world.addresses = ['192.0.2.1/24', '198.51.100.7/24'];
  for (let i = 0; i < 5; i++) hear(added('198.51.100.7'), INTERFACE);
  time.tick(199);
  assert.equal(told.length, 0);
  time.tick(1);
  assert.equal(told.length, 1);
  time.tick(60_000);
  assert.equal(told.length, 1);
});

test('news without a change is not told: a lifetime renewed, a counter', (t) => {
  const { time, told, hear } = scene(t);
  for (let i = 0; i < 20; i++) {
    hear(INTERFACE, added('192.0.2.1'));
    time.tick(500);
  }
  assert.equal(told.length, 0);
});

test('an address that went is gone, in all the ways it is written; others are not', (t) => {
  const { time, world, told, hear } = scene(t);
  world.addresses = ['198.51.100.7/24'];
  hear(removed('192.0.2.1'), removed('fe80:0000:0000:0000:0000:0000:0000:0001'));
  time.tick(200);
  const isGone = told[0]?.isGone;
  assert.ok(isGone);
  for (const host of ['192.0.2.1', '::ffff:192.0.2.1', 'fe80::1', 'fe80::1%eth0']) assert.ok(isGone(host), host);
  for (const host of ['198.51.100.7', '192.0.2.2', 'fe80::2', '::1', '']) assert.ok(!isGone(host), host);
});

test('an address that came back in time is not gone', (t) => {
  const { time, told, hear } = scene(t);
  hear(removed('192.0.2.1'));
  time.tick(100);
  hear(added('192.0.2.1'));
  time.tick(10_000);
  assert.equal(told.length, 0);
});

test('a cable that is out takes no address away', (t) => {
  const { time, world, told, hear } = scene(t);
  world.addresses = [];
  hear(INTERFACE);
  time.tick(200);
  assert.equal(told.length, 1);
  assert.equal(told[0]?.isGone('192.0.2.1'), false);
});

test('changes are told once a second, the last one too', (t) => {
  const { time, world, told, hear } = scene(t);
  for (let i = 1; i <= 40; i++) {
    world.addresses = [`192.0.2.${i + 1}/24`];
    hear(INTERFACE);
    time.tick(100);
  }
  assert.ok(told.length >= 3 && told.length <= 5, `${told.length} times`);
  const before = told.length;
  time.tick(1_000);
  assert.equal(told.length, before + 1);
});

test('routes alone are told at once and then every 3 s at most, whatever else is heard', (t) => {
  const { time, world, told, hear } = scene(t);
  hear(ROUTE);
  time.tick(200);
  assert.equal(told.length, 1);
  for (let i = 0; i < 25; i++) {
    hear(ROUTE, INTERFACE);
    time.tick(100);
  }
  assert.equal(told.length, 1);
  time.tick(500);
  assert.equal(told.length, 2);
  world.addresses = [];
  hear(INTERFACE);
  time.tick(1_000);
  assert.equal(told.length, 3, 'an address is told sooner');
});

test('a watch that is closed closes its source and tells nothing', (t) => {
  const { time, told, watch, hear, isClosed } = scene(t);
  hear(ROUTE);
  watch.close();
  time.tick(60_000);
  assert.deepEqual([told.length, isClosed()], [0, true]);
});

test('without the addon the interfaces are looked at every 3 s', (t) => {
  const { world } = scene(t);
  t.mock.timers.enable({ apis: ['setInterval'] });
  let heard = 0;
  const opened = systemSource(undefined)(() => heard++);
  world.addresses = [];
  t.mock.timers.tick(8_999);
  assert.equal(heard, 2);
  opened.close();
  t.mock.timers.tick(9_000);
  assert.equal(heard, 2);
});

// The real kernel

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const skip = whyNot();

function whyNot(): string | false {
  if (addon === undefined) return `needs the addon: ${problem}`;
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    addon.watchNetwork(() => {}).close();
    return false;
  } catch (error) {
    return `needs an addon of these sources: ${error}`;
  }
}

test('the kernel tells of addresses that come and go', { skip }, async (t) => {
  assert.ok(addon);
  const tun = addon.openTun('auto');
  const news: NetworkNews[] = [];
  const opened = systemSource(addon)((some) => news.push(...some));
  t.after(() => {
    opened.close();
    tun.close();
  });
  const ip = (...words: string[]) => execFileSync('ip', words, { env: { PATH: process.env.PATH } });
  const heard = (kind: NetworkNews['kind'], address?: string) =>
    waitFor(`news of ${kind} ${address ?? ''}`, () =>
      news.some((one) => one.kind === kind && (address === undefined || ('address' in one && one.address === address))),
    );
  ip('addr', 'add', '198.51.100.77/32', 'dev', tun.name);
  await heard('addressAdded', '198.51.100.77');
  ip('link', 'set', tun.name, 'up');
  await heard('interface');
  ip('-6', 'addr', 'add', '2001:db8::77/128', 'dev', tun.name, 'nodad');
  await heard('addressAdded', '2001:0db8:0000:0000:0000:0000:0000:0077');
  news.length = 0;
  ip('route', 'add', '203.0.113.0/24', 'dev', tun.name);
  await heard('route');
  ip('addr', 'del', '198.51.100.77/32', 'dev', tun.name);
  await heard('addressRemoved', '198.51.100.77');
  ip('link', 'del', tun.name);
  await heard('addressRemoved', '2001:0db8:0000:0000:0000:0000:0000:0077');
});

test('a buffer of another kind is refused, and so is reading after the end', { skip }, () => {
  assert.ok(addon);
  const watch = addon.watchNetwork(() => {});
  assert.throws(() => watch.read(new Uint32Array(4) as unknown as Uint8Array), RangeError);
  watch.close();
  watch.close();
  assert.throws(() => watch.read(new Uint8Array(16)), { code: 'NETWORK_WATCH' });
});
