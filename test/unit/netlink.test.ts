import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { RatatoskError } from '../../daemon/core/error.ts';
import { type Addon, findAddon } from '../../native-bindings/addon.ts';

const { addon, problem } = findAddon(process.env.RATATOSK_TEST_ADDON);
const skip = whyNot();

function whyNot(): string | false {
  if (addon === undefined) return `needs the addon: ${problem}`;
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/dev/net/tun')) return 'needs /dev/net/tun';
  if (!['/sbin/ip', '/bin/ip', '/usr/sbin/ip', '/usr/bin/ip'].some((file) => existsSync(file))) return 'needs ip';
  return false;
}

let counter = 0;

function makeInterface(context: TestContext): { native: Addon; name: string; address: Uint8Array; text: string } {
  assert.ok(addon !== undefined);
  const number = counter++;
  const tun = addon.openTun(`rtn${process.pid}x${number}`);
  context.after(() => tun.close());
  const address = new Uint8Array(16);
  const view = new DataView(address.buffer);
  view.setUint32(0, 0xfd7b7b7b);
  view.setUint32(4, process.pid * 16 + number);
  address[15] = 1;
  const text = `fd7b:7b7b:${view.getUint16(4).toString(16)}:${view.getUint16(6).toString(16)}`;
  return { native: addon, name: tun.name, address, text };
}

/** With an environment of its own: what is preloaded for the addon is not meant for it. */
function ip(...words: string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8', env: { PATH: process.env.PATH } });
}

type Shown = { mtu: number; flags: string[]; addr_info: { local: string; prefixlen: number }[] };

function show(name: string): Shown {
  const [shown]: Shown[] = JSON.parse(ip('-j', '-6', 'addr', 'show', 'dev', name));
  assert.ok(shown !== undefined);
  return shown;
}

test('sets MTU and address and brings the interface up', { skip }, (context) => {
  const { native, name, address, text } = makeInterface(context);
  native.configureInterface(name, address, 64, 1380);
  const shown = show(name);
  assert.equal(shown.mtu, 1380);
  assert.ok(shown.flags.includes('UP'));
  const own = shown.addr_info.filter(({ local }) => !local.startsWith('fe80'));
  assert.deepEqual(
    own.map(({ local, prefixlen }) => [local, prefixlen]),
    [[`${text}::1`, 64]],
  );
});

test('may be repeated, with another MTU too', { skip }, (context) => {
  const { native, name, address } = makeInterface(context);
  for (const mtu of [1280, 1280, 65_535]) {
    native.configureInterface(name, address, 64, mtu);
    assert.equal(show(name).mtu, mtu);
  }
  assert.equal(show(name).addr_info.filter(({ local }) => !local.startsWith('fe80')).length, 1);
});

test('adds a route, once however often it is asked', { skip }, (context) => {
  const { native, name, address } = makeInterface(context);
  native.configureInterface(name, address, 128, 1400);
  const prefix = address.slice();
  prefix[15] = 0;
  native.addRoute(name, prefix, 80);
  native.addRoute(name, prefix, 80);
  const routes = ip('-6', 'route', 'show', 'dev', name).split('\n');
  assert.equal(routes.filter((route) => route.includes('/80')).length, 1);
});

test('says which interface is missing', { skip }, () => {
  const call = () => addon?.configureInterface('rtk-none', new Uint8Array(16), 64, 1400);
  assert.throws(call, (error) => {
    assert.ok(error instanceof RatatoskError);
    assert.equal(error.code, 'INTERFACE_CONFIGURE');
    assert.match(error.message, /rtk-none.*ENODEV/);
    return true;
  });
});

test('passes on what the kernel refuses', { skip }, (context) => {
  const { native, name, address } = makeInterface(context);
  assert.throws(() => native.configureInterface(name, address, 64, 20), { code: 'INTERFACE_CONFIGURE' });
  assert.throws(() => native.addRoute(name, address, 64), { code: 'ROUTE_ADD' });
});
