/** Records as they come: index, window, then one opening for many, in place (link document, section 5). */
import { counterLow, dataHeader, indexOf, PACKET, TAG } from '../../../wire/link-packets.ts';
import type { Context } from '../../context.ts';
import { putKey, wipeKeys } from '../../key-column.ts';
import { RECORDS_PER_BATCH } from '../../limits.ts';
import type { AeadJobs, DatagramBatch } from '../../port.ts';
import { reconstructCounter } from '../../replay-window.ts';
import { REJECT_AFTER_MESSAGES } from './classes.ts';
import type { KeyTable } from './key-table.ts';
import type { LinkKey } from './link-key.ts';
import type { DatagramSocket } from './socket.ts';
import { newJobs } from './socket-outbox.ts';

const TWO_32 = 0x1_0000_0000;

/**
 * Told of each authentic record: its plaintext is `buffer[at..end)`, `row` its row in the addresses of the batch.
 * `isNewest`: its counter is the highest so far.
 */
export type RecordUser = (
  key: LinkKey,
  buffer: Uint8Array,
  at: number,
  end: number,
  row: number,
  isNewest: boolean,
) => void;

export class RecordOpener {
  readonly #context: Context;
  readonly #keys: KeyTable;
  readonly #jobs: AeadJobs = newJobs();
  readonly #jobKeys: LinkKey[] = [];
  readonly #rows = new Int32Array(RECORDS_PER_BATCH);

  constructor(context: Context, keys: KeyTable) {
    this.#context = context;
    this.#keys = keys;
  }

  get isFull(): boolean {
    return this.#jobs.count === RECORDS_PER_BATCH;
  }

  /** Takes one datagram of type DATA into the batch, unless it is not worth opening. */
  add(socket: DatagramSocket, batch: DatagramBatch, row: number): void {
    const { stats } = this.#context;
    const buffer = batch.buffers[row] as Uint8Array;
    const at = batch.offsets[row] as number;
    const length = batch.lengths[row] as number;
    const type = buffer[at] as number;
    const header = dataHeader(type);
    if (length < header + TAG) return stats.drop('datagram malformed');
    const key = this.#keys.key(indexOf(buffer, at));
    if (key === undefined || key.terms.socket !== socket) return stats.drop('record index unknown');
    const bits = type === PACKET.data32 ? 32 : 16;
    const counter = reconstructCounter(key.window.expected, counterLow(buffer, at, type), bits);
    const high = Math.floor(counter / TWO_32);
    const low = counter % TWO_32;
    if (counter >= REJECT_AFTER_MESSAGES || !key.window.isNew(high, low)) return stats.drop('record replayed');
    const jobs = this.#jobs;
    const i = jobs.count++;
    jobs.sources[i] = buffer;
    jobs.targets[i] = buffer;
    jobs.sourceOffsets[i] = at + header;
    jobs.targetOffsets[i] = at + header;
    jobs.lengths[i] = length - header;
    jobs.adLengths[i] = header;
    putKey(jobs.keys, i, key.receiveKey);
    jobs.nonces[2 * i] = high;
    jobs.nonces[2 * i + 1] = low;
    this.#jobKeys[i] = key;
    this.#rows[i] = row;
  }

  /** Opens what was added and hands out what is authentic. */
  open(user: RecordUser): void {
    const jobs = this.#jobs;
    const { count } = jobs;
    if (count === 0) return;
    const { stats, crypto } = this.#context;
    crypto.aead.open(jobs);
    let opened = 0;
    for (let i = 0; i < count; i++) {
      const key = this.#jobKeys[i] as LinkKey;
      const high = jobs.nonces[2 * i] as number;
      const low = jobs.nonces[2 * i + 1] as number;
      if (jobs.ok[i] !== 1) stats.drop('record unreadable');
      else if (key.isGone) stats.drop('record index unknown');
      else if (!key.window.isNew(high, low)) stats.drop('record replayed');
      else {
        const isNewest = high * TWO_32 + low >= key.window.expected;
        key.window.accept(high, low);
        opened++;
        const at = jobs.targetOffsets[i] as number;
        const end = at + (jobs.lengths[i] as number) - TAG;
        user(key, jobs.targets[i] as Uint8Array, at, end, this.#rows[i] as number, isNewest);
      }
    }
    stats.count('recordsOpened', opened);
    wipeKeys(jobs.keys, count);
    jobs.sources.length = 0;
    jobs.targets.length = 0;
    jobs.count = 0;
    this.#jobKeys.length = 0;
  }
}
