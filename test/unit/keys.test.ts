import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../daemon/host/config.ts';
import {
  identityFromHex,
  identityFromPem,
  identityFromSeed,
  identityToHex,
  newIdentity,
} from '../../daemon/host/keys.ts';
import { repoRoot } from '../support/places.ts';

type Vectors = { identities: Record<string, { seed: string; public_key: string }> };

const vectors: Vectors = JSON.parse(readFileSync(join(repoRoot, 'test/vectors/yggdrasil-0.5.json'), 'utf8'));
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

function fileOf(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
}

test('derives the public keys of the vectors', () => {
  for (const { seed, public_key: publicKey } of Object.values(vectors.identities)) {
    assert.equal(hex(identityFromSeed(Buffer.from(seed, 'hex')).publicKey), publicKey);
    assert.equal(hex(identityFromHex(`${seed}${publicKey}`.toUpperCase()).publicKey), publicKey);
  }
});

test('makes identities that differ and survive being written', () => {
  const [one, two] = [newIdentity(), newIdentity()];
  assert.notEqual(identityToHex(one), identityToHex(two));
  assert.deepEqual(identityFromHex(identityToHex(one)), one);
});

test('refuses a private key whose halves do not match', () => {
  const [one, two] = [newIdentity(), newIdentity()];
  const mixed = identityToHex(one).slice(0, 64) + hex(two.publicKey);
  assert.throws(() => identityFromHex(mixed), { code: 'KEY_INVALID', message: /second half/ });
});

test('refuses other lengths and other letters without repeating the key', () => {
  for (const text of ['', 'abcd', 'g'.repeat(128), `${'a'.repeat(128)} `]) {
    assert.throws(() => identityFromHex(text), { code: 'KEY_INVALID', message: /expected 128 hex digits/ });
  }
});

test('reads an Ed25519 key from a PEM file', (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const path = fileOf(t, 'key.pem', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
  const { identity, warnings } = identityFromPem(path);
  assert.equal(Buffer.from(identity.publicKey).toString('base64url'), publicKey.export({ format: 'jwk' }).x);
  assert.equal(Buffer.from(identity.seed).toString('base64url'), privateKey.export({ format: 'jwk' }).d);
  assert.deepEqual(warnings, []);
});

test('prefers PrivateKeyPath to PrivateKey', (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = fileOf(t, 'key.pem', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
  const config = { PrivateKey: identityToHex(newIdentity()), PrivateKeyPath: pem };
  const { identity } = loadConfig(fileOf(t, 'ratatosk.conf', JSON.stringify(config)));
  assert.equal(Buffer.from(identity?.publicKey ?? []).toString('base64url'), publicKey.export({ format: 'jwk' }).x);
});

test('refuses PEM files of other keys, of other blocks, and of nothing', (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const texts = [
    privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    '-----BEGIN PRIVATE KEY-----\nnothing\n-----END PRIVATE KEY-----\n',
    '',
  ];
  for (const text of texts) assert.throws(() => identityFromPem(fileOf(t, 'key.pem', text)), { code: 'KEY_INVALID' });
});
