/**
 * The keys of one session and how they advance (sections 5.3 to 5.5). `local` numbers our `send` key, `remote` the
 * peer's `current`; both count up as keys are replaced.
 */
import { uvarintSize, Writer } from '../../wire/cursor.ts';
import { type Handshake, SESSION, type SessionHead } from '../../wire/session.ts';
import type { Context } from '../context.ts';
import { addressForKey, subnetForKey } from '../identity.ts';
import { HANDSHAKE_HOLD_MS, RATCHET_MS, REPLAY_WINDOW, SPARE_OPENERS_MAX } from '../limits.ts';
import { compareOctets, equalOctets } from '../octetmap.ts';
import type { KeyPair, PublicKey } from '../port.ts';
import { ReplayWindow } from '../replay-window.ts';

/**
 * Which pair of keys opens a packet: current/recv, next/send, next/recv, current/send. The reference does not open the
 * last; it is what two of us send each other after each has followed the other.
 */
export type Row = 0 | 1 | 2 | 3;

/** A pair of keys, what they share, made when first needed, since it costs an X25519; and what it has opened. */
type Opener = {
  readonly theirs: Uint8Array;
  readonly ours: KeyPair;
  shared: Uint8Array | undefined;
  readonly window: ReplayWindow;
};

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
  /** When the last handshake left, and for how long no other follows: several at once make keys move past each other. */
  #toldMs = Number.NEGATIVE_INFINITY;
  #holdMs = 0;
  /** The number in that handshake, if it was an Init: whoever answers it with an Ack knows us by it. */
  #asked: number | undefined;
  #isNew = true;
  /** What our last Init took to be answered, or less: an earlier one may have been; 0: we have sent none. */
  readonly #roundTripMs: number;
  #recv: KeyPair;
  #current: Uint8Array = ZERO_KEY;
  #remoteNext: Uint8Array = ZERO_KEY;
  #remoteHigh = 0;
  #remoteLow = 0;
  #sendNonce = 0;
  #ratchetedMs = Number.NEGATIVE_INFINITY;
  /** One for each row, then those that may return. */
  #openers: readonly Opener[] = [];
  #sendShared: Uint8Array | undefined;
  readonly #context: Context;

  constructor(context: Context, key: PublicKey, send: KeyPair, next: KeyPair, seq: bigint, roundTripMs = 0) {
    this.#context = context;
    this.#roundTripMs = roundTripMs;
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
    this.#pairUp();
  }

  /**
   * Takes over an Init or Ack that is newer than the last one. The send nonce is kept (section 5.3). The reference moves one
   * key on with each; where several are on a slow path at once, it ends on a key that the other side has never heard of.
   * Ours moves on at the first, and when an Init was answered: then the reference opens nothing but the key after the one
   * in the Init.
   */
  update(handshake: Handshake, isAck: boolean): void {
    this.seq = handshake.seq;
    this.#current = handshake.current.slice();
    this.#remoteNext = handshake.next.slice();
    this.#setRemote(handshake.keySeq);
    if (this.#isNew || (isAck && this.#asked === this.local)) this.#advance();
    this.#isNew = false;
    this.keysMs = this.#context.nowMs;
    this.#forgetSealKey();
    this.#pairUp();
    this.lastActiveMs = this.#context.nowMs;
  }

  /** False: the last handshake is still on its way, as far as we know, and what comes now was sent before it was read. */
  get mayTell(): boolean {
    return this.#context.nowMs >= this.#toldMs + this.#holdMs;
  }

  /** The same of an answer to this Init. Where two cross, the higher key answers; and whoever begins anew is answered. */
  mayAnswer({ current, keySeq }: Handshake): boolean {
    if (this.mayTell || (keySeq === 0n && !equalOctets(current, this.#current))) return true;
    return this.#asked !== undefined && compareOctets(this.#context.key, this.key) > 0;
  }

  /** A handshake with our `send` key leaves. */
  told(isInit: boolean): void {
    const { nowMs } = this.#context;
    const { first, firstMax, cap, forget } = HANDSHAKE_HOLD_MS;
    const isQuiet = nowMs - this.#toldMs >= forget;
    this.#holdMs = isQuiet ? clamp(this.#roundTripMs, first, firstMax) : Math.min(2 * this.#holdMs, cap);
    this.#toldMs = nowMs;
    this.#asked = isInit ? this.local : undefined;
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
    opener.shared ??= this.#context.crypto.boxShared(opener.theirs, opener.ours.privateKey);
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
    this.#advanceRemote(inner);
    this.#advance();
    this.#pairUp();
    this.#sendNonce = 0;
  }

  /**
   * The peer moves one key on, we do not: it has not seen our send key in use, and could not open what is sealed with the
   * one after that. The reference moves both, and loses what follows until the next handshake.
   */
  #follow(inner: Uint8Array): void {
    this.#advanceRemote(inner);
    this.#forgetSealKey();
    this.#pairUp();
  }

  /** We move one key on, the peer has not. */
  #lead(): void {
    this.#advance();
    this.#pairUp();
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

  /**
   * The openers of all rows, by the keys of now, and after them those that a later handshake can bring back: it may have
   * left before the traffic that moved the peer's keys on. A pair that was there before, in whatever row, is the same opener:
   * what it has opened must not be opened again.
   */
  #pairUp(): void {
    const before = this.#openers;
    const pair = (theirs: Uint8Array, ours: KeyPair): Opener =>
      before.find((one) => one.ours === ours && equalOctets(one.theirs, theirs)) ?? newOpener(theirs, ours);
    const [current, next, recv, send] = [this.#current, this.#remoteNext, this.#recv, this.send];
    const rows = [pair(current, recv), pair(next, send), pair(next, recv), pair(current, send)];
    const mayReturn = ({ ours, shared }: Opener) => shared !== undefined && (ours === recv || ours === send);
    const kept = before.filter((one) => !rows.includes(one) && mayReturn(one)).slice(0, SPARE_OPENERS_MAX);
    this.#openers = [...rows, ...kept];
    for (const opener of before) if (!this.#openers.includes(opener)) opener.shared?.fill(0);
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

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

const ZERO_KEY = new Uint8Array(32);

export function newPair(context: Context): KeyPair {
  return context.crypto.x25519Pair(context.randomOctets(32));
}

function newOpener(theirs: Uint8Array, ours: KeyPair): Opener {
  const window = new ReplayWindow(REPLAY_WINDOW);
  // The nonce zero is never valid (section 5.5).
  window.accept(0, 0);
  return { theirs, ours, shared: undefined, window };
}
