/** First messages of others, in the order of section 4.2: what is cheap first, and nothing kept before it is authentic. */
import { FIRST_SIZE, readSid } from '../../wire/e2e.ts';
import type { Context } from '../context.ts';
import {
  E2E_ANSWER_AGAIN_MS,
  E2E_CONFIRM_WAIT_MS,
  E2E_ROUND_TRIP_MAX_MS,
  E2E_UNCONFIRMED,
  E2E_UNCONFIRMED_PER_PEER,
} from '../limits.ts';
import type { TransportKeys } from '../noise.ts';
import { compareOctets, equalOctets } from '../octetmap.ts';
import { type PublicKey, publicKey } from '../port.ts';
import { freshSid, suspectMs } from './e2e-dialer.ts';
import type { E2eHandshakes } from './e2e-handshake.ts';
import type { Agreed, E2eKeys } from './e2e-keys.ts';
import { FirstBudget, Seen, Timestamps } from './e2e-memory.ts';
import type { E2ePeer, Offer } from './e2e-peer.ts';
import type { SessionPorts } from './sessions.ts';

const TAG = 16;

export type AnswerPorts = SessionPorts & {
  /** As `begin`, without a lookup: where no path is known, back the way that the payload being handled has come. */
  beginBack(dest: PublicKey, size: number): boolean;
  /** Of the peer that handed us this payload. */
  readonly arrivalPort: number;
};

export type AnswererUser = {
  isSidTaken(sid: number): boolean;
  /** We have written to it, or it has spoken e2e. */
  isAcquainted(key: PublicKey): boolean;
  peer(key: PublicKey): E2ePeer | undefined;
  /** A new one, or undefined if there is no room. */
  newPeer(key: PublicKey): E2ePeer | undefined;
  newKeys(peer: E2ePeer, agreed: Agreed, keys: TransportKeys): E2eKeys;
  /** The other side begins: attempts of our own are needless. */
  yield(peer: E2ePeer): void;
  forget(keys: E2eKeys): void;
};

export class E2eAnswerer {
  readonly #context: Context;
  readonly #handshakes: E2eHandshakes;
  readonly #router: AnswerPorts;
  readonly #user: AnswererUser;
  readonly #budget: FirstBudget;
  readonly #timestamps: Timestamps;
  readonly #seen: Seen<{ readonly peer: E2ePeer; readonly offer: Offer }>;
  #offers = 0;

  constructor(context: Context, handshakes: E2eHandshakes, router: AnswerPorts, user: AnswererUser) {
    this.#context = context;
    this.#handshakes = handshakes;
    this.#router = router;
    this.#user = user;
    this.#budget = new FirstBudget(context);
    this.#timestamps = new Timestamps(context);
    this.#seen = new Seen(context);
  }

  /** `buffer[at..end)` begins with `E2E.first`. */
  firstReceived(buffer: Uint8Array, sourceAt: number, at: number, end: number): void {
    const { stats, key } = this.#context;
    if (end - at !== FIRST_SIZE) return stats.drop('e2e malformed');
    const source = publicKey(buffer.slice(sourceAt, sourceAt + 32));
    if (equalOctets(source, key)) return stats.drop('e2e handshake of our own key');
    const isAcquainted = this.#user.isAcquainted(source);
    if (!this.#budget.take(source, isAcquainted, this.#router.arrivalPort)) return stats.drop('e2e handshake rate');
    const seen = this.#seen.get(buffer, end - TAG);
    if (seen !== undefined) return this.#answerAgain(seen);
    const message = buffer.slice(at, end);
    const read = this.#handshakes.readFirst(source, message);
    if (read === undefined) return stats.drop('e2e handshake unreadable');
    const { timestampMs } = read.payload;
    const peer = this.#user.peer(source);
    const offeredMs = Math.max(...(peer?.offers ?? []).map((offer) => offer.timestampMs));
    const heardMs = peer?.heardMs ?? Number.NEGATIVE_INFINITY;
    if (!this.#timestamps.isAcceptable(source, timestampMs, offeredMs, heardMs))
      return stats.drop('e2e handshake stale');
    if (peer !== undefined && this.#goesFirst(peer)) return stats.drop('e2e handshake crossed');
    if (this.#offers >= E2E_UNCONFIRMED) return stats.drop('e2e handshakes full');
    const answered = peer ?? this.#user.newPeer(source);
    if (answered === undefined) return stats.drop('sessions full');
    this.#user.yield(answered);
    const offer = this.#offer(answered, read, readSid(message, 0));
    if (offer === undefined) return stats.drop('e2e handshake unreadable');
    this.#seen.set(message.slice(-TAG), { peer: answered, offer });
    this.#send(answered, offer);
  }

  /** The first record under keys that were offered: its sender holds them. The other offers fall. */
  confirmed(keys: E2eKeys): boolean {
    const { peer } = keys;
    const offer = peer.offers.find((each) => each.keys === keys);
    if (offer === undefined) return false;
    this.#timestamps.confirmed(peer.key, offer.timestampMs);
    peer.rttMs = Math.min(this.#context.nowMs - offer.answeredMs, E2E_ROUND_TRIP_MAX_MS);
    this.#offers -= peer.offers.length;
    for (const other of peer.offers) if (other !== offer) this.#user.forget(other.keys);
    peer.offers = [];
    return true;
  }

  withdraw(peer: E2ePeer, isDue: (offer: Offer) => boolean = () => true): void {
    if (peer.offers.length === 0) return;
    const due = peer.offers.filter(isDue);
    peer.offers = peer.offers.filter((offer) => !due.includes(offer));
    this.#offers -= due.length;
    for (const { keys } of due) this.#user.forget(keys);
  }

  #offer(peer: E2ePeer, read: Parameters<E2eHandshakes['makeSecond']>[0], peerSid: number): Offer | undefined {
    const { nowMs } = this.#context;
    const features = this.#handshakes.common(read.payload.features);
    const ownSid = freshSid(this.#context, (sid) => peer.hasSidLike(sid) || this.#user.isSidTaken(sid));
    const made = this.#handshakes.makeSecond(read, peerSid, ownSid);
    if (made === undefined) return undefined;
    const offer = {
      keys: this.#user.newKeys(peer, { ownSid, peerSid, features }, made.keys),
      answer: made.message,
      timestampMs: read.payload.timestampMs,
      expiresAtMs: nowMs + E2E_CONFIRM_WAIT_MS,
      answeredMs: nowMs,
    };
    if (peer.offers.length >= E2E_UNCONFIRMED_PER_PEER) this.withdraw(peer, (each) => each === peer.offers[0]);
    peer.offers.push(offer);
    this.#offers++;
    return offer;
  }

  /** A retransmission, or a replay: answered alike, octet by octet, as long as it may be of use. */
  #answerAgain({ peer, offer }: { readonly peer: E2ePeer; readonly offer: Offer }): void {
    const { nowMs, stats } = this.#context;
    const isWaiting = peer.offers.includes(offer) && nowMs - offer.answeredMs >= E2E_ANSWER_AGAIN_MS;
    if (!isWaiting) return stats.drop('e2e handshake repeated');
    offer.answeredMs = nowMs;
    this.#send(peer, offer);
  }

  /** Both have begun: the lower key stays initiator, unless nobody has answered it for a while. */
  #goesFirst({ key, series }: E2ePeer): boolean {
    if (series === undefined || compareOctets(this.#context.key, key) > 0) return false;
    return this.#context.nowMs - series.startedMs < suspectMs(series);
  }

  #send({ key }: E2ePeer, { answer }: Offer): void {
    if (this.#router.beginBack(key, answer.length)) this.#router.target.set(answer, this.#router.targetAt);
  }
}
