/** Self-signed certificates of any kind of key, made without the daemon's code: for peers that are none of ours. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export type KeyKind = 'ed25519' | 'p256';

export type TestCertificate = { readonly cert: string; readonly key: string; readonly privateKey: KeyObject };

export function certificateOf(kind: KeyKind, name = 'mesh.example'): TestCertificate {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  // 1.3.101.112 and 1.2.840.10045.4.3.2
  const algorithm = der(0x30, kind === 'ed25519' ? hex('06032b6570') : hex('06082a8648ce3d040302'));
  const subject = der(0x30, der(0x31, der(0x30, hex('0603550403'), der(0x0c, Buffer.from(name)))));
  const validity = der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('490101000000Z')));
  const body = der(0x30, hex('020107'), algorithm, subject, validity, subject, info);
  const signature = sign(kind === 'ed25519' ? null : 'sha256', body, privateKey);
  const text = der(0x30, body, algorithm, der(0x03, hex('00'), signature)).toString('base64');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    privateKey,
  };
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  // The shortest form: some readers take no other.
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
