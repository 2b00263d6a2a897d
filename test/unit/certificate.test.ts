import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { identityCertificate } from '../../daemon/links/certificate.ts';
import { UNIX_MS } from '../support/core.ts';
import { testIdentity } from '../support/identity.ts';
import { fc } from './wire-property.ts';

const own = testIdentity(1);
const made = identityCertificate(own.seed, UNIX_MS);
const certificate = new X509Certificate(made.certificate);

test('the certificate holds the key of the node, and is signed by it', () => {
  assert.equal(certificate.publicKey.asymmetricKeyType, 'ed25519');
  const info = certificate.publicKey.export({ format: 'der', type: 'spki' });
  assert.equal(info.subarray(-32).toString('hex'), own.publicKeyHex);
  assert.ok(certificate.verify(certificate.publicKey));
});

test('it says what that of the reference says', () => {
  assert.equal(certificate.subject, `CN=${own.publicKeyHex}`);
  assert.equal(certificate.issuer, certificate.subject);
  assert.equal(certificate.serialNumber, '01');
  assert.equal(certificate.validFrom, 'Jan  1 00:00:00 2024 GMT');
  assert.equal(certificate.validTo, 'Dec 31 23:59:59 9999 GMT');
  assert.equal(certificate.ca, false);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(certificate.subjectAltName, undefined);
});

test('its octets are those of DER: version 3, critical extensions in the order of the reference', () => {
  const hex = certificate.raw.toString('hex');
  // Version 3, serial 1, Ed25519.
  assert.match(hex, /^3082[0-9a-f]{4}3082[0-9a-f]{4}a003020102020101300506032b6570/);
  // Key usage (critical, digital signature and key encipherment), extended key usage, basic constraints (critical, empty).
  const extensions =
    '300e0603551d0f0101ff0404030205a030130603551d25040c300a06082b06010505070301300c0603551d130101ff04023000';
  assert.ok(hex.includes(extensions));
  assert.match(hex, /300506032b6570034100[0-9a-f]{128}$/);
});

test('the private key is that of the identity', () => {
  const jwk = createPrivateKey(made.key).export({ format: 'jwk' });
  assert.equal(Buffer.from(jwk.d ?? '', 'base64url').toString('hex'), own.seed.toString('hex'));
});

test('a certificate of any time and any key is read as that, also beyond 2049', () => {
  const times = fc.integer({ min: 0, max: Date.UTC(9999, 0) / 1000 }).map((seconds) => seconds * 1000);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), times, (seed, unixMs) => {
      const read = new X509Certificate(identityCertificate(seed, unixMs).certificate);
      assert.equal(Date.parse(read.validFrom), unixMs);
      assert.ok(read.verify(read.publicKey));
    }),
    { numRuns: 100 },
  );
});
