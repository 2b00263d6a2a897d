import { FEATURE_COMPRESSION } from '../../wire/compressed.ts';
import { FEATURE_SUPER_PACKETS } from '../../wire/super-packet.ts';
import { E2E_REJECT_MS, RECORD_WINDOW, REJECT_AFTER_RECORDS } from '../limits.ts';
import type { TransportKeys } from '../noise.ts';
import { ReplayWindow, reconstructCounter } from '../replay-window.ts';
import type { KeyFlows } from './compression.ts';
import type { E2ePeer } from './e2e-peer.ts';

const TWO_32 = 0x1_0000_0000;

/** What a handshake gives beside the keys. `features`: of both sides. */
export type Agreed = { readonly ownSid: number; readonly peerSid: number; readonly features: number };

/** One pair of record keys (link document, section 5), whose place in its peer says what it may be used for. */
export class E2eKeys {
  readonly peer: E2ePeer;
  /** The peer sends to this, we to the other. */
  readonly ownSid: number;
  readonly peerSid: number;
  /** Both sides give and take super-packets under them. */
  readonly hasSuperPackets: boolean;
  /** Both sides take compressed packets under them. */
  readonly hasCompression: boolean;
  /** The path is slow: what leaves is compressed. */
  isCompressing = false;
  /** Made when the first compressed packet leaves or comes. */
  flows: KeyFlows | undefined;
  readonly isInitiator: boolean;
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
  readonly bornMs: number;
  /** Random for each, so that the two sides do not renew all their keys at once. */
  readonly rekeyAtMs: number;
  /** Something has been received under it. */
  isProven = false;
  readonly #window = new ReplayWindow(RECORD_WINDOW);
  /** Of the next record. */
  #counter = 0;

  constructor(
    peer: E2ePeer,
    agreed: Agreed,
    keys: TransportKeys,
    isInitiator: boolean,
    times: { bornMs: number; rekeyAtMs: number },
  ) {
    this.peer = peer;
    this.ownSid = agreed.ownSid;
    this.peerSid = agreed.peerSid;
    this.hasSuperPackets = (agreed.features & FEATURE_SUPER_PACKETS) !== 0;
    this.hasCompression = (agreed.features & FEATURE_COMPRESSION) !== 0;
    this.isInitiator = isInitiator;
    this.send = keys.send;
    this.receive = keys.receive;
    this.bornMs = times.bornMs;
    this.rekeyAtMs = times.rekeyAtMs;
  }

  /** Records sealed. */
  get sealed(): number {
    return this.#counter;
  }

  maySeal(nowMs: number): boolean {
    return nowMs - this.bornMs < E2E_REJECT_MS && this.#counter < REJECT_AFTER_RECORDS;
  }

  nextCounter(): number {
    return this.#counter++;
  }

  /** The counter of a record with this low half; undefined if it is too high, too old, or seen. */
  counterOf(low: number): number | undefined {
    const counter = reconstructCounter(this.#window.expected, low, 32);
    return counter < REJECT_AFTER_RECORDS && this.isNew(counter) ? counter : undefined;
  }

  isNew(counter: number): boolean {
    return this.#window.isNew(Math.floor(counter / TWO_32), counter >>> 0);
  }

  /** For a counter that `isNew` and whose record was authentic. */
  accept(counter: number): void {
    this.#window.accept(Math.floor(counter / TWO_32), counter >>> 0);
    this.isProven = true;
  }

  /** The path has turned out to be slow. */
  goSlow(): void {
    this.isCompressing = this.hasCompression;
  }

  wipe(): void {
    this.flows?.in.clear();
    this.send.fill(0);
    this.receive.fill(0);
  }
}
