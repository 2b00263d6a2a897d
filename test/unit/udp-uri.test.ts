import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUri } from '../../daemon/links/uri.ts';

const KEY = 'ff453aa1069e8d096ef2855c2661d0fde7d4bcbd2eb6d6e7b1d1c4ba9d8e5f01';
const PSK = '0f'.repeat(32);

test('a datagram peer has its key, and may have a psk and be slow', () => {
  const { options, host, port } = parseUri(`udp://192.0.2.1:9001?key=${KEY}&psk=${PSK}&slow=halow&priority=3`, 'dial');
  assert.deepEqual([host, port, options.priority, options.isSlow], ['192.0.2.1', 9001, 3, true]);
  assert.deepEqual(options.keys, [Uint8Array.from(Buffer.from(KEY, 'hex'))]);
  assert.deepEqual(options.psk, new Uint8Array(32).fill(15));
});

test('a datagram listener needs no key', () => {
  const { options } = parseUri('udp://[::]:0?password=open%20sesame', 'listen');
  assert.equal(new TextDecoder().decode(options.password), 'open sesame');
});

test('on streams a psk is nothing of ours', () => {
  const { options, otherQuery } = parseUri(`ws://192.0.2.1:9001?psk=${PSK}`, 'dial');
  assert.deepEqual([options.psk, otherQuery], [undefined, `psk=${PSK}`]);
});

const REFUSED: readonly { text: string; says: RegExp; purpose?: 'listen' }[] = [
  { text: 'udp://192.0.2.1:9001', says: /udp:\/\/192\.0\.2\.1:9001: it lacks the key of the peer: add \?key=/ },
  { text: `udp://192.0.2.1:9001?key=${KEY}&key=${KEY}`, says: /found 2 keys, expected one/ },
  { text: `udp://192.0.2.1:9001/a?key=${KEY}`, says: /a path has no meaning/ },
  { text: `udp://192.0.2.1?key=${KEY}`, says: /for the port/ },
  { text: `udp://192.0.2.1:1?key=${KEY}&psk=${PSK.slice(1)}`, says: /psk: expected 64 hexadecimal digits$/ },
  { text: `udp://192.0.2.1:1?key=${KEY}&psk=${PSK}&password=x`, says: /exclude each other/ },
  { text: `udp://192.0.2.1:1?key=${KEY}&slow=lora`, says: /slow: found 'lora', expected halow/ },
  { text: `udp://[::]:1?key=${KEY}`, says: /AllowedPublicKeys/, purpose: 'listen' },
];

for (const { text, says, purpose = 'dial' } of REFUSED) {
  test(`refuses ${text.replaceAll(KEY, 'KEY').replaceAll(PSK, 'PSK')} to ${purpose}`, () => {
    assert.throws(() => parseUri(text, purpose), { code: 'URI_INVALID', message: says });
  });
}

test('a psk that ended up in the name is not told', () => {
  assert.throws(
    () => parseUri(`udp://192.0.2.1:9001&psk=${PSK}`, 'dial'),
    (error) => error instanceof Error && !error.message.includes(PSK),
  );
});
