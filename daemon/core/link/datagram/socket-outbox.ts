/**
 * What leaves through one socket: answers of the handshake first, then records, composed side by side in one arena,
 * sealed in one batch and sent in one call. What the system does not take stays until it does.
 */
import { dataHeader, TAG, writeDataHeader } from '../../../wire/link-packets.ts';
import { putKey, wipeKeys } from '../../key-column.ts';
import { ANSWERS_QUEUED, RECORD_ARENA_BYTES, RECORDS_PER_BATCH, RECORDS_PER_BATCH_MIN } from '../../limits.ts';
import { type AeadBatch, type AeadJobs, DATAGRAM_ADDRESS, type DatagramBatch } from '../../port.ts';
import type { AddressRow } from './addresses.ts';
import type { LinkKey } from './link-key.ts';

const TWO_32 = 0x1_0000_0000;

/** Where the plaintext of records comes from. */
export interface RecordSource {
  /** Where the last `next` goes. */
  readonly destination: AddressRow;
  /** Where its plaintext lies: in the target, or elsewhere until the node has been drained. */
  readonly plain: Uint8Array;
  readonly plainAt: number;
  /** Writes the plaintext of the next record, at most `room` octets; returns its length, or −1 for none. */
  next(target: Uint8Array, at: number, room: number): number;
}

export class SocketOutbox {
  /** Rows ready for the system. */
  readonly batch: DatagramBatch = newBatch();
  /** The system takes nothing at present. */
  isBlocked = false;
  readonly #aead: AeadBatch;
  readonly #dataType: number;
  readonly #jobs: AeadJobs = newJobs();
  readonly #answers: { readonly packet: Uint8Array; readonly row: AddressRow }[] = [];
  #arena: Uint8Array = new Uint8Array(0);
  #used = 0;
  /** Rows of the next batch: what is sealed can no longer be passed by. */
  #rows = RECORDS_PER_BATCH;

  /** @param dataType of the records sent here */
  constructor(aead: AeadBatch, dataType: number) {
    this.#aead = aead;
    this.#dataType = dataType;
  }

  get hasAnswers(): boolean {
    return this.#answers.length > 0;
  }

  /** False when too many wait already; the packet is dropped. It stays as it is until it has been sent. */
  answer(packet: Uint8Array, row: AddressRow): boolean {
    if (this.#answers.length >= ANSWERS_QUEUED) return false;
    this.#answers.push({ packet, row });
    return true;
  }

  /** Lays waiting answers into the batch. */
  addAnswers(most = RECORDS_PER_BATCH): void {
    const { batch } = this;
    const count = Math.min(this.#answers.length, most, RECORDS_PER_BATCH - batch.count);
    for (const { packet, row } of this.#answers.splice(0, count)) this.#addRow(packet, 0, packet.length, row);
  }

  /** Whether one more record of any size fits before the batch must go. */
  hasRoom(mtu: number): boolean {
    return this.batch.count < this.#rows && (this.#used === 0 || this.#used + mtu <= RECORD_ARENA_BYTES);
  }

  /** Adds one record under a key; false: the source has none. `mtu` bounds the whole packet. */
  addRecord(key: LinkKey, mtu: number, source: RecordSource): boolean {
    if (this.#arena.length < this.#used + mtu) this.#arena = new Uint8Array(Math.max(RECORD_ARENA_BYTES, mtu));
    const arena = this.#arena;
    const at = this.#used;
    const header = dataHeader(this.#dataType);
    const length = source.next(arena, at + header, mtu - header - TAG);
    if (length < 0) return false;
    const counter = key.sealed++;
    writeDataHeader(arena, at, this.#dataType, key.peerIndex, counter);
    const jobs = this.#jobs;
    const i = jobs.count++;
    jobs.sources[i] = source.plain;
    jobs.targets[i] = arena;
    jobs.sourceOffsets[i] = source.plainAt;
    jobs.targetOffsets[i] = at + header;
    jobs.lengths[i] = length;
    jobs.adLengths[i] = header;
    putKey(jobs.keys, i, key.sendKey);
    jobs.nonces[2 * i] = Math.floor(counter / TWO_32);
    jobs.nonces[2 * i + 1] = counter % TWO_32;
    const size = header + length + TAG;
    this.#addRow(arena, at, size, source.destination);
    this.#used += size;
    return true;
  }

  /** Seals the records added since the last time, and says how many there were. */
  seal(): number {
    const jobs = this.#jobs;
    const { count } = jobs;
    if (count > 0) this.#aead.seal(jobs);
    wipeKeys(jobs.keys, count);
    jobs.sources.length = 0;
    jobs.targets.length = 0;
    jobs.count = 0;
    return count;
  }

  /** The system has taken the first `count` rows. */
  taken(count: number): void {
    const { batch } = this;
    if (count < batch.count) {
      batch.buffers.splice(0, count);
      batch.offsets.copyWithin(0, count, batch.count);
      batch.lengths.copyWithin(0, count, batch.count);
      batch.addresses.copyWithin(0, count * DATAGRAM_ADDRESS, batch.count * DATAGRAM_ADDRESS);
      batch.count -= count;
      this.block();
      return;
    }
    batch.buffers.length = 0;
    batch.count = 0;
    this.#used = 0;
    if (this.#rows < RECORDS_PER_BATCH) this.#rows++;
  }

  /** The system is full, so that the next batches are smaller. */
  block(): void {
    this.isBlocked = true;
    this.#rows = Math.max(this.#rows >> 1, RECORDS_PER_BATCH_MIN);
  }

  clear(): void {
    this.taken(this.batch.count);
    this.#answers.length = 0;
  }

  #addRow(buffer: Uint8Array, at: number, length: number, row: AddressRow): void {
    const { batch } = this;
    const i = batch.count++;
    batch.buffers[i] = buffer;
    batch.offsets[i] = at;
    batch.lengths[i] = length;
    for (let k = 0; k < DATAGRAM_ADDRESS; k++) batch.addresses[i * DATAGRAM_ADDRESS + k] = row[k] as number;
  }
}

function newBatch(): DatagramBatch {
  return {
    buffers: [],
    offsets: new Int32Array(RECORDS_PER_BATCH),
    lengths: new Int32Array(RECORDS_PER_BATCH),
    addresses: new Uint8Array(RECORDS_PER_BATCH * DATAGRAM_ADDRESS),
    count: 0,
  };
}

/** Columns for a batch of records. */
export function newJobs(): AeadJobs {
  return {
    sources: [],
    sourceOffsets: new Int32Array(RECORDS_PER_BATCH),
    lengths: new Int32Array(RECORDS_PER_BATCH),
    targets: [],
    targetOffsets: new Int32Array(RECORDS_PER_BATCH),
    adLengths: new Int32Array(RECORDS_PER_BATCH),
    keys: new Uint8Array(RECORDS_PER_BATCH * 32),
    nonces: new Uint32Array(RECORDS_PER_BATCH * 2),
    ok: new Uint8Array(RECORDS_PER_BATCH),
    count: 0,
  };
}
