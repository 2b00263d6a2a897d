/** ChaCha20-Poly1305 of a single text, for handshakes and cookies; records go through `AeadBatch` many at a time. */
import type { AeadBatch, AeadJobs } from './port.ts';

const TAG_SIZE = 16;

/** Ciphertext and tag. `nonce` is the counter of `AeadBatch`, below 2^32. */
export function sealOne(aead: AeadBatch, key: Uint8Array, nonce: number, ad: Uint8Array, text: Uint8Array): Uint8Array {
  const arena = new Uint8Array(ad.length + text.length + TAG_SIZE);
  arena.set(ad);
  arena.set(text, ad.length);
  aead.seal(oneJob(arena, ad.length, text.length, key, nonce));
  return arena.subarray(ad.length);
}

/** Undefined for what is not authentic. */
export function openOne(
  aead: AeadBatch,
  key: Uint8Array,
  nonce: number,
  ad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < TAG_SIZE) return undefined;
  const arena = new Uint8Array(ad.length + sealed.length);
  arena.set(ad);
  arena.set(sealed, ad.length);
  const job = oneJob(arena, ad.length, sealed.length, key, nonce);
  aead.open(job);
  return job.ok[0] === 1 ? arena.subarray(ad.length, arena.length - TAG_SIZE) : undefined;
}

function oneJob(arena: Uint8Array, at: number, length: number, key: Uint8Array, nonce: number): AeadJobs {
  return {
    sources: [arena],
    sourceOffsets: Int32Array.of(at),
    lengths: Int32Array.of(length),
    targets: [arena],
    targetOffsets: Int32Array.of(at),
    adLengths: Int32Array.of(at),
    keys: key,
    nonces: Uint32Array.of(0, nonce),
    ok: new Uint8Array(1),
    count: 1,
  };
}
