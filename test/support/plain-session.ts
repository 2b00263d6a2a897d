/** A peer that keeps sessions as the protocol reference says of the daemon (sections 5.2 to 5.6), one peer at a time. */
import type { KeyPair } from '../../daemon/core/port.ts';
import { addJob, newJobs } from '../../daemon/core/session/jobs.ts';
import { Writer } from '../../daemon/wire/cursor.ts';
import {
  HANDSHAKE_BOX_AT,
  HANDSHAKE_INNER,
  HANDSHAKE_SIZE,
  type Handshake,
  handshakeSigned,
  readHandshake,
  writeHandshake,
} from '../../daemon/wire/session.ts';
import { Chance, crypto, type Identity, UNIX_MS } from './core.ts';
import { headOf } from './core-session.ts';

const TAG = 16;
const KEY = 32;
const INIT = 1;
const ACK = 2;
const TRAFFIC = 3;
const MINUTE = 60_000;

type State = {
  recv: KeyPair;
  send: KeyPair;
  next: KeyPair;
  /** L and Q. */
  local: bigint;
  remote: bigint;
  current: Uint8Array;
  remoteNext: Uint8Array;
  seq: bigint;
  sendNonce: number;
  /** Of the three rows. */
  highest: [bigint, bigint, bigint];
  ratchetedMs: number;
  usedMs: number;
};

export class PlainPeer {
  readonly self: Identity;
  outbox: Uint8Array[] = [];
  readonly inbox: string[] = [];
  nowMs = 0;
  readonly #chance: Chance;
  #session: State | undefined;
  #pending: { packet: Uint8Array; send: KeyPair; next: KeyPair; seq: bigint; usedMs: number } | undefined;

  constructor(self: Identity) {
    this.self = self;
    this.#chance = new Chance(self.seed[1] as number);
  }

  send(to: { readonly self: Identity }, text: string): void {
    const packet = Buffer.from(text, 'latin1');
    const session = this.#session;
    if (session !== undefined) return this.#seal(session, packet);
    this.#pending ??= { packet, send: this.#pair(), next: this.#pair(), seq: this.#now, usedMs: 0 };
    Object.assign(this.#pending, { packet, usedMs: this.nowMs });
    this.#tell(INIT, to.self, { ...this.#pending, local: 0n }, this.#pending.seq);
  }

  receive(from: Identity, ...payloads: Uint8Array[]): void {
    for (const payload of payloads) {
      if (payload[0] === TRAFFIC) this.#trafficReceived(from, payload);
      else if (payload.length === HANDSHAKE_SIZE) this.#handshakeReceived(from, payload);
    }
  }

  take(): Uint8Array[] {
    return this.outbox.splice(0);
  }

  passTime(ms: number): void {
    this.nowMs += ms;
    if (this.#session !== undefined && this.nowMs - this.#session.usedMs >= MINUTE) this.#session = undefined;
    if (this.#pending !== undefined && this.nowMs - this.#pending.usedMs >= MINUTE) this.#pending = undefined;
  }

  get #now(): bigint {
    return BigInt(Math.floor((UNIX_MS + this.nowMs) / 1_000));
  }

  #pair(): KeyPair {
    return crypto.x25519Pair(this.#chance.octets(KEY));
  }

  #tell(type: number, to: Identity, keys: Pick<State, 'send' | 'next' | 'local'>, seq = this.#now): void {
    const ephemeral = this.#pair();
    const fields = { current: keys.send.publicKey, next: keys.next.publicKey, keySeq: keys.local, seq };
    const sig = this.self.signer.sign(handshakeSigned(ephemeral.publicKey, fields));
    const form = crypto.x25519FromEd25519(to.key);
    const shared = form && crypto.boxShared(form, ephemeral.privateKey);
    const message = new Uint8Array(HANDSHAKE_SIZE);
    message[0] = type;
    message.set(ephemeral.publicKey, 1);
    const jobs = newJobs();
    addJob(
      jobs,
      writeHandshake({ ...fields, sig }),
      0,
      HANDSHAKE_INNER,
      message,
      HANDSHAKE_BOX_AT,
      shared as Uint8Array,
      0,
      0,
    );
    crypto.box.seal(jobs);
    this.outbox.push(message);
  }

  #handshakeReceived(from: Identity, message: Uint8Array): void {
    const shared = crypto.boxShared(message.subarray(1, HANDSHAKE_BOX_AT), this.self.signer.x25519Private);
    const inner = open(message, HANDSHAKE_BOX_AT, shared, 0);
    const handshake = inner && readHandshake(inner);
    if (handshake === undefined) return;
    const signed = handshakeSigned(message.subarray(1, HANDSHAKE_BOX_AT), handshake);
    if (!crypto.ed25519Verify(from.key, handshake.sig, signed)) return;
    const isNew = this.#session === undefined;
    this.#session ??= this.#newSession(handshake.seq - 1n);
    const session = this.#session;
    if (handshake.seq <= session.seq) return;
    update(session, handshake, this.#pair());
    session.usedMs = this.nowMs;
    if (isNew || message[0] === INIT) this.#tell(ACK, from, session);
    const pending = this.#pending;
    this.#pending = undefined;
    if (isNew && pending !== undefined) this.#seal(session, pending.packet);
  }

  #newSession(seq: bigint): State {
    const [recv, send, next] = [this.#pair(), this.#pending?.send ?? this.#pair(), this.#pending?.next ?? this.#pair()];
    const none = new Uint8Array(KEY);
    const numbers = {
      local: 0n,
      remote: 0n,
      seq,
      sendNonce: 0,
      ratchetedMs: Number.NEGATIVE_INFINITY,
      usedMs: this.nowMs,
    };
    return { recv, send, next, current: none, remoteNext: none, highest: [0n, 0n, 0n], ...numbers };
  }

  #seal(session: State, packet: Uint8Array): void {
    session.usedMs = this.nowMs;
    session.sendNonce++;
    const head = new Writer(new Uint8Array(32)).u8(TRAFFIC);
    const front = head.uvarint(session.local).uvarint(session.remote).uvarint(session.sendNonce).written();
    const message = new Uint8Array(front.length + TAG + KEY + packet.length);
    message.set(front);
    const plain = new Uint8Array([...session.next.publicKey, ...packet]);
    const shared = crypto.boxShared(session.current, session.send.privateKey) as Uint8Array;
    const jobs = newJobs();
    addJob(jobs, plain, 0, plain.length, message, front.length, shared, 0, session.sendNonce);
    crypto.box.seal(jobs);
    this.outbox.push(message);
  }

  #trafficReceived(from: Identity, message: Uint8Array): void {
    const session = this.#session;
    if (session === undefined) return this.#tell(INIT, from, { send: this.#pair(), next: this.#pair(), local: 0n });
    const { sender, receiver, nonce } = headOf(message);
    const { local, remote, current, remoteNext, recv, send, highest } = session;
    const isNext = sender === remote + 1n;
    const row =
      sender === remote && receiver === local - 1n
        ? 0
        : isNext && receiver === local
          ? 1
          : isNext && receiver === local - 1n
            ? 2
            : undefined;
    if (row === undefined) return this.#tell(INIT, from, session);
    if (nonce <= highest[row]) return;
    const shared = crypto.boxShared(row === 0 ? current : remoteNext, row === 1 ? send.privateKey : recv.privateKey);
    const boxAt = new Writer(new Uint8Array(32))
      .u8(TRAFFIC)
      .uvarint(sender)
      .uvarint(receiver)
      .uvarint(nonce)
      .written().length;
    const plain = open(message, boxAt, shared, Number(nonce));
    if (plain === undefined) return this.#tell(INIT, from, session);
    highest[row] = nonce;
    session.usedMs = this.nowMs;
    this.inbox.push(Buffer.from(plain.subarray(KEY)).toString('latin1'));
    if (row === 0 || this.nowMs - session.ratchetedMs <= MINUTE) return;
    Object.assign(session, {
      ratchetedMs: this.nowMs,
      current: remoteNext,
      remoteNext: plain.slice(0, KEY),
      remote: remote + 1n,
      sendNonce: 0,
      highest: [nonce, 0n, 0n],
    });
    advance(session, this.#pair());
  }
}

function update(session: State, { current, next, keySeq, seq }: Handshake, made: KeyPair): void {
  Object.assign(session, { current, remoteNext: next, remote: keySeq, seq, highest: [0n, 0n, 0n] });
  advance(session, made);
}

function advance(session: State, made: KeyPair): void {
  Object.assign(session, { recv: session.send, send: session.next, next: made, local: session.local + 1n });
}

function open(message: Uint8Array, at: number, shared: Uint8Array | undefined, nonce: number): Uint8Array | undefined {
  if (shared === undefined) return undefined;
  const plain = new Uint8Array(message.length - at - TAG);
  const jobs = newJobs();
  addJob(jobs, message, at, message.length - at, plain, 0, shared, 0, nonce);
  crypto.box.open(jobs);
  return jobs.ok[0] === 1 ? plain : undefined;
}
