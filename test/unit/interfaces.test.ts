import assert from 'node:assert/strict';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { patternOf } from '../../daemon/host/pattern.ts';
import {
  type DiscoveryRule,
  isLinkLocal,
  linkLocalInterfaces,
  placesOf,
  tentativeAddresses,
} from '../../daemon/links/interfaces.ts';

function rule(regex: string, changes: Partial<DiscoveryRule> = {}): DiscoveryRule {
  const found = patternOf(regex);
  assert.ok(found !== undefined, `${regex} is no expression`);
  return { regex: found, beacon: true, listen: true, port: 0, priority: 0, password: new Uint8Array(0), ...changes };
}

const NAMES = ['eth0', 'eth1', 'wlan0', 'br-lan'];
const interfaces = NAMES.map((name, i) => ({ name, address: `fe80::${i}` }));
const chosen = (...rules: DiscoveryRule[]): string[] => placesOf(interfaces, rules).map(({ name }) => name);

for (const [regex, expected] of [
  ['.*', NAMES],
  ['', NAMES],
  ['eth', ['eth0', 'eth1']],
  ['^th', []],
  ['0$', ['eth0', 'wlan0']],
  ['eth0|br-.*', ['eth0', 'br-lan']],
  ['(?i)ETH', ['eth0', 'eth1']],
  ['\\Aeth1\\z', ['eth1']],
  ['(?P<kind>wlan)\\d+', ['wlan0']],
] as const) {
  test(`'${regex}' names ${expected.join(', ') || 'nothing'}`, () => assert.deepEqual(chosen(rule(regex)), expected));
}

test('what is no regular expression is none here either', () => {
  for (const text of ['(', '[a', '*', '(?x)a']) assert.equal(patternOf(text), undefined, text);
});

test('of overlapping rules the first is for an interface', () => {
  const places = placesOf(interfaces, [rule('eth0', { priority: 1 }), rule('eth', { priority: 2 }), rule('.*')]);
  assert.deepEqual(
    places.map(({ rule: { priority } }) => priority),
    [1, 2, 0, 0],
  );
});

test('a rule that neither sends nor listens takes interfaces out', () => {
  assert.deepEqual(chosen(rule('eth', { beacon: false, listen: false }), rule('.*')), ['wlan0', 'br-lan']);
  assert.deepEqual(chosen(rule('eth', { listen: false })), ['eth0', 'eth1']);
  assert.deepEqual(chosen(rule('eth', { beacon: false })), ['eth0', 'eth1']);
  assert.deepEqual(chosen(), []);
});

for (const [address, expected] of [
  ['fe80::1', true],
  ['FE80::1%eth0', true],
  ['febf:ffff::1', true],
  ['fec0::1', false],
  ['fe8::1', false],
  ['2001:db8:fe80::1', false],
  ['::1', false],
  ['169.254.0.1', false],
] as const) {
  test(`${address} is ${expected ? '' : 'not '}link-local`, () => assert.equal(isLinkLocal(address), expected));
}

test('the interfaces of this machine are those with a link-local address, without loopback and zones', () => {
  for (const { name, address } of linkLocalInterfaces()) {
    const own = networkInterfaces()[name] ?? [];
    assert.ok(own.some((entry) => !entry.internal && entry.address.split('%')[0] === address));
    assert.match(address, /^fe[89ab][0-9a-f]:[0-9a-f:]+$/);
  }
});

test('an interface that leads into a mesh is none, even where the system does not tell that it is a tunnel', () => {
  const at = (address: string): NetworkInterfaceInfo => ({
    address,
    netmask: '',
    mac: '',
    internal: false,
    cidr: null,
    family: 'IPv6',
    scopeid: 0,
  });
  const found = linkLocalInterfaces({
    lan9: [at('fe80::1')],
    tun9: [at('200:70d4:5e65:2182:d217:6bea:ffcd:ebd9'), at('fe80::2')],
    tun8: [at('fe80::3'), at('3ff:ffff::1')],
    lan8: [at('2001:db8::1'), at('fe80::4')],
  });
  assert.deepEqual(
    found.map(({ name }) => name),
    ['lan9', 'lan8'],
  );
});

test('an address that the kernel still asks the LAN about is tentative, one that may be used meanwhile is not', () => {
  const table = [
    '00000000000000000000000000000001 01 80 10 80       lo',
    'fe8000000000000000fc00fffe000001 04 40 20 c0     eth0',
    'fe8000000000000000fc00fffe000002 05 40 20 80     eth1',
    'fe8000000000000000fc00fffe000003 06 40 20 44    wlan0',
    'fe8000000000000000fc00fffe000004 1f 40 20 c8 averylongname15',
    '',
  ].join('\n');
  assert.deepEqual(
    [...tentativeAddresses(table)],
    ['fe8000000000000000fc00fffe000001 eth0', 'fe8000000000000000fc00fffe000004 averylongname15'],
  );
  assert.deepEqual(tentativeAddresses(''), new Set());
});
