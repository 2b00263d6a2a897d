/**
 * All sessions of a node: application packets in, sealed payloads out to the router, and back (section 5). Boxes are
 * sealed and opened in batches: nothing that was handed out is complete before `settle`.
 */
import { HANDSHAKE_SIZE, readSessionHead, SESSION, sessionHead } from '../../wire/session.ts';
import type { Context } from '../context.ts';
import {
  INIT_RESEND_MS,
  INIT_RESEND_SLOW_MS,
  JOBS_MAX,
  RESCUE_INIT_PER_KEY_MS,
  SESSION_BUFFER_LIFE_MS,
  SESSION_BUFFERS_MAX,
  SESSION_LIFE_MS,
  SESSIONS_HALF_OPEN,
} from '../limits.ts';
import { OctetMap } from '../octetmap.ts';
import { type BoxJobs, type PublicKey, publicKey } from '../port.ts';
import { type HandshakeKeys, Handshakes } from './handshake.ts';
import { addJob, clearJobs, newJobs } from './jobs.ts';
import { newPair, type Row, Session } from './session.ts';
import { longestIdle, type SessionRoom } from './session-room.ts';

/** Octets that must be free before an application packet given to `send`: the inner key. */
export const SEND_HEADROOM = 32;
const TAG = 16;
const INNER = 32;

export type SessionPorts = {
  /** As `Router.begin`: where the payload goes is then in `target`, `targetAt`. */
  begin(dest: PublicKey, size: number, isRecord?: boolean): boolean;
  readonly target: Uint8Array;
  readonly targetAt: number;
  /** The payload of the last `begin` leaves through a radio of ours. */
  readonly isOverRadio?: boolean;
  /** As `Router.slowMs`. */
  slowMs?(dest: PublicKey): number | undefined;
};

export type SessionUser = {
  /** An application packet `buffer[at..end)`, type octet first, from the session's peer. */
  packet(session: Session, buffer: Uint8Array, at: number, end: number): void;
  /** Once for each session, when packets can go: before the first of ours, or when the first of theirs was read. */
  up(session: Session): void;
};

/** The latest packet for a peer whose session is being made, and the keys its Init carried. */
type Pending = {
  readonly key: PublicKey;
  packet: Uint8Array;
  keys: HandshakeKeys;
  readonly sinceMs: number;
  /** How often its Init has left, when last, and when it may again. */
  inits: number;
  sentMs: number;
  againAtMs: number;
  expiresAtMs: number;
};

export class Sessions {
  readonly #context: Context;
  readonly #router: SessionPorts;
  readonly #user: SessionUser;
  readonly #handshakes: Handshakes;
  readonly #sessions: OctetMap<Session>;
  readonly #pending: OctetMap<Pending>;
  readonly #head = sessionHead();
  readonly #seal: BoxJobs = newJobs();
  readonly #open: BoxJobs = newJobs();
  readonly #openSessions: Session[] = [];
  readonly #openRows: Row[] = [];
  readonly #room: SessionRoom;
  #halfOpen = 0;

  constructor(context: Context, room: SessionRoom, router: SessionPorts, user: SessionUser) {
    this.#context = context;
    this.#room = room;
    this.#router = router;
    this.#user = user;
    this.#handshakes = new Handshakes(context);
    this.#sessions = new OctetMap(32, context.hashSeed);
    this.#pending = new OctetMap(32, context.hashSeed);
    room.add(this.#sessions, (session) => this.#remove(session));
  }

  get isIdle(): boolean {
    return this.#seal.count === 0 && this.#open.count === 0;
  }

  has(key: PublicKey): boolean {
    return this.#sessions.has(key);
  }

  isConfirmed(key: PublicKey): boolean {
    return this.#sessions.get(key)?.isConfirmed === true;
  }

  get(key: PublicKey): Session | undefined {
    return this.#sessions.get(key);
  }

  /** For how long a first message of ours has had no answer; undefined: there is none. */
  waitingMs(key: PublicKey): number | undefined {
    const pending = this.#pending.get(key);
    return pending === undefined ? undefined : this.#context.nowMs - pending.sinceMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  /**
   * Sends the application packet `buffer[at..at+length)`, type octet first; `SEND_HEADROOM` octets before it are
   * overwritten, and all of it must stay until `settle`.
   */
  send(dest: PublicKey, buffer: Uint8Array, at: number, length: number): void {
    const session = this.#sessions.get(dest);
    if (session === undefined) this.#sendLater(dest, buffer.slice(at, at + length));
    else this.#sendOn(session, buffer, at, length);
  }

  /** A payload from the router. */
  received(buffer: Uint8Array, sourceAt: number, at: number, end: number): void {
    const type = buffer[at];
    if (at >= end) return this.#context.stats.drop('session packet unknown');
    if (type === SESSION.traffic) return this.#trafficReceived(buffer, sourceAt, at, end);
    if (type !== SESSION.init && type !== SESSION.ack) return this.#context.stats.drop('session packet unknown');
    this.settle();
    this.#handshakeReceived(type, publicKey(buffer.slice(sourceAt, sourceAt + 32)), buffer, at, end);
  }

  /** Seals and opens what has gathered. */
  settle(): void {
    while (this.#seal.count > 0 || this.#open.count > 0) {
      this.#sealAll();
      this.#openAll();
    }
  }

  /** Once a second. */
  expire(): void {
    this.settle();
    const { nowMs } = this.#context;
    for (const session of [...this.#sessions.values()]) {
      if (nowMs - session.lastActiveMs >= SESSION_LIFE_MS) this.#remove(session);
    }
    for (const pending of [...this.#pending.values()]) {
      if (pending.expiresAtMs <= nowMs) this.#pending.delete(pending.key);
    }
  }

  #sendOn(session: Session, buffer: Uint8Array, at: number, length: number): void {
    const key = session.sealKey();
    if (key === undefined) return this.#context.stats.drop('session unreadable');
    const nonce = session.nextNonce();
    const head = session.headSize();
    if (!this.#router.begin(session.key, head + TAG + INNER + length)) return;
    const { target, targetAt } = this.#router;
    session.writeHead(target, targetAt);
    buffer.set(session.next.publicKey, at - INNER);
    addJob(
      this.#seal,
      buffer,
      at - INNER,
      INNER + length,
      target,
      targetAt + head,
      key,
      Math.floor(nonce / 0x1_0000_0000),
      nonce >>> 0,
    );
    session.bytesSent += length;
    session.lastActiveMs = this.#context.nowMs;
    this.#context.stats.count('packetsSealed');
    if (this.#seal.count === JOBS_MAX) this.#sealAll();
  }

  #sendLater(dest: PublicKey, packet: Uint8Array): void {
    const { nowMs, stats } = this.#context;
    let pending = this.#pending.get(dest);
    if (pending === undefined) {
      if (this.#pending.size >= SESSION_BUFFERS_MAX) return stats.drop('session buffers full');
      const keys = { send: newPair(this.#context), next: newPair(this.#context), local: 0 };
      pending = { key: dest, packet, keys, sinceMs: nowMs, inits: 0, sentMs: nowMs, againAtMs: nowMs, expiresAtMs: 0 };
      this.#pending.set(dest, pending);
    } else stats.drop('session packet replaced');
    pending.packet = packet;
    pending.expiresAtMs = nowMs + SESSION_BUFFER_LIFE_MS;
    if (nowMs < pending.againAtMs) return;
    this.#sendHandshake(SESSION.init, dest, pending.keys, false);
    const { first, cap } = this.#router.isOverRadio === true ? INIT_RESEND_SLOW_MS : INIT_RESEND_MS;
    pending.againAtMs = nowMs + Math.min(first * 2 ** pending.inits, cap);
    pending.sentMs = nowMs;
    pending.inits++;
  }

  #trafficReceived(buffer: Uint8Array, sourceAt: number, at: number, end: number): void {
    const head = this.#head;
    const { stats } = this.#context;
    if (!readSessionHead(buffer, at + 1, end, head)) return stats.drop('session packet unknown');
    const session = this.#sessions.get(buffer, sourceAt);
    if (session === undefined) {
      stats.drop('session unreadable');
      return this.#rescue(publicKey(buffer.slice(sourceAt, sourceAt + 32)), undefined);
    }
    const row = session.rowOf(head);
    const key = row === undefined ? undefined : session.openKey(row);
    if (row === undefined || key === undefined) {
      stats.drop('session unreadable');
      return this.#rescue(session.key, session);
    }
    if (!session.isNewNonce(row, head)) return stats.drop('session replay');
    // Keys change with this packet: what came before is opened with the old ones, what follows sees the new.
    const isTurn = session.wouldRatchet(row);
    if (isTurn) this.settle();
    this.#openSessions[this.#open.count] = session;
    this.#openRows[this.#open.count] = row;
    const { boxAt, nonceHigh, nonceLow } = head;
    addJob(this.#open, buffer, boxAt, end - boxAt, buffer, boxAt + TAG, key, nonceHigh, nonceLow);
    if (isTurn || this.#open.count === JOBS_MAX) this.settle();
  }

  #sealAll(): void {
    if (this.#seal.count === 0) return;
    this.#context.crypto.box.seal(this.#seal);
    clearJobs(this.#seal);
  }

  #openAll(): void {
    const jobs = this.#open;
    const { count } = jobs;
    if (count === 0) return;
    this.#context.crypto.box.open(jobs);
    // What a packet causes may add jobs of either kind, so these columns are read before they are used again.
    jobs.count = 0;
    for (let i = 0; i < count; i++) this.#opened(i);
    clearJobs(jobs);
    this.#openSessions.length = 0;
  }

  #opened(i: number): void {
    const jobs = this.#open;
    const session = this.#openSessions[i] as Session;
    const row = this.#openRows[i] as Row;
    const buffer = jobs.targets[i] as Uint8Array;
    const at = jobs.targetOffsets[i] as number;
    const end = at + (jobs.lengths[i] as number) - TAG;
    const { stats } = this.#context;
    if (jobs.ok[i] !== 1) {
      stats.drop('session unreadable');
      return this.#rescue(session.key, session);
    }
    this.#head.nonceHigh = jobs.nonces[2 * i] as number;
    this.#head.nonceLow = jobs.nonces[2 * i + 1] as number;
    if (!session.isNewNonce(row, this.#head)) return stats.drop('session replay');
    // It may have been removed by what an earlier packet has caused.
    if (!session.isConfirmed && this.#sessions.get(session.key) === session) this.#halfOpen--;
    session.opened(row, this.#head.nonceHigh, this.#head.nonceLow, buffer.subarray(at, at + INNER));
    session.bytesReceived += end - at - INNER;
    stats.count('packetsOpened');
    this.#greet(session);
    this.#user.packet(session, buffer, at + INNER, end);
  }

  /** Something came that no key opens: offer keys, so that the next will. Bounded, since sources are forgeable. */
  #rescue(key: PublicKey, session: Session | undefined): void {
    const { stats } = this.#context;
    const leastMs = session === undefined ? RESCUE_INIT_PER_KEY_MS : INIT_RESEND_MS.first;
    const isHeld = session !== undefined && !session.mayTell;
    if (isHeld || !this.#handshakes.mayRescue(key, leastMs)) return stats.drop('session rescue rate');
    if (session !== undefined) return this.#tell(SESSION.init, session);
    const keys = { send: newPair(this.#context), next: newPair(this.#context), local: 0 };
    this.#sendHandshake(SESSION.init, key, keys, true);
  }

  #handshakeReceived(type: 1 | 2, source: PublicKey, buffer: Uint8Array, at: number, end: number): void {
    const { stats, nowMs } = this.#context;
    if (end - at !== HANDSHAKE_SIZE) return stats.drop('session handshake malformed');
    let session = this.#sessions.get(source);
    if (!this.#handshakes.mayOpen(source, session !== undefined)) return stats.drop('session handshake rate');
    const handshake = this.#handshakes.open(buffer, at);
    if (handshake === undefined) return;
    const isStale =
      session === undefined
        ? handshake.seq < this.#handshakes.highestSeq(source)
        : handshake.seq <= session.seq && nowMs - session.lastOpenedMs < SESSION_LIFE_MS;
    if (isStale) return stats.drop('session handshake stale');
    const isHeld = session !== undefined && handshake.seq > session.seq && !session.mayAnswer(handshake);
    if (type === SESSION.init && isHeld) return stats.drop('session handshake early');
    if (!this.#handshakes.isAuthentic(source, buffer.subarray(at + 1, at + 33), handshake)) {
      return stats.drop('session handshake signature invalid');
    }
    const isNew = session === undefined;
    // It knows the keys of our Init, unless others were thrown away. Where that left more than once more Acks will come.
    const inits = this.#handshakes.hasThrownAway(source) ? 0 : this.#pending.get(source)?.inits;
    const isSettled = type === SESSION.ack && inits !== undefined && inits > 1;
    if (session === undefined) {
      if (!this.#makeRoom()) return stats.drop('sessions full');
      session = this.#create(source, handshake.seq);
    }
    this.#handshakes.accepted(source, handshake.seq);
    session.update(handshake, type === SESSION.ack);
    if (type === SESSION.init || (isNew && !isSettled)) this.#tell(SESSION.ack, session);
    if (isNew) this.#sendPending(session);
  }

  #tell(type: 1 | 2, session: Session): void {
    session.told(type === SESSION.init);
    this.#sendHandshake(type, session.key, session, false);
  }

  #create(key: PublicKey, seq: bigint): Session {
    const context = this.#context;
    const pending = this.#pending.get(key);
    const { send, next } = pending?.keys ?? { send: newPair(context), next: newPair(context) };
    const roundTripMs = pending === undefined ? 0 : context.nowMs - pending.sentMs;
    const session = new Session(context, key, send, next, seq - 1n, roundTripMs);
    this.#sessions.set(key, session);
    this.#halfOpen++;
    this.#context.stats.count('sessionsOpened');
    this.#context.events.push({ kind: 'sessionOpened', key });
    return session;
  }

  #greet(session: Session): void {
    if (session.isGreeted) return;
    session.isGreeted = true;
    this.#user.up(session);
  }

  #sendPending(session: Session): void {
    const pending = this.#pending.get(session.key);
    if (pending === undefined) return;
    this.#pending.delete(session.key);
    this.#greet(session);
    this.#sendOn(session, withHeadroom(pending.packet), SEND_HEADROOM, pending.packet.length);
  }

  /** Half-open sessions have a smaller pool of their own. */
  #makeRoom(): boolean {
    if (!this.#room.make()) return false;
    if (this.#halfOpen < SESSIONS_HALF_OPEN) return true;
    const halfOpen = [...this.#sessions.values()].filter((session) => !session.isConfirmed);
    const oldest = longestIdle(halfOpen, this.#context.nowMs);
    if (oldest !== undefined) this.#remove(oldest);
    return oldest !== undefined;
  }

  #remove(session: Session): void {
    if (!session.isConfirmed) this.#halfOpen--;
    this.#sessions.delete(session.key);
    session.wipe();
    this.#context.events.push({ kind: 'sessionClosed', key: session.key });
  }

  #sendHandshake(type: 1 | 2, dest: PublicKey, keys: HandshakeKeys, isThrownAway: boolean): void {
    const message = this.#handshakes.make(type, dest, keys, isThrownAway);
    if (message === undefined) return this.#context.stats.drop('session unreadable');
    if (this.#router.begin(dest, message.length)) this.#router.target.set(message, this.#router.targetAt);
  }
}

/** A copy of the packet with `SEND_HEADROOM` octets before it. */
export function withHeadroom(packet: Uint8Array): Uint8Array {
  const roomy = new Uint8Array(SEND_HEADROOM + packet.length);
  roomy.set(packet, SEND_HEADROOM);
  return roomy;
}
