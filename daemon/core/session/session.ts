/**
 * The keys of one session and how they advance (sections 5.3 to 5.5). `local` numbers our `send` key, `remote` the
 * peer's `current`; both count up as keys are replaced.
 */
import { uvarintSize, Writer } from '../../wire/cursor.ts';
import { type Handshake, SESSION, type SessionHead } from '../../wire/session.ts';
import type { Context } from '../context.ts';
import { addressForKey, subnetForKey } from '../identity.ts';
import { RATCHET_MS, REPLAY_WINDOW } from '../limits.ts';
import { equalOctets } from '../octetmap.ts';
import type { KeyPair, PublicKey } from '../port.ts';
import { ReplayWindow } from '../replay-window.ts';

/**
 * Which pair of keys opens a packet: current/recv, next/send, next/recv, current/send. The reference does not open the
 * last; it is what two of us send each other after each has followed the other.
 */
export type Row = 0 | 1 | 2 | 3;

/** The key of a row, made when first needed, since it costs an X25519; and what it has opened. */
type Opener = { shared: Uint8Array | undefined; readonly window: ReplayWindow };

export class Session {
  readonly key: PublicKey;
  readonly address: Uint8Array;
  readonly subnet: Uint8Array;
  readonly upSinceMs: number;
  bytesReceived = 0;
  bytesSent = 0;
  /** See `Ranked`. */
  countedBytes = 0;
  activity = 0;
  /** Readable traffic has come: the peer holds the keys. */
  isConfirmed = false;
  /** What opens a session has been said. */
  isGreeted = false;
  /** It has said that it speaks end-to-end sessions. */
  hasHello = false;
  lastActiveMs: number;
  lastOpenedMs: number;
  /** When the keys changed last. */
  keysMs: number;
  /** Of the newest Init or Ack accepted. */
  seq: bigint;
  send: KeyPair;
  next: KeyPair;
  local = 0;
  #recv: KeyPair;
  #current: Uint8Array = ZERO_KEY;
  #remoteNext: Uint8Array = ZERO_KEY;
  #remoteHigh = 0;
  #remoteLow = 0;
  #sendNonce = 0;
  #ratchetedMs = Number.NEGATIVE_INFINITY;
  /** One for each row. */
  #openers: readonly Opener[] = [newOpener(), newOpener(), newOpener(), newOpener()];
  #sendShared: Uint8Array | undefined;
  readonly #context: Context;

  constructor(context: Context, key: PublicKey, send: KeyPair, next: KeyPair, seq: bigint) {
    this.#context = context;
    this.key = key;
    this.address = addressForKey(key);
    this.subnet = subnetForKey(key);
    this.upSinceMs = context.nowMs;
    this.lastActiveMs = context.nowMs;
    this.lastOpenedMs = context.nowMs;
    this.keysMs = context.nowMs;
    this.seq = seq;
    this.#recv = newPair(context);
    this.send = send;
    this.next = next;
  }

  /**
   * Takes over an Init or Ack that is newer than the last one. The send nonce is kept (section 5.3). A repeated Init
   * brings the same keys: what they have opened with our send key must not be opened again.
   */
  update(handshake: Handshake): void {
    const current = this.#openerWithSend(handshake.current);
    const next = this.#openerWithSend(handshake.next);
    this.seq = handshake.seq;
    this.#current = handshake.current.slice();
    this.#remoteNext = handshake.next.slice();
    this.#setRemote(handshake.keySeq);
    this.#advance();
    this.keysMs = this.#context.nowMs;
    this.#keep(current, next, undefined);
    this.lastActiveMs = this.#context.nowMs;
  }

  /** Undefined: no pair of keys we hold can open it. */
  rowOf(head: SessionHead): Row | undefined {
    const isCurrent = head.senderHigh === this.#remoteHigh && head.senderLow === this.#remoteLow;
    const isNext = !isCurrent && this.#isRemoteNext(head.senderHigh, head.senderLow);
    const receiver = head.receiverHigh * 0x1_0000_0000 + head.receiverLow;
    if (isCurrent && receiver === this.local - 1) return 0;
    if (isNext && receiver === this.local) return 1;
    if (isNext && receiver === this.local - 1) return 2;
    if (isCurrent && receiver === this.local) return 3;
    return undefined;
  }

  isNewNonce(row: Row, head: SessionHead): boolean {
    return this.#opener(row).window.isNew(head.nonceHigh, head.nonceLow);
  }

  /** The key that opens a row; undefined when the peer chose a key that gives none. */
  openKey(row: Row): Uint8Array | undefined {
    const opener = this.#opener(row);
    const theirs = row === 0 || row === 3 ? this.#current : this.#remoteNext;
    const ours = row === 1 || row === 3 ? this.send : this.#recv;
    opener.shared ??= this.#context.crypto.boxShared(theirs, ours.privateKey);
    return opener.shared;
  }

  /** Whether opening a packet of this row would replace keys. */
  wouldRatchet(row: Row): boolean {
    return row !== 0 && this.#context.nowMs - this.#ratchetedMs >= RATCHET_MS;
  }

  /** An authentic packet has been opened. `inner` is the next key of the sender, 32 octets. */
  opened(row: Row, nonceHigh: number, nonceLow: number, inner: Uint8Array): void {
    this.#opener(row).window.accept(nonceHigh, nonceLow);
    this.isConfirmed = true;
    this.lastActiveMs = this.#context.nowMs;
    this.lastOpenedMs = this.#context.nowMs;
    if (!this.wouldRatchet(row)) return;
    this.#ratchetedMs = this.#context.nowMs;
    this.keysMs = this.#context.nowMs;
    if (row === 1) this.#ratchet(inner);
    else if (row === 2) this.#follow(inner);
    else this.#lead();
  }

  /** The key that seals; undefined when the peer chose a key that gives none. */
  sealKey(): Uint8Array | undefined {
    this.#sendShared ??= this.#context.crypto.boxShared(this.#current, this.send.privateKey);
    return this.#sendShared;
  }

  /** Counts up to the nonce of the next packet, which `headSize` and `writeHead` then use. */
  nextNonce(): number {
    this.#sendNonce++;
    return this.#sendNonce;
  }

  headSize(): number {
    const { high, low } = { high: Math.floor(this.#sendNonce / 0x1_0000_0000), low: this.#sendNonce >>> 0 };
    return 1 + uvarintSize(0, this.local) + uvarintSize(this.#remoteHigh, this.#remoteLow) + uvarintSize(high, low);
  }

  writeHead(target: Uint8Array, at: number): void {
    const writer = new Writer(target, at).u8(SESSION.traffic).uvarint(this.local);
    writer.uvarintHalves(this.#remoteHigh, this.#remoteLow).uvarint(this.#sendNonce);
  }

  wipe(): void {
    for (const pair of [this.#recv, this.send, this.next]) pair.privateKey.fill(0);
    this.#sendShared?.fill(0);
    for (const opener of this.#openers) opener.shared?.fill(0);
  }

  /** Both sides move one key on (section 5.5). */
  #ratchet(inner: Uint8Array): void {
    const [, nextSend] = this.#openers;
    this.#advanceRemote(inner);
    this.#advance();
    this.#keep(nextSend, undefined, undefined);
    this.#sendNonce = 0;
  }

  /**
   * The peer moves one key on, we do not: it has not seen our send key in use, and could not open what is sealed with the
   * one after that. The reference moves both, and loses what follows until the next handshake.
   */
  #follow(inner: Uint8Array): void {
    const [, nextSend, nextRecv] = this.#openers;
    this.#advanceRemote(inner);
    this.#keep(nextRecv, undefined, nextSend);
    this.#forgetSealKey();
  }

  /** We move one key on, the peer has not. */
  #lead(): void {
    const [, nextSend, , currentSend] = this.#openers;
    this.#advance();
    this.#keep(currentSend, nextSend, undefined);
  }

  #advance(): void {
    this.#recv.privateKey.fill(0);
    this.#recv = this.send;
    this.send = this.next;
    this.next = newPair(this.#context);
    this.local++;
    this.#forgetSealKey();
  }

  #advanceRemote(inner: Uint8Array): void {
    this.#current = this.#remoteNext;
    this.#remoteNext = inner.slice();
    if (this.#remoteLow === 0xffff_ffff) {
      this.#remoteLow = 0;
      this.#remoteHigh = (this.#remoteHigh + 1) >>> 0;
    } else this.#remoteLow++;
  }

  #forgetSealKey(): void {
    this.#sendShared?.fill(0);
    this.#sendShared = undefined;
  }

  /** The openers of rows 0, 2 and 3 from now on, where the same pair of keys was in another row; the rest is new. */
  #keep(current: Opener | undefined, nextRecv: Opener | undefined, currentSend: Opener | undefined): void {
    const before = this.#openers;
    const fresh = [current, undefined, nextRecv, currentSend].map((opener) => opener ?? newOpener());
    for (const opener of before) if (!fresh.includes(opener)) opener.shared?.fill(0);
    this.#openers = fresh;
  }

  #openerWithSend(theirs: Uint8Array): Opener | undefined {
    if (equalOctets(theirs, this.#current)) return this.#openers[3];
    return equalOctets(theirs, this.#remoteNext) ? this.#openers[1] : undefined;
  }

  #opener(row: Row): Opener {
    return this.#openers[row] as Opener;
  }

  #setRemote(keySeq: bigint): void {
    this.#remoteHigh = Number(keySeq >> 32n);
    this.#remoteLow = Number(keySeq & 0xffff_ffffn);
  }

  #isRemoteNext(high: number, low: number): boolean {
    if (this.#remoteLow === 0xffff_ffff) return low === 0 && high === (this.#remoteHigh + 1) >>> 0;
    return high === this.#remoteHigh && low === this.#remoteLow + 1;
  }
}

const ZERO_KEY = new Uint8Array(32);

export function newPair(context: Context): KeyPair {
  return context.crypto.x25519Pair(context.randomOctets(32));
}

function newOpener(): Opener {
  const window = new ReplayWindow(REPLAY_WINDOW);
  // The nonce zero is never valid (section 5.5).
  window.accept(0, 0);
  return { shared: undefined, window };
}
