import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressGroup, addressText } from '../../daemon/core/link/datagram/addresses.ts';

function row(words: readonly number[], port: number): Uint8Array {
  const octets = new Uint8Array(24);
  for (const [i, word] of words.entries()) octets.set([word >> 8, word & 0xff], 2 * i);
  octets.set([port >> 8, port & 0xff], 20);
  return octets;
}

const V4 = row([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201], 9_001);

test('addresses read as operators write them', () => {
  assert.equal(addressText(V4), '192.0.2.1:9001');
  assert.equal(addressText(row([0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], 80)), '[2001:db8::1:0:0:1]:80');
  assert.equal(addressText(row([0, 0, 0, 0, 0, 0, 0, 1], 1)), '[::1]:1');
  assert.equal(addressText(row([0xfe80, 0, 0, 0, 0, 0, 0, 0], 1)), '[fe80::]:1');
  assert.equal(addressText(row([1, 2, 3, 4, 5, 6, 0, 8], 1)), '[1:2:3:4:5:6:0:8]:1');
  assert.equal(addressText(new Uint8Array(24)), '');
});

test('an IPv4 address has its own budget, IPv6 addresses share that of their /64', () => {
  const other = V4.slice();
  other[20] = 1;
  assert.deepEqual(addressGroup(V4), addressGroup(other));
  other[15] = 2;
  assert.notDeepEqual(addressGroup(V4), addressGroup(other));
  const a = addressGroup(row([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9], 1));
  assert.deepEqual(a, addressGroup(row([0x2001, 0xdb8, 0, 1, 8, 8, 8, 8], 2)));
  assert.notDeepEqual(a, addressGroup(row([0x2001, 0xdb8, 0, 2, 9, 9, 9, 9], 1)));
});
