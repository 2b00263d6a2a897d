/**
 * Which session a packet takes (link document, section 19): end-to-end where both sides speak it, otherwise the one that
 * every node speaks. Whoever reads a hello and has the lower key begins.
 */
import { E2E, E2E_VERSION, readHello, writeHello } from '../../wire/e2e.ts';
import { APP } from '../../wire/query.ts';
import type { Context } from '../context.ts';
import type { SessionFacts } from '../explain/facts.ts';
import { E2E_ALARM_MS, E2E_ASK_AFTER, E2E_HELLO_AGAIN_MS, E2E_TRIAL } from '../limits.ts';
import { compareOctets } from '../octetmap.ts';
import type { Look, PublicKey, SessionInfo } from '../port.ts';
import { Ranking } from '../ranking.ts';
import { E2eSessions } from './e2e.ts';
import type { AnswerPorts } from './e2e-answerer.ts';
import { featuresOf } from './e2e-handshake.ts';
import type { E2eKeys } from './e2e-keys.ts';
import { KnownKeys } from './e2e-memory.ts';
import type { E2ePeer } from './e2e-peer.ts';
import type { Session } from './session.ts';
import { SessionRoom } from './session-room.ts';
import { SEND_HEADROOM, Sessions, withHeadroom } from './sessions.ts';

/** The other end of a session of either kind. */
export type Channel = Pick<Session | E2ePeer, 'key' | 'address' | 'subnet'>;

export type ChannelUser = {
  /** An application packet `buffer[at..end)`, type octet first. */
  packet(channel: Channel, buffer: Uint8Array, at: number, end: number): void;
  /** As `E2eUser.superPacket`. */
  superPacket(channel: Channel, buffer: Uint8Array, at: number, end: number): void;
};

export class Channels {
  readonly sessions: Sessions;
  readonly e2e: E2eSessions;
  readonly #context: Context;
  readonly #router: AnswerPorts;
  readonly #known: KnownKeys;
  readonly #user: ChannelUser;
  readonly #ranking = new Ranking<Session | E2ePeer>(({ bytesReceived, bytesSent }) => bytesReceived + bytesSent);
  /** Said that they speak e2e and have the lower key, so that they should begin; and until when they may take to. */
  readonly #expected = new Map<Session, number>();

  constructor(context: Context, router: AnswerPorts, user: ChannelUser) {
    this.#context = context;
    this.#router = router;
    this.#user = user;
    this.#known = new KnownKeys(context);
    const room = new SessionRoom(context);
    this.sessions = new Sessions(context, room, router, {
      packet: (session, buffer, at, end) => this.#packet(session, buffer, at, end),
      up: (session) => this.#sendHello(session),
    });
    this.e2e = new E2eSessions(context, room, router, {
      packet: (peer, buffer, at, end) => user.packet(peer, buffer, at, end),
      superPacket: (peer, buffer, at, end) => user.superPacket(peer, buffer, at, end),
      isAcquainted: (key) => this.#known.has(key) || this.sessions.has(key),
      established: (peer) => this.#established(peer),
      suspected: (peer) => this.#fallBack(peer),
    });
  }

  snapshot(): SessionInfo[] {
    return this.#carrying().map((session) => infoOf(session, this.#context.nowMs));
  }

  /** At most so many. */
  busiest(most: number): Look<SessionInfo> {
    const { nowMs } = this.#context;
    const sessions = this.#carrying();
    const rows = this.#ranking.busiest(sessions, most, nowMs).map((session) => infoOf(session, nowMs));
    return { rows, total: sessions.length };
  }

  #carrying(): (Session | E2ePeer)[] {
    const carrying: (Session | E2ePeer)[] = [...this.sessions.values()];
    for (const peer of this.e2e.values()) if (peer.current !== undefined) carrying.push(peer);
    return carrying;
  }

  /** As its last handshake took; 0: there is no session of our own kind. */
  roundTripMs(key: PublicKey): number {
    return this.e2e.get(key)?.rttMs ?? 0;
  }

  /** The session that a packet to this key would take now, or that is being made for it. */
  facts(key: PublicKey | undefined): SessionFacts {
    const { nowMs } = this.#context;
    const peer = key === undefined ? undefined : this.e2e.get(key);
    const session = key === undefined ? undefined : this.sessions.get(key);
    const keys = peer?.sealing(nowMs);
    if (peer !== undefined && keys !== undefined) return e2eFacts(peer, keys, nowMs);
    const speaksE2e = session?.hasHello === true || (key !== undefined && this.#known.has(key));
    if (session !== undefined) return { ...plainFacts(session, nowMs), speaksE2e };
    const startedMs = peer?.series?.startedMs;
    const handshakeMs = startedMs === undefined ? key && this.sessions.waitingMs(key) : nowMs - startedMs;
    return {
      ...NO_SESSION,
      speaksE2e,
      kind: handshakeMs === undefined ? 'none' : startedMs === undefined ? 'ironwood' : 'e2e',
      handshakeMs,
    };
  }

  /** A packet to this key would go in a session that drops what has been overtaken. */
  isOrdered(key: PublicKey): boolean {
    return this.sessions.has(key) && this.e2e.get(key)?.sealing(this.#context.nowMs) === undefined;
  }

  /** Those that carry packets, by kind. */
  sizes(): { ironwood: number; e2e: number } {
    let e2e = 0;
    for (const { current } of this.e2e.values()) if (current !== undefined) e2e++;
    return { ironwood: this.sessions.size, e2e };
  }

  /** As `Sessions.send`. */
  send(dest: PublicKey, buffer: Uint8Array, at: number, length: number): void {
    const { e2e: mode } = this.#context.options;
    if (this.sendE2e(dest, buffer, at, length)) return;
    const isKnown = mode === 'require' || (mode === 'prefer' && this.#known.has(dest));
    const trialMs = isKnown || mode === 'off' ? undefined : this.#trialMs(dest);
    const isWanted = isKnown || trialMs !== undefined;
    if (!isWanted || !this.#keep(dest, buffer, at, length, trialMs)) this.sessions.send(dest, buffer, at, length);
  }

  /** The same for a `SUPER_PACKET`, which only some take: false, and nothing has happened. */
  sendSuperPacket(dest: PublicKey, buffer: Uint8Array, at: number, length: number): boolean {
    const peer = this.#context.options.e2e === 'off' ? undefined : this.e2e.get(dest);
    return peer !== undefined && this.e2e.sendSuperPacket(peer, buffer, at, length);
  }

  /** As `send`, in an end-to-end session alone: false, and nothing has happened, where none could seal. */
  sendE2e(dest: PublicKey, buffer: Uint8Array, at: number, length: number): boolean {
    const peer = this.#context.options.e2e === 'off' ? undefined : this.e2e.get(dest);
    return peer !== undefined && this.e2e.send(peer, buffer, at, length);
  }

  received(buffer: Uint8Array, sourceAt: number, at: number, end: number): void {
    const { options, stats } = this.#context;
    const type = buffer[at] as number;
    if (at < end && type >= E2E.first && type <= E2E.short) {
      if (options.e2e === 'off') return stats.drop('e2e off');
      return this.e2e.received(buffer, sourceAt, at, end);
    }
    if (options.e2e === 'require') return stats.drop('e2e required');
    this.sessions.received(buffer, sourceAt, at, end);
  }

  /** Seals and opens what has gathered. */
  settle(): void {
    do {
      this.sessions.settle();
      this.e2e.settle();
    } while (!this.sessions.isIdle);
  }

  timer(nowMs: number): void {
    this.e2e.timer(nowMs);
  }

  /** Once a second. */
  expire(): void {
    this.sessions.expire();
    this.e2e.expire();
    for (const peer of this.e2e.values()) this.#countSuspicion(peer);
    for (const [session, untilMs] of this.#expected) this.#sayAgain(session, untilMs);
  }

  /**
   * Over a radio the other kind of session, and the hello, cost four times as much air: whoever may speak e2e is tried for so long
   * before. Undefined: it is not.
   */
  #trialMs(dest: PublicKey): number | undefined {
    if (!this.#known.isUntried(dest) || this.sessions.has(dest)) return undefined;
    const slowMs = this.#router.slowMs?.(dest);
    return slowMs === undefined ? undefined : Math.max(E2E_TRIAL.leastMs, E2E_TRIAL.costs * slowMs);
  }

  /** The latest packet waits for keys. False: it must not wait any longer. */
  #keep(dest: PublicKey, buffer: Uint8Array, at: number, length: number, trialMs: number | undefined): boolean {
    const { nowMs, options, stats } = this.#context;
    const before = this.e2e.get(dest);
    const isQuiet = before !== undefined && before.series === undefined && nowMs < before.quietUntilMs;
    const mayFallBack = before?.isSuspect === true || isQuiet || this.sessions.isConfirmed(dest);
    if (options.e2e === 'prefer' && mayFallBack) {
      if (!isQuiet) this.e2e.dial(dest);
      return false;
    }
    const peer = this.e2e.dial(dest, trialMs);
    if (peer === undefined) return options.e2e === 'require';
    // Only so many handshakes run at once, and only so many packets wait.
    if (peer.series === undefined && peer.offers.length === 0) {
      stats.drop('session buffers full');
      return true;
    }
    if (peer.waiting !== undefined) stats.drop('session packet replaced');
    peer.waiting = buffer.slice(at, at + length);
    peer.lastActiveMs = nowMs;
    return true;
  }

  #established(peer: E2ePeer): void {
    this.#known.add(peer.key);
    this.#context.stats.count('e2eHandshakes');
    const packet = takeWaiting(peer);
    if (packet !== undefined) this.e2e.send(peer, withHeadroom(packet), SEND_HEADROOM, packet.length);
  }

  #fallBack(peer: E2ePeer): void {
    if (this.#context.options.e2e !== 'prefer') return;
    if (!this.#known.has(peer.key)) this.#known.triedInVain(peer.key);
    const packet = takeWaiting(peer);
    if (packet !== undefined) this.sessions.send(peer.key, withHeadroom(packet), SEND_HEADROOM, packet.length);
  }

  /**
   * The other session works where this one, which should, does not: somebody may be in between. Who was away is not
   * suspected; and who is back begins with either session.
   */
  #countSuspicion(peer: E2ePeer): void {
    const { nowMs } = this.#context;
    const session = this.sessions.get(peer.key);
    if (!peer.isSuspect || peer.isSuspectCounted || session?.isConfirmed !== true) return;
    if (session.lastOpenedMs < peer.triedMs) return;
    peer.contraryMs = Math.min(peer.contraryMs, nowMs);
    if (nowMs - peer.contraryMs < E2E_ALARM_MS) return;
    peer.isSuspectCounted = true;
    this.#context.stats.count('e2eDowngradeSuspected');
    this.#context.events.push({ kind: 'e2eDowngradeSuspected', key: peer.key });
  }

  #packet(session: Session, buffer: Uint8Array, at: number, end: number): void {
    const hello = buffer[at] === APP.query ? readHello(buffer, at, end) : undefined;
    if (hello === undefined) this.#user.packet(session, buffer, at, end);
    else this.#helloReceived(session, hello.version);
  }

  #helloReceived(session: Session, version: number): void {
    const { options } = this.#context;
    const { key } = session;
    if (options.e2e === 'off') return;
    session.hasHello = version >= E2E_VERSION;
    if (version < E2E_VERSION) return this.#endE2e(key);
    if (compareOctets(this.#context.key, key) > 0) {
      this.#expected.set(session, this.#context.nowMs + E2E_HELLO_AGAIN_MS);
      return;
    }
    if (!this.#works(key)) this.e2e.dial(key);
  }

  /** Both have the keys of an e2e session: whoever has lost them begins with a session of the other kind, and its hello. */
  #works(key: PublicKey): boolean {
    const { nowMs } = this.#context;
    const peer = this.e2e.get(key);
    if (peer === undefined || peer.sealing(nowMs) === undefined) return false;
    return nowMs - peer.heardMs < Math.max(E2E_HELLO_AGAIN_MS, E2E_ASK_AFTER.roundTrips * peer.rttMs);
  }

  /** Our hello may have been lost where two handshakes crossed: one that could not be read. It is said once more. */
  #sayAgain(session: Session, untilMs: number): void {
    if (this.#context.nowMs < untilMs) return;
    this.#expected.delete(session);
    if (!this.#works(session.key) && this.sessions.isConfirmed(session.key)) this.#sendHello(session);
  }

  #endE2e(key: PublicKey): void {
    this.#known.delete(key);
    const peer = this.e2e.get(key);
    if (peer !== undefined) this.e2e.remove(peer);
  }

  #sendHello(session: Session): void {
    const version = this.#context.options.e2e === 'off' ? 0 : E2E_VERSION;
    const features = version === 0 ? 0 : featuresOf(this.#context.options);
    const hello = writeHello({ version, features });
    this.sessions.send(session.key, withHeadroom(hello), SEND_HEADROOM, hello.length);
  }
}

function infoOf(session: Session | E2ePeer, nowMs: number): SessionInfo {
  const { key, bytesReceived, bytesSent, upSinceMs } = session;
  const isE2e = 'current' in session;
  const keyAgeMs = isE2e && session.current !== undefined ? nowMs - session.current.bornMs : undefined;
  return { key, bytesReceived, bytesSent, upMs: nowMs - upSinceMs, kind: isE2e ? 'e2e' : 'ironwood', keyAgeMs };
}

const NO_SESSION: SessionFacts = {
  kind: 'none',
  isOpen: false,
  speaksE2e: false,
  keyAgeMs: undefined,
  handshakeMs: undefined,
  unansweredMs: undefined,
  heardAgoMs: undefined,
};

function e2eFacts(peer: E2ePeer, keys: E2eKeys, nowMs: number): SessionFacts {
  const { series, unansweredSinceMs, heardMs } = peer;
  return {
    kind: 'e2e',
    isOpen: true,
    speaksE2e: true,
    keyAgeMs: nowMs - keys.bornMs,
    handshakeMs: series === undefined ? undefined : nowMs - series.startedMs,
    unansweredMs: Number.isFinite(unansweredSinceMs) ? nowMs - unansweredSinceMs : undefined,
    heardAgoMs: Number.isFinite(heardMs) ? nowMs - heardMs : undefined,
  };
}

/** Such sessions say nothing of their own accord: who only receives is silent as well, so that it shows late. */
function plainFacts(session: Session, nowMs: number): SessionFacts {
  const { isConfirmed, keysMs, lastActiveMs, lastOpenedMs, upSinceMs } = session;
  const isQuiet = lastActiveMs > lastOpenedMs;
  return {
    kind: 'ironwood',
    isOpen: isConfirmed,
    speaksE2e: false,
    keyAgeMs: nowMs - keysMs,
    handshakeMs: isConfirmed ? undefined : nowMs - upSinceMs,
    unansweredMs: isQuiet ? nowMs - lastOpenedMs : undefined,
    heardAgoMs: isConfirmed ? nowMs - lastOpenedMs : undefined,
  };
}

function takeWaiting(peer: E2ePeer): Uint8Array | undefined {
  const { waiting } = peer;
  peer.waiting = undefined;
  return waiting;
}
