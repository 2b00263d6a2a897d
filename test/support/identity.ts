/**
 * Fixed test identities, and address and subnet derived here a second time, independently of the daemon.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

export type Identity = {
  readonly seed: Buffer;
  readonly publicKey: Buffer;
  readonly signingKey: KeyObject;
  /** As the configuration wants it: seed and public key, 128 hexadecimal digits. */
  readonly privateKeyHex: string;
  readonly publicKeyHex: string;
  readonly address: string;
  /** With `/64`. */
  readonly subnet: string;
};

/** The same number always gives the same identity. */
export function testIdentity(number: number): Identity {
  return identityOfSeed(createHash('sha256').update(`ratatosk test identity ${number}`).digest());
}

export function identityOfSeed(seed: Buffer): Identity {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const signingKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(signingKey).export({ format: 'der', type: 'spki' }).subarray(-32);
  const octets = addressOctets(publicKey);
  return {
    seed,
    publicKey,
    signingKey,
    privateKeyHex: Buffer.concat([seed, publicKey]).toString('hex'),
    publicKeyHex: publicKey.toString('hex'),
    address: compressed(octets),
    subnet: subnetText(octets),
  };
}

/** Section 1.2 of the protocol reference, done with text to stay unlike the daemon's arithmetic. */
function addressOctets(publicKey: Buffer): Buffer {
  const complement = [...publicKey].map((octet) => (octet ^ 0xff).toString(2).padStart(8, '0')).join('');
  const ones = complement.indexOf('0');
  const body = complement.slice(ones + 1).slice(0, 112);
  const octets = (body.match(/.{8}/g) ?? []).map((bits) => Number.parseInt(bits, 2));
  return Buffer.from([0x02, ones, ...octets]);
}

function subnetText(address: Buffer): string {
  const octets = Buffer.alloc(16);
  address.copy(octets, 0, 0, 8);
  octets[0] = 0x03;
  return `${compressed(octets)}/64`;
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`. */
function compressed(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(2 * i).toString(16));
  const text = groups.join(':');
  const runs = [...text.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)].map((match) => match[0]);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const at = new RegExp(`(^|:)${longest}(:|$)`);
  return text.replace(at, '::');
}
