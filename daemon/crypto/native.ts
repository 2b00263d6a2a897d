import type { Addon } from '../../native-bindings/addon.ts';
import type { BoxBatch, BoxJobs } from '../core/port.ts';

/** Source, offset, length, target, offset: see `BoxBatchCall`. */
const COLUMNS = 5;
const INITIAL_ROWS = 64;

/**
 * The box through the addon, one crossing a batch. The addon asks the engine once for each buffer, which costs more
 * than a small packet's encryption: so equal neighbours in `sources` and `targets` are named once here.
 */
export function nativeBox(addon: Addon): BoxBatch {
  let table = new Int32Array(INITIAL_ROWS * COLUMNS);

  function fill(jobs: BoxJobs): Uint8Array[] {
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
    }
    return buffers;
  }

  return {
    name: `addon ${addon.boxKernel()}`,
    seal(jobs) {
      if (jobs.count > 0) addon.boxSeal(fill(jobs), table, jobs.keys, jobs.nonces, jobs.ok, jobs.count);
    },
    open(jobs) {
      if (jobs.count > 0) addon.boxOpen(fill(jobs), table, jobs.keys, jobs.nonces, jobs.ok, jobs.count);
    },
  };
}
