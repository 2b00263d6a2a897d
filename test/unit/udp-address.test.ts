import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMappedIpv4, udpAddress, udpText } from '../../daemon/links/udp-address.ts';

const hexOf = (row: Uint8Array | undefined) => Buffer.from(row ?? []).toString('hex');

test('an address is a row of address, interface, port', () => {
  assert.equal(hexOf(udpAddress('192.0.2.1', 9001)), '00000000000000000000ffffc00002010000000023290000');
  assert.equal(hexOf(udpAddress('2001:db8::1', 9001)), '20010db80000000000000000000000010000000023290000');
  assert.equal(hexOf(udpAddress('::ffff:192.0.2.1', 1)), '00000000000000000000ffffc00002010000000000010000');
});

test('a zone counts where addresses differ by it', () => {
  const [name, scope] = linkLocal() ?? ['', 0];
  if (name === '') return;
  const index = scope.toString(16).padStart(8, '0');
  assert.equal(hexOf(udpAddress(`fe80::1%${name}`, 1)), `fe800000000000000000000000000001${index}00010000`);
  assert.equal(hexOf(udpAddress(`2001:db8::1%${name}`, 1)).slice(32, 40), '00000000');
});

test('names, and zones that are none here, have no row', () => {
  for (const text of ['', 'localhost', '1.2.3', 'fe80::1%no-such-if', '::1::'])
    assert.equal(udpAddress(text, 1), undefined);
});

test('an address comes back from its row', () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.integer({ min: 0, max: 65_535 }), (text, port) => {
      const row = udpAddress(text, port);
      if (row === undefined) return;
      const back = udpText(row, false);
      assert.equal(back.port, port);
      assert.deepEqual(udpAddress(back.address, port), row);
    }),
  );
  const row = udpAddress('10.1.2.3', 5) as Uint8Array;
  assert.ok(isMappedIpv4(row));
  assert.deepEqual(udpText(row, true), { address: '10.1.2.3', port: 5 });
  assert.equal(isMappedIpv4(udpAddress('::1', 5) as Uint8Array), false);
});

function linkLocal(): [string, number] | undefined {
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    for (const entry of entries) if (entry.family === 'IPv6' && entry.scopeid !== 0) return [name, entry.scopeid];
  }
  return undefined;
}
