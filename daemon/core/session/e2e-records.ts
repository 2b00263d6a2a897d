/** Records of end-to-end sessions, sealed and opened in batches: nothing handed out is complete before `settle`. */
import {
  RECORD_HEAD,
  RECORD_OVERHEAD,
  readCounter,
  readShortCounter,
  readSid,
  SHORT_HEAD,
  SHORT_OVERHEAD,
  writeRecordHead,
  writeShortHead,
} from '../../wire/e2e.ts';
import type { Context } from '../context.ts';
import { JOBS_MAX } from '../limits.ts';
import { equalAt } from '../octetmap.ts';
import type { E2eKeys } from './e2e-keys.ts';
import type { E2ePeer } from './e2e-peer.ts';
import { addAeadJob, clearJobs, newAeadJobs } from './jobs.ts';
import type { SessionPorts } from './sessions.ts';

const TAG = 16;

export type RecordUser = {
  /** An authentic record, seen for the first time; its content is `buffer[at..end)`, empty in a keep-alive. */
  record(keys: E2eKeys, buffer: Uint8Array, at: number, end: number): void;
};

export class E2eRecords {
  readonly #context: Context;
  readonly #router: SessionPorts;
  readonly #user: RecordUser;
  /** By our own sid. */
  readonly #keys = new Map<number, E2eKeys>();
  readonly #seal = newAeadJobs();
  readonly #open = newAeadJobs();
  readonly #openKeys: E2eKeys[] = [];

  constructor(context: Context, router: SessionPorts, user: RecordUser) {
    this.#context = context;
    this.#router = router;
    this.#user = user;
  }

  get isIdle(): boolean {
    return this.#seal.count === 0 && this.#open.count === 0;
  }

  has(sid: number): boolean {
    return this.#keys.has(sid);
  }

  add(keys: E2eKeys): void {
    this.#keys.set(keys.ownSid, keys);
  }

  /** Forgets a pair of keys; jobs that use it are finished first by the caller. */
  remove(keys: E2eKeys): void {
    this.#keys.delete(keys.ownSid);
    keys.wipe();
  }

  /** Seals `buffer[at..at+length)`, which must stay until `settle`. False: the router has dropped it. */
  send(keys: E2eKeys, buffer: Uint8Array, at: number, length: number): boolean {
    const isShort = keys.isCompressing;
    const head = isShort ? SHORT_HEAD : RECORD_HEAD;
    if (!this.#router.begin(keys.peer.key, head + TAG + length, true)) return false;
    const { target, targetAt } = this.#router;
    if (this.#router.isOverRadio === true) keys.goSlow(true);
    const counter = keys.nextCounter();
    if (isShort) writeShortHead(target, targetAt, keys.peerSid, counter >>> 0);
    else writeRecordHead(target, targetAt, keys.peerSid, counter >>> 0);
    const high = Math.floor(counter / 0x1_0000_0000);
    addAeadJob(this.#seal, buffer, at, length, target, targetAt + head, head, keys.send, high, counter >>> 0);
    this.#context.stats.count('packetsSealed');
    if (this.#seal.count === JOBS_MAX) this.#sealAll();
    return true;
  }

  /** `buffer[at..end)` begins with `E2E.data`; it is overwritten. */
  received(buffer: Uint8Array, sourceAt: number, at: number, end: number): void {
    const { stats } = this.#context;
    if (end - at < RECORD_OVERHEAD) return stats.drop('e2e malformed');
    const keys = this.#keys.get(readSid(buffer, at));
    if (keys === undefined) return stats.drop('e2e record unknown');
    if (!equalAt(keys.peer.key, buffer, sourceAt, 32)) return stats.drop('e2e source not of the session');
    this.#add(keys, keys.counterOf(readCounter(buffer, at), 32), buffer, at, RECORD_HEAD, end);
  }

  /** The same for `E2E.short`; `peer` is its source, if that has a session. */
  shortReceived(peer: E2ePeer | undefined, buffer: Uint8Array, at: number, end: number): void {
    const { stats } = this.#context;
    if (end - at < SHORT_OVERHEAD) return stats.drop('e2e malformed');
    const keys = peer?.keysBySid(buffer[at + 1] as number);
    if (keys === undefined || !keys.hasCompression) return stats.drop('e2e record unknown');
    this.#add(keys, keys.counterOf(readShortCounter(buffer, at), 16), buffer, at, SHORT_HEAD, end);
  }

  settle(): void {
    while (!this.isIdle) {
      this.#sealAll();
      this.#openAll();
    }
  }

  #add(keys: E2eKeys, counter: number | undefined, buffer: Uint8Array, at: number, head: number, end: number): void {
    const { stats, nowMs } = this.#context;
    if (keys.isOver(nowMs)) return stats.drop('e2e record unknown');
    if (counter === undefined) return stats.drop('e2e replay');
    this.#openKeys[this.#open.count] = keys;
    const boxAt = at + head;
    const high = Math.floor(counter / 0x1_0000_0000);
    addAeadJob(this.#open, buffer, boxAt, end - boxAt, buffer, boxAt, head, keys.receive, high, counter >>> 0);
    if (this.#open.count === JOBS_MAX) this.settle();
  }

  #sealAll(): void {
    if (this.#seal.count === 0) return;
    this.#context.crypto.aead.seal(this.#seal);
    clearJobs(this.#seal);
  }

  #openAll(): void {
    const jobs = this.#open;
    const { count } = jobs;
    if (count === 0) return;
    this.#context.crypto.aead.open(jobs);
    // What a record causes may add jobs to be sealed, none to be opened: these columns stay as they are.
    jobs.count = 0;
    for (let i = 0; i < count; i++) this.#opened(i);
    clearJobs(jobs);
    this.#openKeys.length = 0;
  }

  #opened(i: number): void {
    const jobs = this.#open;
    const keys = this.#openKeys[i] as E2eKeys;
    const { stats, nowMs } = this.#context;
    if (jobs.ok[i] !== 1) return stats.drop('e2e unreadable');
    const counter = (jobs.nonces[2 * i] as number) * 0x1_0000_0000 + (jobs.nonces[2 * i + 1] as number);
    // Once more: its double may be in the same batch.
    if (!keys.isNew(counter)) return stats.drop('e2e replay');
    keys.accept(counter);
    // Whoever sends short records knows that the path is slow.
    if (jobs.adLengths[i] === SHORT_HEAD) keys.goSlow();
    const at = jobs.targetOffsets[i] as number;
    const end = at + (jobs.lengths[i] as number) - TAG;
    keys.peer.heard(nowMs);
    stats.count('packetsOpened');
    this.#user.record(keys, jobs.targets[i] as Uint8Array, at, end);
  }
}
