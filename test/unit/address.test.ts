import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressText, parseAddress, subnetText } from '../../daemon/host/address.ts';

const octets = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

test('writes addresses as RFC 5952 asks', () => {
  const cases: [hex: string, text: string][] = [
    ['0201 081c 718d b459 af98 65b6 b7be 0f17', '201:81c:718d:b459:af98:65b6:b7be:f17'],
    ['0200 0000 0000 0000 0000 0000 0000 0000', '200::'],
    ['0000 0000 0000 0000 0000 0000 0000 0001', '::1'],
    ['0000 0000 0000 0000 0000 0000 0000 0000', '::'],
    // One group of zeros is not shortened; of two equal runs the first is.
    ['0201 0000 0001 0002 0003 0004 0005 0006', '201:0:1:2:3:4:5:6'],
    ['0201 0000 0000 0001 0000 0000 0000 0006', '201:0:0:1::6'],
    ['0201 0000 0000 0001 0002 0000 0000 0006', '201::1:2:0:0:6'],
  ];
  for (const [hex, text] of cases) assert.equal(addressText(octets(hex)), text);
});

test('writes subnets', () => {
  assert.equal(subnetText(octets('0301 081c 718d b459')), '301:81c:718d:b459::/64');
  assert.equal(subnetText(octets('0301 0000 0000 0000')), '301::/64');
});

test('reads what it writes', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 0, 1, 255), { minLength: 16, maxLength: 16 }), (array) => {
      const address = Uint8Array.from(array);
      assert.deepEqual(parseAddress(addressText(address)), address);
    }),
  );
});

test('reads other ways of writing and refuses what is no address', () => {
  assert.deepEqual(parseAddress('0200:0:0::0'), octets('0200 0000 0000 0000 0000 0000 0000 0000'));
  assert.deepEqual(parseAddress('::ffff:192.0.2.1'), octets('0000 0000 0000 0000 0000 ffff c000 0201'));
  for (const text of ['', 'laptop', '192.0.2.1', 'fe80::1%eth0', '200:::1', '1:2:3:4:5:6:7:8:9']) {
    assert.equal(parseAddress(text), undefined, text);
  }
});
