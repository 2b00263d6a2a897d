import { createHash } from 'node:crypto';
import type { AeadBatch, AeadJobs, BoxBatch, MacJobs, MacSigner } from '../core/port.ts';
import type { NodeCrypto } from './node.ts';
import type { X25519 } from './portable-x25519.ts';

const TAG_SIZE = 16;
/** As the header of a record with a counter of 32 bits. */
const AD_SIZE = 9;

/** SHA-256 over everything sealed of `SIZES`, made with another implementation. */
const AEAD_ANSWER = '9215d057abb1e201abf9506ad88ae888263224e6c131c31434ded986f818a59b';
const BOX_ANSWER = '51916148136c830304f5516f013ad0053d0c48769f4923e6e27a53d31fe2f296';
/** Every path of a kernel: nothing, less than a block, several streams in a pass, several passes and a tail. */
const SIZES = [0, 1, 65, 2500];

/** What a box does wrong on a known answer, or undefined. */
export function boxProblem(box: BoxBatch): string | undefined {
  return problemOf(box.name, () => tryBox(box));
}

/** The same for records. */
export function aeadProblem(aead: AeadBatch): string | undefined {
  return problemOf(aead.name, () => tryAead(aead));
}

/** The same for batches of MACs. */
export function macsProblem(macs: MacSigner): string | undefined {
  return problemOf(macs.name, () => tryMacs(macs));
}

/** The same for X25519. */
export function x25519Problem(curve: X25519): string | undefined {
  return problemOf(curve.name, () => tryX25519(curve));
}

/** What the public-key parts and hashes do wrong, or undefined. */
export function cryptoProblem(crypto: NodeCrypto): string | undefined {
  return problemOf('node:crypto', () => tryCrypto(crypto));
}

function problemOf(name: string, attempt: () => string | undefined): string | undefined {
  try {
    return attempt();
  } catch (error) {
    return `${name} fails: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** A box as a cipher of records: its tag comes first and it has no associated data. */
function tryBox(box: BoxBatch): string | undefined {
  return tryCipher(box, { textAt: TAG_SIZE, sealedAt: 0, adLength: 0, answer: BOX_ANSWER });
}

function tryAead(aead: AeadBatch): string | undefined {
  return tryCipher(aead, { textAt: AD_SIZE, sealedAt: AD_SIZE, adLength: AD_SIZE, answer: AEAD_ANSWER });
}

type Cipher = { readonly name: string; seal(jobs: AeadJobs): void; open(jobs: AeadJobs): void };
/** Where a row of the arena holds its text and what it is sealed to. */
type Layout = { textAt: number; sealedAt: number; adLength: number; answer: string };

function tryCipher(cipher: Cipher, { textAt, sealedAt, adLength, answer }: Layout): string | undefined {
  const room = SIZES.reduce((sum, size) => sum + adLength + size + TAG_SIZE, 0);
  const arena = new Uint8Array(room);
  const count = SIZES.length;
  const jobs: AeadJobs = {
    sources: new Array<Uint8Array>(count).fill(arena),
    sourceOffsets: new Int32Array(count),
    lengths: Int32Array.from(SIZES),
    targets: new Array<Uint8Array>(count).fill(arena),
    targetOffsets: new Int32Array(count),
    adLengths: new Int32Array(count).fill(adLength),
    keys: new Uint8Array(32 * count).map((_, i) => i % 32),
    nonces: Uint32Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 0x01020304 : 0xfffefdfc)),
    ok: new Uint8Array(count),
    count,
  };
  let at = 0;
  SIZES.forEach((size, i) => {
    jobs.targetOffsets[i] = at + sealedAt;
    jobs.sourceOffsets[i] = at + textAt;
    for (let k = 0; k < size; k++) arena[at + textAt + k] = k;
    at += adLength + size + TAG_SIZE;
  });
  cipher.seal(jobs);
  if (createHash('sha256').update(arena).digest('hex') !== answer) return `${cipher.name} seals wrongly`;

  const last = count - 1;
  arena[room - 1] = (arena[room - 1] ?? 0) ^ 1;
  for (let i = 0; i < count; i++) {
    jobs.lengths[i] = (jobs.lengths[i] ?? 0) + TAG_SIZE;
    [jobs.sourceOffsets[i], jobs.targetOffsets[i]] = [jobs.targetOffsets[i] ?? 0, jobs.sourceOffsets[i] ?? 0];
  }
  cipher.open(jobs);
  if (jobs.ok[last] !== 0) return `${cipher.name} opens what was changed`;
  for (let i = 0; i < last; i++) {
    const start = jobs.targetOffsets[i] ?? 0;
    const text = arena.subarray(start, start + (SIZES[i] ?? 0));
    if (jobs.ok[i] !== 1 || text.some((octet, k) => octet !== (k & 255))) return `${cipher.name} opens wrongly`;
  }
  return undefined;
}

/** RFC 4231, sections 4.2 and 4.3: keys of 20 and 4 octets, which zeros may follow. */
function tryMacs({ name, sign }: MacSigner): string | undefined {
  const stride = 28;
  const jobs: MacJobs = {
    texts: new Uint8Array(2 * stride),
    stride,
    lengths: Int32Array.of(8, 28),
    keys: new Uint8Array(64),
    macs: new Uint8Array(64),
    count: 2,
  };
  jobs.keys.fill(0x0b, 0, 20);
  jobs.keys.set(Buffer.from('Jefe'), 32);
  jobs.texts.set(Buffer.from('Hi There'));
  jobs.texts.set(Buffer.from('what do ya want for nothing?'), stride);
  sign(jobs);
  const wanted = octets(
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff75bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
  return isEqual(jobs.macs, wanted) ? undefined : `${name} signs wrongly`;
}

/** RFC 7748 sections 5.2, the second: a scalar that is not clamped, the top bit of u set; and 6.1, what is Bob's. */
function tryX25519({ name, x25519, x25519Pair }: X25519): string | undefined {
  const scalar = octets('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d');
  const result = x25519(scalar, octets('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493'));
  const wanted = octets('95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957');
  if (result === undefined || !isEqual(result, wanted)) return `${name} multiplies wrongly on X25519`;
  const bob = x25519Pair(octets('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')).publicKey;
  if (!isEqual(bob, octets('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')))
    return `${name} derives a wrong public key of X25519`;
  if (x25519(scalar, new Uint8Array(32)) !== undefined) return `${name} accepts a zero result of X25519`;
  return undefined;
}

/** RFC 8032 section 7.1 test 1; keys of the Yggdrasil vectors; BLAKE2b of 'abc' with key 'key'. */
function tryCrypto(crypto: NodeCrypto): string | undefined {
  const signer = crypto.ed25519Signer(octets('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'));
  const empty = new Uint8Array(0);
  const signature = octets(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
  if (!isEqual(signer.publicKey, octets('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')))
    return 'Ed25519 derives a wrong public key';
  if (!isEqual(signer.sign(empty), signature)) return 'Ed25519 signs wrongly';
  if (!crypto.ed25519Verify(signer.publicKey, signature, empty)) return 'Ed25519 refuses a good signature';
  if (crypto.ed25519Verify(signer.publicKey, signature, Uint8Array.of(0))) return 'Ed25519 accepts a bad signature';

  const form = crypto.x25519FromEd25519(octets('e72a357463b742c650ce0f135db21ff0361b9bc4acc30d9bc27d9e204fcf367d'));
  const wantedForm = octets('14288ba10cabd2f14e9bb054f140edba548ac148eaab9e1a2e7eeb2f99105d6e');
  if (form === undefined || !isEqual(form, wantedForm)) return 'Ed25519 keys are converted wrongly';

  const pair = crypto.x25519Pair(octets('dc87cb59ef4734dfff5c5c679df6dbe64ddbb8c0e8fad11d18b88bbc0f443da7'));
  if (!isEqual(pair.publicKey, octets('2bc7692be6e7cedd47447b4479a6f17aebee5bae8ec7813372271c931726df7e')))
    return 'X25519 derives a wrong public key';
  const theirs = octets('9b251dd74c2cb9b8c3338047859d4112203ddea2f0f707c6f9001debc71b0114');
  const shared = crypto.boxShared(theirs, pair.privateKey);
  const wantedShared = octets('ac97bcde05812b9a711618d5c0d504829aa0016eedefb5710a35b963ae7c69c6');
  if (shared === undefined || !isEqual(shared, wantedShared)) return 'X25519 with HSalsa20 is wrong';
  if (crypto.boxShared(new Uint8Array(32), pair.privateKey) !== undefined) return 'X25519 accepts a zero result';

  const hash = crypto.blake2b512(octets('6b6579'), octets('616263'));
  if (!isEqual(hash.subarray(0, 16), octets('5c6a9a4ae911c02fb7e71a991eb9aea3'))) return 'BLAKE2b is wrong';
  return undefined;
}

function octets(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
