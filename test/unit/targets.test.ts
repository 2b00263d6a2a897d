import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RatatoskError } from '../../daemon/core/error.ts';
import { addressForKey } from '../../daemon/core/identity.ts';
import { covers, findPrefix, prefixText } from '../../daemon/host/targets.ts';
import { keyOf } from './admin-fixture.ts';

const KEY = Buffer.from(keyOf(9)).toString('hex');
const find = (target: string) => findPrefix(target, { Laptop: KEY, desk: '200::5' }, addressForKey);

test('finds a node by address, key or name', () => {
  assert.equal(prefixText(find('200::1')), '200::1/128');
  assert.equal(prefixText(find('DESK')), '200::5/128');
  assert.deepEqual(find('laptop'), { octets: addressForKey(keyOf(9)), length: 128 });
  assert.deepEqual(find(KEY.toUpperCase()), find('laptop'));
});

test('finds a subnet and clears the bits behind it', () => {
  assert.equal(prefixText(find('300:1:2:3:ffff::9/64')), '300:1:2:3::/64');
  assert.equal(prefixText(find('2ff:ffff::/9')), '280::/9');
  assert.equal(prefixText(find('3ff::/7')), '200::/7');
  assert.equal(prefixText(find('200::1/128')), '200::1/128');
});

test('refuses what is not of the mesh', () => {
  for (const target of ['200::/6', '::/0', '200::/129', 'fd00::/8', '2001:db8::1', '200::1%lo', 'laptop/64', '/', '']) {
    assert.throws(() => find(target), { code: 'TARGET_UNKNOWN' }, target);
  }
});

test('knows which prefix lies in which', () => {
  for (const [outer, inner, expected] of [
    ['200::/7', 'laptop', true],
    ['300:1::/64', '300:1::5', true],
    ['300:1::/64', '300:1:0:1::5', false],
    ['300:1::5', '300:1::/64', false],
    ['200::1', '200::1', true],
  ] as const) {
    assert.equal(covers(find(outer), find(inner)), expected, `${outer} ${inner}`);
  }
});

test('finds or refuses arbitrary text, and nothing else happens', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.ipV6(),
    fc.tuple(fc.ipV6(), fc.nat(200)).map(([ip, bits]) => `${ip}/${bits}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const prefix = find(text);
        assert.ok(covers({ octets: new Uint8Array([2, ...Array(15).fill(0)]), length: 7 }, prefix));
        assert.deepEqual(find(prefixText(prefix)), prefix);
      } catch (error) {
        assert.ok(error instanceof RatatoskError && error.code === 'TARGET_UNKNOWN', String(error));
      }
    }),
  );
});
