import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { endpointsOf, ownAddresses } from '../../daemon/cli/endpoints.ts';

const HERE = ['2001:db8::1', '192.0.2.1'];
const PSK = 'ab'.repeat(32);

const texts = (...args: Parameters<typeof endpointsOf>): string[] => {
  return endpointsOf(...args).map(({ scheme, host, port, path, password, psk }) => {
    return [scheme, host, port, path, password, psk].filter((part) => part !== '').join(' ');
  });
};

test('a listener on all addresses is reached at each, the best of each listener first', () => {
  assert.deepEqual(texts(['tcp://[::]:1', 'udp://[::]:2'], [], HERE), [
    'tcp 2001:db8::1 1',
    'udp 2001:db8::1 2',
    'tcp 192.0.2.1 1',
    'udp 192.0.2.1 2',
  ]);
  assert.deepEqual(texts(['tcp://0.0.0.0:1'], [], HERE), ['tcp 192.0.2.1 1']);
  assert.equal(texts(['tcp://[::]:1'], [], Array<string>(9).fill('192.0.2.1')).length, 4);
});

test('a listener on one address is reached there, unless it is of this machine, this cable or the mesh only', () => {
  const closed = ['127.0.0.1', '[::1]', '[fe80::1%25eth0]', '169.254.1.1', '[201:1::1]'].map(
    (host) => `tls://${host}:1`,
  );
  assert.deepEqual(texts([...closed, 'unix:///run/x', 'tls://192.0.2.9:1'], [], HERE), ['tls 192.0.2.9 1']);
});

test('secrets are those that the configuration has for the listener, whatever port it really has', () => {
  const configured = [
    'tcp://0.0.0.0:1?password=no',
    'tcp://[::]:0?password=a%20b',
    `udp://[::]:2?psk=${PSK}`,
    'ws://[::]:3/p',
  ];
  assert.deepEqual(texts(['tcp://[::]:40000', 'udp://[::]:2', 'ws://[::]:3/p'], configured, ['192.0.2.1']), [
    'tcp 192.0.2.1 40000 a b',
    `udp 192.0.2.1 2 ${PSK}`,
    'ws 192.0.2.1 3 /p',
  ]);
});

test('of this machine those addresses count that others may reach, the most promising first', () => {
  const row = (address: string, internal = false): NetworkInterfaceInfo => {
    const base = { address, internal, netmask: '', mac: '', cidr: null };
    return address.includes(':') ? { ...base, family: 'IPv6', scopeid: 0 } : { ...base, family: 'IPv4' };
  };
  const all = {
    lo: [row('127.0.0.1', true), row('::1', true)],
    br0: [row('172.17.0.1'), row('fe80::2'), row('2001:db8::2')],
    eth0: [row('10.0.0.5'), row('fd00::5'), row('2001:db8::5'), row('2001:db8::77'), row('fe80::5')],
    tun0: [row('201:81c::1')],
  };
  assert.deepEqual(ownAddresses(all, new Set(['eth0']), new Set(['2001:db8::77'])), [
    '2001:db8::5',
    'fd00::5',
    '10.0.0.5',
    '2001:db8::2',
    '172.17.0.1',
  ]);
});
