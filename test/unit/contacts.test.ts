import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contacts } from '../../daemon/core/contacts.ts';
import type { Context } from '../../daemon/core/context.ts';
import { addressForKey, partialKey, subnetForKey } from '../../daemon/core/identity.ts';
import { type PublicKey, publicKey } from '../../daemon/core/port.ts';
import { contextOf, identity } from '../support/core.ts';
import { inSubnet } from '../support/core-mesh.ts';

const us = identity(0);

function keyOf(number: number, twin = 0): PublicKey {
  const key = new Uint8Array(32).fill(number + 1);
  // Behind the octets that a subnet fixes.
  key[12] = twin;
  return publicKey(key);
}

const far = keyOf(1);
const address = addressForKey(far);
const subnetAddress = inSubnet(subnetForKey(far));
const packet = (mark: number): Uint8Array => new Uint8Array(60).fill(mark);

function setUp(): { context: Context; contacts: Contacts } {
  const context = contextOf(us);
  return { context, contacts: new Contacts(context) };
}

test('nobody is known at first', () => {
  const { contacts } = setUp();
  assert.equal(contacts.keyFor(address, 0), undefined);
  assert.equal(contacts.keyFor(subnetAddress, 0), undefined);
});

test('a key is known by its address and by its subnet', () => {
  const { contacts } = setUp();
  contacts.learn(far);
  assert.deepEqual(contacts.keyFor(address, 0), far);
  assert.deepEqual(contacts.keyFor(subnetAddress, 0), far);
});

test('a destination is read where it lies in a packet', () => {
  const { contacts } = setUp();
  contacts.learn(far);
  const octets = new Uint8Array(60);
  octets.set(address, 24);
  assert.deepEqual(contacts.keyFor(octets, 24), far);
});

test('an address that nobody uses is forgotten after two minutes', () => {
  const { context, contacts } = setUp();
  contacts.learn(far);
  context.nowMs = 119_999;
  contacts.expire();
  assert.equal(contacts.size, 1);
  context.nowMs = 120_000;
  assert.equal(contacts.keyFor(address, 0), undefined);
  contacts.expire();
  assert.equal(contacts.size, 0);
});

for (const { what, use } of [
  { what: 'writing to its address', use: (contacts: Contacts) => contacts.keyFor(address, 0) },
  { what: 'writing to its subnet', use: (contacts: Contacts) => contacts.keyFor(subnetAddress, 0) },
  { what: 'hearing from it', use: (contacts: Contacts) => contacts.touch(address) },
  { what: 'finding it again', use: (contacts: Contacts) => contacts.learn(far) },
]) {
  test(`${what} keeps a key known`, () => {
    const { context, contacts } = setUp();
    contacts.learn(far);
    for (let i = 0; i < 3; i++) {
      context.nowMs += 100_000;
      use(contacts);
      contacts.expire();
    }
    assert.deepEqual(contacts.keyFor(address, 0), far);
    assert.deepEqual(contacts.keyFor(subnetAddress, 0), far);
  });
}

test('hearing from an address that is not known says so', () => {
  const { contacts } = setUp();
  assert.equal(contacts.touch(address), false);
  assert.equal(contacts.size, 0);
});

test('a packet for an unknown address asks for the partial key of the address', () => {
  assert.deepEqual(setUp().contacts.keep(packet(1), address), partialKey(address));
});

test('a packet for an unknown subnet asks for the partial key of the subnet', () => {
  assert.deepEqual(setUp().contacts.keep(packet(1), subnetAddress), partialKey(subnetForKey(far)));
});

test('what waited for an address and for a subnet comes out when their key is found', () => {
  const { contacts } = setUp();
  contacts.keep(packet(1), address);
  contacts.keep(packet(2), subnetAddress);
  assert.deepEqual(contacts.learn(far), [packet(1), packet(2)]);
});

test('what waited comes out once', () => {
  const { contacts } = setUp();
  contacts.keep(packet(1), address);
  contacts.learn(far);
  assert.deepEqual(contacts.learn(far), []);
});

test('only the latest packet waits for a destination', () => {
  const { context, contacts } = setUp();
  contacts.keep(packet(1), address);
  contacts.keep(packet(2), address);
  assert.deepEqual(contacts.learn(far), [packet(2)]);
  assert.equal(context.stats.drops['address unknown replaced'], 1);
});

test('two addresses of one unknown subnet share what waits', () => {
  const { contacts } = setUp();
  const other = subnetAddress.slice();
  other[15] = 99;
  contacts.keep(packet(1), subnetAddress);
  contacts.keep(packet(2), other);
  assert.deepEqual(contacts.learn(far), [packet(2)]);
});

test('a packet waits for two minutes', () => {
  const { context, contacts } = setUp();
  contacts.keep(packet(1), address);
  context.nowMs = 119_999;
  contacts.expire();
  contacts.keep(packet(2), subnetAddress);
  context.nowMs = 120_000;
  contacts.expire();
  assert.deepEqual(contacts.learn(far), [packet(2)]);
});

test('a waiting packet is a copy', () => {
  const { contacts } = setUp();
  const octets = packet(1);
  contacts.keep(octets, address);
  octets.fill(9);
  assert.deepEqual(contacts.learn(far), [packet(1)]);
});

test('a key that matches the subnet only does not get what waits for an address', () => {
  const { contacts } = setUp();
  contacts.keep(packet(1), address);
  assert.deepEqual(contacts.learn(keyOf(1, 77)), []);
});

test('a subnet stays with its key while that is known', () => {
  const { contacts } = setUp();
  contacts.learn(far);
  contacts.learn(keyOf(1, 77));
  assert.deepEqual(contacts.keyFor(subnetAddress, 0), far);
  assert.deepEqual(contacts.keyFor(addressForKey(keyOf(1, 77)), 0), keyOf(1, 77));
});

test('a subnet is free for another key once its own is forgotten', () => {
  const { context, contacts } = setUp();
  contacts.learn(far);
  context.nowMs = 120_000;
  contacts.expire();
  contacts.learn(keyOf(1, 77));
  assert.deepEqual(contacts.keyFor(subnetAddress, 0), keyOf(1, 77));
});

test('a subnet is free even before its forgotten key has been cleared away', () => {
  const { context, contacts } = setUp();
  contacts.learn(far);
  context.nowMs = 120_000;
  contacts.learn(keyOf(1, 77));
  contacts.expire();
  assert.deepEqual(contacts.keyFor(subnetAddress, 0), keyOf(1, 77));
});

test('a key that was known all along gets its subnet when the one before is forgotten', () => {
  const { context, contacts } = setUp();
  contacts.learn(far);
  contacts.learn(keyOf(1, 77));
  context.nowMs = 100_000;
  contacts.touch(addressForKey(keyOf(1, 77)));
  context.nowMs = 130_000;
  contacts.expire();
  contacts.learn(keyOf(1, 77));
  assert.deepEqual(contacts.keyFor(subnetAddress, 0), keyOf(1, 77));
});
