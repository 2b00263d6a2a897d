/**
 * The keys of one session and how they advance (sections 5.3 to 5.5). `local` numbers our `send` key, `remote` the
 * peer's `current`; both count up as keys are replaced.
 */
import { uvarintSize, Writer } from '../../wire/cursor.ts';
import { type Handshake, SESSION, type SessionHead } from '../../wire/session.ts';
import type { Context } from '../context.ts';
import { addressForKey, subnetForKey } from '../identity.ts';
import { RATCHET_MS } from '../limits.ts';
import type { KeyPair, PublicKey } from '../port.ts';
import { ReplayWindow } from './replay.ts';

/** Which pair of keys opens a packet: current/recv, next/send, next/recv. */
export type Row = 0 | 1 | 2;

export class Session {
  readonly key: PublicKey;
  readonly address: Uint8Array;
  readonly subnet: Uint8Array;
  readonly upSinceMs: number;
  bytesReceived = 0;
  bytesSent = 0;
  /** Readable traffic has come: the peer holds the keys. */
  isConfirmed = false;
  lastActiveMs: number;
  lastOpenedMs: number;
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
  #windows: [ReplayWindow, ReplayWindow, ReplayWindow] = freshWindows();
  /** Made when first needed: each costs an X25519. */
  #openShared: (Uint8Array | undefined)[] = [undefined, undefined, undefined];
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
    this.seq = seq;
    this.#recv = newPair(context);
    this.send = send;
    this.next = next;
  }

  /** Takes over an Init or Ack that is newer than the last one. The send nonce is kept (section 5.3). */
  update(handshake: Handshake): void {
    this.seq = handshake.seq;
    this.#current = handshake.current.slice();
    this.#remoteNext = handshake.next.slice();
    this.#setRemote(handshake.keySeq);
    this.#advance();
    this.#windows = freshWindows();
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
    return undefined;
  }

  isNewNonce(row: Row, head: SessionHead): boolean {
    return this.#windows[row].isNew(head.nonceHigh, head.nonceLow);
  }

  /** The key that opens a row; undefined when the peer chose a key that gives none. */
  openKey(row: Row): Uint8Array | undefined {
    const pair = row === 1 ? this.send : this.#recv;
    this.#openShared[row] ??= this.#context.crypto.boxShared(
      row === 0 ? this.#current : this.#remoteNext,
      pair.privateKey,
    );
    return this.#openShared[row];
  }

  /** Whether opening a packet of this row would replace keys. */
  wouldRatchet(row: Row): boolean {
    return row !== 0 && this.#context.nowMs - this.#ratchetedMs >= RATCHET_MS;
  }

  /** An authentic packet has been opened. `inner` is the next key of the sender, 32 octets. */
  opened(row: Row, nonceHigh: number, nonceLow: number, inner: Uint8Array): void {
    this.#windows[row].accept(nonceHigh, nonceLow);
    this.isConfirmed = true;
    this.lastActiveMs = this.#context.nowMs;
    this.lastOpenedMs = this.#context.nowMs;
    if (this.wouldRatchet(row)) this.#ratchet(inner);
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
    for (const shared of this.#openShared) shared?.fill(0);
  }

  /** Both sides move one key on (section 5.5). What the next keys have seen, the current ones have seen now. */
  #ratchet(inner: Uint8Array): void {
    this.#ratchetedMs = this.#context.nowMs;
    this.#current = this.#remoteNext;
    this.#remoteNext = inner.slice();
    if (this.#remoteLow === 0xffff_ffff) {
      this.#remoteLow = 0;
      this.#remoteHigh = (this.#remoteHigh + 1) >>> 0;
    } else this.#remoteLow++;
    const nextSend = this.#openShared[1];
    this.#openShared[1] = undefined;
    this.#advance();
    this.#openShared[0] = nextSend;
    this.#windows = [this.#windows[1], new ReplayWindow(), new ReplayWindow()];
    this.#sendNonce = 0;
  }

  #advance(): void {
    this.#recv.privateKey.fill(0);
    this.#recv = this.send;
    this.send = this.next;
    this.next = newPair(this.#context);
    this.local++;
    this.#sendShared?.fill(0);
    this.#sendShared = undefined;
    for (const shared of this.#openShared) shared?.fill(0);
    this.#openShared = [undefined, undefined, undefined];
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

function freshWindows(): [ReplayWindow, ReplayWindow, ReplayWindow] {
  return [new ReplayWindow(), new ReplayWindow(), new ReplayWindow()];
}
