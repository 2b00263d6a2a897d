import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressForKey,
  bloomItem,
  isAddressOf,
  keyMatchesAddress,
  partialKey,
  subnetForKey,
} from '../../daemon/core/identity.ts';
import { vectorsOf } from '../support/core.ts';
import { anyOctets, fc } from './wire-property.ts';
import { hex, octets } from './wire-vectors.ts';

type Item = {
  seed: string;
  public_key: string;
  address_bytes: string;
  subnet_bytes: string;
  partial_key_from_address: string;
  partial_key_from_subnet: string;
  bloom_item: string;
};
const { items } = vectorsOf<{ items: Item[] }>('keys');

for (const { what, of, is } of [
  { what: 'the address', of: (item: Item) => addressForKey(octets(item.public_key)), is: 'address_bytes' },
  { what: 'the subnet', of: (item: Item) => subnetForKey(octets(item.public_key)), is: 'subnet_bytes' },
  {
    what: 'the partial key of an address',
    of: (item: Item) => partialKey(octets(item.address_bytes)),
    is: 'partial_key_from_address',
  },
  {
    what: 'the partial key of a subnet',
    of: (item: Item) => partialKey(octets(item.subnet_bytes)),
    is: 'partial_key_from_subnet',
  },
  { what: 'the filter item', of: (item: Item) => bloomItem(octets(item.public_key)), is: 'bloom_item' },
] as const) {
  test(`${what} of every key in the vectors is as stated`, () => {
    for (const item of items) assert.equal(hex(of(item)), item[is], item.public_key);
  });
}

test('partial keys at the edges are those of the vectors', () => {
  const edges = vectorsOf<{ items: { input: string; partial_key: string }[] }>('partial_keys');
  for (const { input, partial_key } of edges.items) assert.equal(hex(partialKey(octets(input))), partial_key, input);
});

test('the item of a partial key is that of the whole key', () => {
  fc.assert(
    fc.property(anyOctets(32, 32), (key) => {
      const item = bloomItem(key);
      assert.deepEqual(bloomItem(partialKey(addressForKey(key))), item);
      assert.deepEqual(bloomItem(partialKey(subnetForKey(key))), item);
      assert.deepEqual(bloomItem(item), item);
    }),
  );
});

test('a key of nothing but zeros has an address', () => {
  assert.equal(hex(addressForKey(new Uint8Array(32))), `02ff${'0'.repeat(28)}`);
});

test('the body of a very strong key is used in whole octets', () => {
  // 150 zero bits leave a body of 105 bits, of which 104 count.
  const key = new Uint8Array(32);
  key[18] = 0x02;
  const address = addressForKey(key);
  assert.equal(address[1], 150);
  assert.equal(hex(address), `0296${'ff'.repeat(13)}00`);
});

test('an address is ours whether it is the node itself or in its subnet', () => {
  const key = octets(items[0]?.public_key ?? '');
  const address = addressForKey(key);
  const subnet = subnetForKey(key);
  const inSubnet = new Uint8Array(16).fill(0xab);
  inSubnet.set(subnet);
  assert.ok(isAddressOf(address, subnet, address, 0));
  assert.ok(isAddressOf(address, subnet, inSubnet, 0));
});

test('an address that differs in its last bit is not ours', () => {
  const key = octets(items[0]?.public_key ?? '');
  const other = addressForKey(key);
  other[15] = (other[15] as number) ^ 1;
  assert.ok(!isAddressOf(addressForKey(key), subnetForKey(key), other, 0));
});

test('an address is read where it lies in a packet', () => {
  const key = octets(items[0]?.public_key ?? '');
  const packet = new Uint8Array(40);
  packet.set(addressForKey(key), 24);
  assert.ok(isAddressOf(addressForKey(key), subnetForKey(key), packet, 24));
  assert.ok(!isAddressOf(addressForKey(key), subnetForKey(key), packet, 8));
});

test('a key has its own address only', () => {
  const [first, second] = items.map((item) => octets(item.public_key)) as [Uint8Array, Uint8Array];
  assert.ok(keyMatchesAddress(first, addressForKey(first)));
  assert.ok(!keyMatchesAddress(first, addressForKey(second)));
});
