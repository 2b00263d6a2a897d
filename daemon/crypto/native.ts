import type { Addon, BatchCall } from '../../native-bindings/addon.ts';
import type { AeadBatch, AeadJobs, BoxBatch, BoxJobs, MacSigner } from '../core/port.ts';

/** Source, offset, length, target, offset, associated data: see `BatchCall`. */
const COLUMNS = 6;
const INITIAL_ROWS = 64;

/** The box through the addon. */
export function nativeBox(addon: Addon): BoxBatch {
  const call = batchCaller();
  return {
    name: `addon ${addon.kernel()}`,
    seal: (jobs) => call(addon.boxSeal, jobs, undefined),
    open: (jobs) => call(addon.boxOpen, jobs, undefined),
  };
}

/** ChaCha20-Poly1305 through the addon. */
export function nativeAead(addon: Addon): AeadBatch {
  const call = batchCaller();
  return {
    name: `addon ${addon.kernel()}`,
    seal: (jobs: AeadJobs) => call(addon.aeadSeal, jobs, jobs.adLengths),
    open: (jobs: AeadJobs) => call(addon.aeadOpen, jobs, jobs.adLengths),
  };
}

/** HMAC-SHA256 through the addon, by the OpenSSL of this process; it throws where there is none. */
export function nativeMacs(addon: Addon): MacSigner {
  return {
    name: 'addon',
    isBatched: true,
    sign: ({ texts, stride, lengths, keys, macs, count }) =>
      addon.hmacSha256(texts, stride, lengths, keys, macs, count),
  };
}

/**
 * One crossing a batch. The addon asks the engine once for each buffer, which costs more than a small packet's
 * encryption: so equal neighbours in `sources` and `targets` are named once here.
 */
function batchCaller(): (native: BatchCall, jobs: BoxJobs, adLengths: Int32Array | undefined) => void {
  let table = new Int32Array(INITIAL_ROWS * COLUMNS);

  function fill(jobs: BoxJobs, adLengths: Int32Array | undefined): Uint8Array[] {
    const { count, sources, targets, sourceOffsets, lengths, targetOffsets } = jobs;
    if (table.length < count * COLUMNS) table = new Int32Array(2 * count * COLUMNS);
    const buffers: Uint8Array[] = [];
    let source: Uint8Array | undefined;
    let target: Uint8Array | undefined;
    let sourceIndex = 0;
    let targetIndex = 0;
    for (let i = 0; i < count; i++) {
      const nextSource = sources[i];
      const nextTarget = targets[i];
      if (nextSource === undefined || nextTarget === undefined) throw new RangeError('a job without buffers');
      if (nextSource !== source) {
        source = nextSource;
        sourceIndex = source === target ? targetIndex : buffers.push(source) - 1;
      }
      if (nextTarget !== target) {
        target = nextTarget;
        targetIndex = target === source ? sourceIndex : buffers.push(target) - 1;
      }
      const row = i * COLUMNS;
      table[row] = sourceIndex;
      table[row + 1] = sourceOffsets[i] ?? -1;
      table[row + 2] = lengths[i] ?? -1;
      table[row + 3] = targetIndex;
      table[row + 4] = targetOffsets[i] ?? -1;
      table[row + 5] = adLengths === undefined ? 0 : (adLengths[i] ?? -1);
    }
    return buffers;
  }

  return (native, jobs, adLengths) => {
    if (jobs.count > 0) native(fill(jobs, adLengths), table, jobs.keys, jobs.nonces, jobs.ok, jobs.count);
  };
}
