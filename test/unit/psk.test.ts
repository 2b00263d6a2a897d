import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pskOf } from '../../daemon/links/psk.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { repoRoot } from '../support/places.ts';

const vectors = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/ratatosk-link.json'), 'utf8'));
const { password, psk } = vectors.psk_from_password as { password: string; psk: string };
const optionsOf = (query: string) => parseUri(`udp://[::]:0${query}`, 'listen').options;
const hexOf = async (query: string) => Buffer.from(await pskOf(optionsOf(query))).toString('hex');

test('a password is stretched as the vectors say', async () => {
  assert.equal(await hexOf(`?password=${encodeURIComponent(password)}`), psk);
});

test('without a password there are 32 zero octets', async () => {
  assert.equal(await hexOf(''), '00'.repeat(32));
});

test('a psk is used as it is', async () => {
  assert.equal(await hexOf(`?psk=${psk.toUpperCase()}`), psk);
});

test('the same options are stretched once', () => {
  const options = optionsOf('?password=x');
  assert.equal(pskOf(options), pskOf(options));
});
