import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hsalsa } from '@noble/ciphers/salsa.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { blake2b } from '@noble/hashes/blake2.js';
import fc from 'fast-check';
import type { BoxBatch, BoxJobs } from '../../daemon/core/port.ts';
import { chooseCrypto } from '../../daemon/crypto/choose.ts';
import { nodeCrypto, nodeMacs } from '../../daemon/crypto/node.ts';
import { portableBox } from '../../daemon/crypto/portable.ts';
import { boxProblem, cryptoProblem, macsProblem } from '../../daemon/crypto/selftest.ts';
import { findAddon } from '../../native-bindings/addon.ts';

type Exchange = {
  sent: string;
  sent_plain: string;
  sent_key: string;
  sent_local_private: string;
  sent_remote_public: string;
};
type Vectors = {
  keys: { items: { seed: string; public_key: string; x25519_public: string; x25519_private_unclamped: string }[] };
  handshake: { items: { seed: string; password: string; blake2b512: string; message: string }[] };
  session_captured: { exchanges: Exchange[] };
  session_computed: {
    box_keys: { label: string; private: string; public: string }[];
    steps: { name: string; octets: string; box?: string; plain?: string }[];
    shared_secrets: Record<string, string>;
  };
};

const file = join(import.meta.dirname, '../../../test/vectors/yggdrasil-0.5.json');
const vectors: Vectors = JSON.parse(readFileSync(file, 'utf8'));
const crypto = nodeCrypto();

const octets = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');
const some = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** Opens one box; the nonce is `counter`. */
function openOne(box: BoxBatch, sealed: Uint8Array, key: Uint8Array, counter: number): Uint8Array | undefined {
  const target = new Uint8Array(sealed.length - 16);
  const jobs: BoxJobs = {
    sources: [sealed],
    sourceOffsets: new Int32Array(1),
    lengths: Int32Array.of(sealed.length),
    targets: [target],
    targetOffsets: new Int32Array(1),
    keys: key,
    nonces: Uint32Array.of(0, counter),
    ok: new Uint8Array(1),
    count: 1,
  };
  box.open(jobs);
  return jobs.ok[0] === 1 ? target : undefined;
}

test('derives the keys of the vectors', () => {
  for (const item of vectors.keys.items) {
    const signer = crypto.ed25519Signer(octets(item.seed));
    assert.equal(hex(signer.publicKey), item.public_key);
    assert.equal(hex(signer.x25519Private), item.x25519_private_unclamped);
    assert.equal(hex(crypto.x25519FromEd25519(signer.publicKey)), item.x25519_public);
    assert.equal(hex(crypto.x25519Pair(signer.x25519Private).publicKey), item.x25519_public);
  }
});

test('hashes and signs the greetings of the vectors', () => {
  for (const item of vectors.handshake.items) {
    const signer = crypto.ed25519Signer(octets(item.seed));
    const hash = crypto.blake2b512(Buffer.from(item.password), signer.publicKey);
    assert.equal(hex(hash), item.blake2b512);
    const signature = octets(item.message.slice(-128));
    assert.equal(hex(signer.sign(hash)), hex(signature));
    assert.ok(crypto.ed25519Verify(signer.publicKey, signature, hash));
  }
});

test('opens the traffic captured from the reference', () => {
  for (const exchange of vectors.session_captured.exchanges) {
    const shared = crypto.boxShared(octets(exchange.sent_remote_public), octets(exchange.sent_local_private));
    assert.ok(shared !== undefined);
    const [, , , counter, ...sealed] = octets(exchange.sent);
    const plain = openOne(portableBox, Uint8Array.from(sealed), shared, counter ?? 0);
    assert.equal(hex(shared), exchange.sent_key);
    assert.equal(hex(plain?.subarray(32)), exchange.sent_plain);
  }
});

test('agrees on the shared secrets of the computed session from both sides', () => {
  const { box_keys, shared_secrets, steps } = vectors.session_computed;
  const keyOf = (label: string) => {
    const key = box_keys.find((item) => item.label === label);
    assert.ok(key !== undefined, label);
    return key;
  };
  for (const item of box_keys) assert.equal(hex(crypto.x25519Pair(octets(item.private)).publicKey), item.public);
  for (const step of steps.filter(({ box }) => box !== undefined)) {
    const [a = '', b = ''] = (step.box ?? '').split(' x ');
    const shared = crypto.boxShared(octets(keyOf(a).public), octets(keyOf(b).private));
    assert.equal(hex(shared), hex(crypto.boxShared(octets(keyOf(b).public), octets(keyOf(a).private))));
    const known = shared_secrets[`x25519_then_hsalsa20 ${a} x ${b}`];
    if (known !== undefined) assert.equal(hex(shared), known);
    const sealed = octets(step.octets).subarray(4);
    const plain = openOne(chooseCrypto().crypto.box, sealed, shared ?? new Uint8Array(32), 1);
    assert.equal(hex(plain)?.slice(64), step.plain);
  }
});

test('agrees with the second implementation on signatures', () => {
  fc.assert(
    fc.property(some(32), fc.uint8Array({ maxLength: 300 }), (seed, data) => {
      const signer = crypto.ed25519Signer(seed);
      assert.equal(hex(signer.publicKey), hex(ed25519.getPublicKey(seed)));
      const signature = signer.sign(data);
      assert.equal(hex(signature), hex(ed25519.sign(data, seed)));
      assert.ok(crypto.ed25519Verify(signer.publicKey, signature, data));
      const changed = signature.slice();
      changed[data.length % 64] = (changed[data.length % 64] ?? 0) ^ 1;
      assert.ok(!crypto.ed25519Verify(signer.publicKey, changed, data));
    }),
    { numRuns: 20 },
  );
});

test('refuses a signature whose S is not reduced', () => {
  const signer = crypto.ed25519Signer(new Uint8Array(32).fill(5));
  const signature = new Uint8Array(signer.sign(octets('00')));
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  let s = order;
  for (let i = 0; i < 32; i++) s += BigInt(signature[32 + i] ?? 0) << BigInt(8 * i);
  for (let i = 0; i < 32; i++) signature[32 + i] = Number((s >> BigInt(8 * i)) & 255n);
  assert.ok(!crypto.ed25519Verify(signer.publicKey, signature, octets('00')));
});

test('never throws on keys and signatures of arbitrary octets', () => {
  const any = fc.uint8Array({ maxLength: 70 });
  fc.assert(
    fc.property(fc.oneof(any, some(32)), fc.oneof(any, some(64)), any, (key, signature, data) => {
      assert.equal(typeof crypto.ed25519Verify(key, signature, data), 'boolean');
    }),
    { numRuns: 200 },
  );
});

test('verifies with more keys than it remembers', () => {
  const signers = Array.from({ length: 300 }, (_, i) => {
    const seed = new Uint8Array(32);
    new DataView(seed.buffer).setUint32(0, i);
    return crypto.ed25519Signer(seed);
  });
  for (let round = 0; round < 2; round++) {
    for (const signer of signers) {
      assert.ok(crypto.ed25519Verify(signer.publicKey, signer.sign(signer.publicKey), signer.publicKey));
    }
  }
});

test('agrees with the second implementation on shared secrets', () => {
  const sigma = new Uint32Array(Uint8Array.from(Buffer.from('expand 32-byte k')).buffer);
  fc.assert(
    fc.property(some(32), some(32), (a, b) => {
      const pair = crypto.x25519Pair(a);
      assert.equal(hex(pair.publicKey), hex(x25519.getPublicKey(a)));
      // Any 32 octets are a public key, canonical or not.
      const secret = new Uint32Array(x25519.getSharedSecret(a, b).slice().buffer);
      const out = new Uint32Array(8);
      hsalsa(sigma, secret, new Uint32Array(4), out);
      assert.equal(hex(crypto.boxShared(b, pair.privateKey)), hex(new Uint8Array(out.buffer)));
    }),
    { numRuns: 20 },
  );
});

test('has no box key for a point of low order', () => {
  assert.equal(crypto.boxShared(new Uint8Array(32), new Uint8Array(32).fill(7)), undefined);
});

test('hashes as the second implementation does, with any key length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 300 }), (key, data) => {
      const wanted = blake2b(data, { dkLen: 64, ...(key.length > 0 && { key }) });
      assert.equal(hex(crypto.blake2b512(key, data)), hex(wanted));
    }),
    { numRuns: 60 },
  );
  assert.equal(hex(crypto.sha256(new Uint8Array()))?.slice(0, 8), 'e3b0c442');
});

test('gives plain arrays: the slice of a Buffer would share its octets', () => {
  const signer = crypto.ed25519Signer(new Uint8Array(32));
  const pair = crypto.x25519Pair(new Uint8Array(32).fill(1));
  const results = [
    crypto.sha256(signer.publicKey),
    crypto.blake2b512(signer.publicKey, signer.publicKey),
    crypto.boxShared(pair.publicKey, pair.privateKey),
    crypto.x25519FromEd25519(signer.publicKey),
    signer.sign(signer.publicKey),
    signer.publicKey,
    signer.x25519Private,
    pair.publicKey,
    pair.privateKey,
  ];
  assert.ok(results.every((result) => result !== undefined && !Buffer.isBuffer(result)));
});

test('falls back with the reason when there is no addon', () => {
  const chosen = chooseCrypto({ problem: 'it is not there' });
  assert.equal(chosen.crypto.box, portableBox);
  assert.deepEqual(chosen.slower, ['it is not there']);
});

test('falls back when the addon answers wrongly', { skip: findAddon().problem ?? false }, () => {
  const { addon } = findAddon();
  assert.ok(addon !== undefined);
  const chosen = chooseCrypto({ addon: { ...addon, boxSeal() {} } });
  assert.equal(chosen.crypto.box, portableBox);
  assert.match(chosen.slower.join(), /^addon .* seals wrongly/);
});

test('MACs fall back to those of Node when the addon signs wrongly', { skip: findAddon().problem ?? false }, () => {
  const { addon } = findAddon();
  assert.ok(addon !== undefined);
  assert.equal(chooseCrypto({ addon }).crypto.macs.name, 'addon');
  const wrong = chooseCrypto({ addon: { ...addon, hmacSha256() {} } });
  assert.equal(wrong.crypto.macs, nodeMacs);
  assert.match(wrong.slower.join(), /^addon signs wrongly/);
  assert.equal(macsProblem(nodeMacs), undefined);
});

test('takes the addon when it works', { skip: findAddon().problem ?? false }, () => {
  const chosen = chooseCrypto();
  assert.match(chosen.crypto.box.name, /^addon /);
  assert.deepEqual(chosen.slower, []);
});

test('notices each part that does not work', () => {
  const other = new Uint8Array(64).fill(1);
  assert.equal(cryptoProblem(crypto), undefined);
  assert.match(cryptoProblem({ ...crypto, blake2b512: () => other }) ?? '', /BLAKE2b/);
  assert.match(cryptoProblem({ ...crypto, ed25519Verify: () => true }) ?? '', /bad signature/);
  assert.match(cryptoProblem({ ...crypto, ed25519Verify: () => false }) ?? '', /good signature/);
  assert.match(cryptoProblem({ ...crypto, boxShared: () => other }) ?? '', /X25519/);
  assert.match(cryptoProblem({ ...crypto, x25519FromEd25519: () => undefined }) ?? '', /converted/);
  const throwing = () => {
    throw new Error('no such thing');
  };
  assert.match(cryptoProblem({ ...crypto, ed25519Signer: throwing }) ?? '', /no such thing/);
  assert.match(boxProblem({ ...portableBox, open: (jobs) => void jobs.ok.fill(1) }) ?? '', /changed/);
  assert.match(boxProblem({ ...portableBox, open: (jobs) => void jobs.ok.fill(0) }) ?? '', /opens wrongly/);
  assert.match(boxProblem({ ...portableBox, seal: throwing }) ?? '', /no such thing/);
});
