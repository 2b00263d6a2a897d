/**
 * The certificate of a node: self-signed with its identity key, so that TLS proves who is at the other end (section 2.5;
 * link document, part C). Node makes no certificates; the few DER elements of this one are written here.
 */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';

/** Both as PEM. `key` is the identity's: secret. */
export type Certificate = { readonly certificate: string; readonly key: string };

/** RFC 8410: PKCS#8 of an Ed25519 key, up to the seed. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Valid from `unixMs` to the end of the year 9999. */
export function identityCertificate(seed: Uint8Array, unixMs: number): Certificate {
  const pkcs8 = Buffer.concat([PKCS8_HEAD, seed]);
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  const publicInfo = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const body = certificateBody(publicInfo, unixMs);
  const signed = sequence(body, ED25519, bits(0, sign(null, body, key)));
  const text = signed.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    key: key.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

const TAG = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, printable: 0x13, time: 0x18 } as const;
const TAG_UTC_TIME = 0x17;
const TAG_SEQUENCE = 0x30;
const TAG_SET = 0x31;
/** Members [0] and [3] of the body, constructed. */
const TAG_VERSION = 0xa0;
const TAG_EXTENSIONS = 0xa3;

const ED25519 = sequence(oid(0x2b, 0x65, 0x70));
const COMMON_NAME = oid(0x55, 0x04, 0x03);
const KEY_USAGE = oid(0x55, 0x1d, 0x0f);
const EXTENDED_KEY_USAGE = oid(0x55, 0x1d, 0x25);
const SERVER_AUTH = oid(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01);
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13);
/** Digital signature and key encipherment: the first and third bit; five are unused. */
const USAGES = bits(5, Uint8Array.of(0b1010_0000));
const YES = element(TAG.boolean, Uint8Array.of(0xff));
const END_OF_TIME = element(TAG.time, Buffer.from('99991231235959Z'));

/** TBSCertificate of RFC 5280, section 4.1. */
function certificateBody(publicInfo: Buffer, unixMs: number): Buffer {
  const name = Buffer.from(publicInfo.subarray(-32).toString('hex'));
  const subject = sequence(element(TAG_SET, sequence(COMMON_NAME, element(TAG.printable, name))));
  const extensions = sequence(
    sequence(KEY_USAGE, YES, element(TAG.octets, USAGES)),
    sequence(EXTENDED_KEY_USAGE, element(TAG.octets, sequence(SERVER_AUTH))),
    // Of its members none differs from the default: it is no authority.
    sequence(BASIC_CONSTRAINTS, YES, element(TAG.octets, sequence())),
  );
  return sequence(
    element(TAG_VERSION, element(TAG.integer, Uint8Array.of(2))),
    element(TAG.integer, Uint8Array.of(1)),
    ED25519,
    subject,
    sequence(time(unixMs), END_OF_TIME),
    subject,
    publicInfo,
    element(TAG_EXTENSIONS, extensions),
  );
}

/** Two digits of the year until 2049, four from then on (RFC 5280, section 4.1.2.5). */
function time(unixMs: number): Buffer {
  const digits = new Date(unixMs).toISOString().replace(/\.\d+|[-T:]/g, '');
  const isShort = digits < '2050';
  return element(isShort ? TAG_UTC_TIME : TAG.time, Buffer.from(isShort ? digits.slice(2) : digits));
}

function sequence(...parts: Uint8Array[]): Buffer {
  return element(TAG_SEQUENCE, ...parts);
}

function oid(...octets: number[]): Buffer {
  return element(TAG.oid, Uint8Array.from(octets));
}

function bits(unused: number, octets: Uint8Array): Buffer {
  return element(TAG.bits, Uint8Array.of(unused), octets);
}

function element(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}
