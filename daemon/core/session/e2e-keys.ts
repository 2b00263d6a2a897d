import { FEATURE_COMPRESSION } from '../../wire/compressed.ts';
import { FEATURE_SUPER_PACKETS } from '../../wire/super-packet.ts';
import { E2E_PREVIOUS_HOLD_MS, E2E_REJECT_MS, RECORD_WINDOW, REJECT_AFTER_RECORDS, SLOW_PATH_LIFE } from '../limits.ts';
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
  /** So were the keys before them, or a radio of ours is the first hop: what seemed slow once may be a moment's load. */
  isLasting = false;
  /** Made when the first compressed packet leaves or comes. */
  flows: KeyFlows | undefined;
  readonly isInitiator: boolean;
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
  readonly bornMs: number;
  readonly #rekeyMs: number;
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
    times: { readonly bornMs: number; readonly rekeyMs: number },
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
    this.#rekeyMs = times.rekeyMs;
  }

  /** Records sealed. */
  get sealed(): number {
    return this.#counter;
  }

  /** How many times as long as usual its times are. */
  get life(): number {
    return this.isCompressing && this.isLasting ? SLOW_PATH_LIFE : 1;
  }

  /** New ones are due: at another moment for each, so that the two sides do not renew all their keys at once. */
  isOld(nowMs: number): boolean {
    // New keys have all contexts free.
    const life = this.flows?.out.isExhausted === true ? 1 : this.life;
    return nowMs - this.bornMs >= this.#rekeyMs * life;
  }

  /** `life` as the other side may see it, which may know better. */
  get lifeMax(): number {
    return this.isCompressing ? SLOW_PATH_LIFE : 1;
  }

  /** Nothing opens under it any more. */
  isOver(nowMs: number): boolean {
    return nowMs - this.bornMs >= (E2E_REJECT_MS + E2E_PREVIOUS_HOLD_MS) * this.lifeMax;
  }

  maySeal(nowMs: number): boolean {
    return nowMs - this.bornMs < E2E_REJECT_MS * this.life && this.#counter < REJECT_AFTER_RECORDS;
  }

  nextCounter(): number {
    return this.#counter++;
  }

  /** The counter of a record with these low bits, 16 or 32; undefined if it is too high, too old, or seen. */
  counterOf(low: number, bits: 16 | 32): number | undefined {
    const counter = reconstructCounter(this.#window.expected, low, bits);
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
  goSlow(isLasting = false): void {
    this.isCompressing = this.hasCompression;
    if (isLasting) this.isLasting = true;
  }

  wipe(): void {
    this.flows?.in.clear();
    this.send.fill(0);
    this.receive.fill(0);
  }
}
