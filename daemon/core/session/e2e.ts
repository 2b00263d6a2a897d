/** All end-to-end sessions of a node (link document, part B): who has one, when keys change, what keeps them alive. */
import { COMPRESSED } from '../../wire/compressed.ts';
import { E2E, E2E_ASK, isAsk } from '../../wire/e2e.ts';
import { SUPER_PACKET } from '../../wire/super-packet.ts';
import type { Context } from '../context.ts';
import {
  E2E_CONFIRM_WAIT_MS,
  E2E_IDLE_MS,
  E2E_PREVIOUS_HOLD_MS,
  E2E_REKEY_MS,
  E2E_REKEY_RESPONDER_MS,
  E2E_SECONDS_PER_PEER,
  REKEY_AFTER_RECORDS,
  SLOW_PATH_MS,
} from '../limits.ts';
import type { TransportKeys } from '../noise.ts';
import { compareOctets, OctetMap } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import type { PublicKey } from '../port.ts';
import { Compression } from './compression.ts';
import { type AnswerPorts, E2eAnswerer } from './e2e-answerer.ts';
import { E2eDialer } from './e2e-dialer.ts';
import { E2eHandshakes } from './e2e-handshake.ts';
import { type Agreed, E2eKeys } from './e2e-keys.ts';
import { E2ePeer } from './e2e-peer.ts';
import { E2eRecords } from './e2e-records.ts';
import type { SessionRoom } from './session-room.ts';

const NEVER = Number.POSITIVE_INFINITY;
const NOTHING: Uint8Array = new Uint8Array(0);

export type E2eUser = {
  /** An application packet `buffer[at..end)`, type octet first. */
  packet(peer: E2ePeer, buffer: Uint8Array, at: number, end: number): void;
  /** A packet behind its virtio header, `buffer[at..end)` both, from a peer that agreed to send such; not yet looked at. */
  superPacket(peer: E2ePeer, buffer: Uint8Array, at: number, end: number): void;
  isAcquainted(key: PublicKey): boolean;
  /** The other side holds the keys: traffic moves here. */
  established(peer: E2ePeer): void;
  /** No answer to our first messages. */
  suspected(peer: E2ePeer): void;
};

export class E2eSessions {
  readonly #context: Context;
  readonly #user: E2eUser;
  readonly #records: E2eRecords;
  readonly #dialer: E2eDialer;
  readonly #answerer: E2eAnswerer;
  readonly #peers: OctetMap<E2ePeer>;
  readonly #room: SessionRoom;
  readonly #compression: Compression;
  /** Those we ask again. */
  readonly #repeating = new Set<E2ePeer>();

  constructor(context: Context, room: SessionRoom, router: AnswerPorts, user: E2eUser) {
    this.#context = context;
    this.#room = room;
    this.#user = user;
    this.#compression = new Compression(context);
    this.#peers = new OctetMap(32, context.hashSeed);
    room.add(this.#peers, (peer) => this.#remove(peer));
    this.#records = new E2eRecords(context, router, {
      record: (keys, buffer, at, end) => this.#record(keys, buffer, at, end),
    });
    const handshakes = new E2eHandshakes(context);
    this.#dialer = new E2eDialer(context, handshakes, router, {
      isSidTaken: (sid) => this.#records.has(sid),
      answered: (peer, agreed, keys) => this.#answered(peer, agreed, keys),
      suspected: (peer) => user.suspected(peer),
    });
    this.#answerer = new E2eAnswerer(context, handshakes, router, {
      isSidTaken: (sid) => this.#records.has(sid) || this.#dialer.has(sid),
      isAcquainted: (key) => user.isAcquainted(key),
      peer: (key) => this.#peers.get(key),
      newPeer: (key) => this.#newPeer(key),
      newKeys: (peer, agreed, keys) => this.#newKeys(peer, agreed, keys, false),
      yield: (peer) => this.#dialer.stop(peer),
      forget: (keys) => this.#records.remove(keys),
    });
  }

  get isIdle(): boolean {
    return this.#records.isIdle;
  }

  values(): IterableIterator<E2ePeer> {
    return this.#peers.values();
  }

  get(key: PublicKey): E2ePeer | undefined {
    return this.#peers.get(key);
  }

  /** Begins a handshake unless it is under way; gives the peer, or undefined if there is no room. `trialMs` as `E2eDialer.start`. */
  dial(key: PublicKey, trialMs?: number): E2ePeer | undefined {
    const peer = this.#peers.get(key) ?? this.#newPeer(key);
    if (peer === undefined) this.#context.stats.drop('sessions full');
    else this.#dialer.start(peer, trialMs);
    return peer;
  }

  /** Seals a packet of a peer that has keys to seal; false: it has none. The packet must stay until `settle`. */
  send(peer: E2ePeer, buffer: Uint8Array, at: number, length: number): boolean {
    const keys = peer.sealing(this.#context.nowMs);
    if (keys === undefined) return false;
    const from = keys.isCompressing ? this.#compression.compress(keys, buffer, at, at + length) : at;
    if (this.#records.send(keys, buffer, from, at + length - from)) peer.packetSent(length, this.#context.nowMs);
    return true;
  }

  /** The same for a `SUPER_PACKET`; false also: the peer has not agreed to take it, or the path is slow. */
  sendSuperPacket(peer: E2ePeer, buffer: Uint8Array, at: number, length: number): boolean {
    const { current } = peer;
    if (current?.hasSuperPackets !== true || current.isCompressing) return false;
    return this.send(peer, buffer, at, length);
  }

  /** A payload from the router that begins with one of `E2E`. */
  received(buffer: Uint8Array, sourceAt: number, at: number, end: number): void {
    const type = buffer[at];
    if (type === E2E.data) return this.#records.received(buffer, sourceAt, at, end);
    if (type === E2E.short) return this.#records.shortReceived(this.#peers.get(buffer, sourceAt), buffer, at, end);
    // Keys change with these: what came before is opened first.
    this.#records.settle();
    if (type === E2E.first) this.#answerer.firstReceived(buffer, sourceAt, at, end);
    else this.#dialer.secondReceived(buffer, sourceAt, at, end);
  }

  settle(): void {
    this.#records.settle();
  }

  timer(nowMs: number): void {
    this.#dialer.timer(nowMs);
    for (const peer of [...this.#repeating]) {
      if (nowMs >= peer.repeatAtMs) this.#repeat(peer);
      this.#context.timers.arm(peer.repeatAtMs);
    }
  }

  /** Once a second. */
  expire(): void {
    this.settle();
    const { nowMs } = this.#context;
    for (const peer of [...this.#peers.values()]) {
      this.#answerer.withdraw(peer, (offer) => nowMs >= offer.expiresAtMs);
      this.#dropOldKeys(peer, nowMs);
      if (peer.current !== undefined && this.#wantsKeys(peer, peer.current, nowMs)) this.#dialer.start(peer);
      if (peer.wantsQuestion(nowMs)) this.#ask(peer);
      peer.hasSent = false;
      const idleMs = E2E_IDLE_MS * (peer.current?.lifeMax ?? 1);
      const isIdle = nowMs - peer.lastActiveMs >= idleMs && nowMs >= peer.quietUntilMs;
      const isUseless = peer.current === undefined && peer.offers.length === 0 && nowMs >= peer.quietUntilMs;
      if (peer.series === undefined && (isIdle || isUseless)) this.#remove(peer);
    }
  }

  /** The operator's, or the peer's, wish. */
  remove(peer: E2ePeer): void {
    this.settle();
    this.#remove(peer);
  }

  #record(keys: E2eKeys, buffer: Uint8Array, at: number, end: number): void {
    const { peer } = keys;
    if (this.#answerer.confirmed(keys)) {
      this.#dialer.stop(peer);
      this.#install(peer, keys);
      this.#establish(peer);
      // What the initiator waits for.
      if (keys.sealed === 0) this.#records.send(keys, NOTHING, 0, 0);
    } else if (keys === peer.current && peer.repeatAtMs !== NEVER) {
      this.#stopRepeating(peer);
      // Two answers were late: one alone may have waited for somebody's load.
      if (Math.min(peer.rttMs, this.#context.nowMs - peer.askedMs) >= SLOW_PATH_MS) keys.goSlow();
      this.#establish(peer);
    }
    if (keys === peer.current && peer.previousUntilMs === NEVER)
      peer.previousUntilMs = this.#context.nowMs + E2E_PREVIOUS_HOLD_MS * keys.life;
    if (at === end) return peer.answeredOnly();
    if (isAsk(buffer, at, end)) return this.#answer(peer);
    peer.packetReceived(end - at, this.#context.nowMs);
    const type = buffer[at] as number;
    if (type === SUPER_PACKET && keys.hasSuperPackets) this.#user.superPacket(peer, buffer, at + 1, end);
    else if (type >= COMPRESSED && keys.hasCompression) this.#expand(keys, buffer, at, end);
    else this.#user.packet(peer, buffer, at, end);
  }

  #expand(keys: E2eKeys, buffer: Uint8Array, at: number, end: number): void {
    const compression = this.#compression;
    if (!compression.expand(keys, buffer, at, end) || compression.packet === undefined) return;
    const { packet, size } = compression;
    this.#user.packet(keys.peer, packet.octets, 0, size);
    this.#context.pool.give(packet);
  }

  #answered(peer: E2ePeer, agreed: Agreed, transport: TransportKeys): void {
    const keys = this.#newKeys(peer, agreed, transport, true);
    if (compareOctets(this.#context.key, peer.key) < 0) this.#answerer.withdraw(peer);
    this.#install(peer, keys);
    this.#establish(peer);
    peer.repeatAtMs = this.#context.nowMs;
    peer.askedMs = this.#context.nowMs;
    this.#repeating.add(peer);
    if (keys.sealed === 0) this.#repeat(peer);
    else this.#repeatLater(peer);
  }

  #establish(peer: E2ePeer): void {
    peer.isSuspect = false;
    peer.isSuspectCounted = false;
    peer.contraryMs = NEVER;
    this.#user.established(peer);
  }

  #install(peer: E2ePeer, keys: E2eKeys): void {
    if (peer.previous !== undefined) this.#records.remove(peer.previous);
    peer.previous = peer.current;
    peer.previousUntilMs = NEVER;
    peer.current = keys;
    keys.isLasting = peer.previous?.isCompressing === true;
    // What the old keys were not answered for is no fault of the new ones.
    peer.unansweredSinceMs = NEVER;
  }

  #newKeys(peer: E2ePeer, agreed: Agreed, keys: TransportKeys, isInitiator: boolean): E2eKeys {
    const { nowMs } = this.#context;
    const [octet = 0] = this.#context.randomOctets(1);
    const rekeyMs = isInitiator ? E2E_REKEY_MS * (1 - octet / 2_560) : E2E_REKEY_RESPONDER_MS;
    const made = new E2eKeys(peer, agreed, keys, isInitiator, { bornMs: nowMs, rekeyMs });
    this.#records.add(made);
    return made;
  }

  #wantsKeys(peer: E2ePeer, keys: E2eKeys, nowMs: number): boolean {
    if (peer.isSilent(nowMs)) return true;
    // Its offer may have expired before our first record came.
    if (keys.isInitiator && !keys.isProven && nowMs - keys.bornMs >= E2E_CONFIRM_WAIT_MS) return true;
    const isOld = keys.isOld(nowMs) || keys.sealed >= REKEY_AFTER_RECORDS;
    // The responder leaves it to the initiator, unless it has something to say.
    return isOld && (keys.isInitiator ? peer.lastActiveMs > keys.bornMs : peer.hasSent);
  }

  #dropOldKeys(peer: E2ePeer, nowMs: number): void {
    if (peer.previous !== undefined && (nowMs >= peer.previousUntilMs || peer.previous.isOver(nowMs))) {
      this.#records.remove(peer.previous);
      peer.previous = undefined;
    }
    const { current } = peer;
    if (current?.isOver(nowMs) === true) {
      this.#records.remove(current);
      peer.current = undefined;
      this.#stopRepeating(peer);
    }
  }

  #repeat(peer: E2ePeer): void {
    this.#ask(peer);
    this.#repeatLater(peer);
  }

  #repeatLater(peer: E2ePeer): void {
    peer.repeatAtMs = this.#context.nowMs + peer.askEveryMs;
    this.#context.timers.arm(peer.repeatAtMs);
  }

  #stopRepeating(peer: E2ePeer): void {
    peer.repeatAtMs = NEVER;
    this.#repeating.delete(peer);
  }

  #ask(peer: E2ePeer): void {
    const { current } = peer;
    peer.askedMs = this.#context.nowMs;
    if (current?.maySeal(this.#context.nowMs) === true) this.#records.send(current, E2E_ASK, 0, E2E_ASK.length);
  }

  #answer({ current }: E2ePeer): void {
    if (current?.maySeal(this.#context.nowMs) === true) this.#records.send(current, NOTHING, 0, 0);
  }

  #newPeer(key: PublicKey): E2ePeer | undefined {
    if (!this.#room.make()) return undefined;
    const { nowMs } = this.#context;
    const peer = new E2ePeer(key, new Bucket(E2E_SECONDS_PER_PEER, nowMs), nowMs);
    this.#peers.set(key, peer);
    return peer;
  }

  #remove(peer: E2ePeer): void {
    this.#dialer.stop(peer);
    this.#answerer.withdraw(peer);
    this.#stopRepeating(peer);
    for (const keys of [peer.current, peer.previous]) if (keys !== undefined) this.#records.remove(keys);
    peer.current = undefined;
    peer.previous = undefined;
    this.#peers.delete(peer.key);
  }
}
