/**
 * Whose turn it is on one radio channel (radio reference, section 6.5): half duplex, so that after a burst the other side has it for
 * its answer, and whoever hears records of others lets them end. Each record says how long the rest of its burst takes.
 *
 *     free ──we send──▶ sending ──all is on the air──▶ awaiting ──heard, or too late──▶ free
 */
import { restUnitMs } from '../../../../wire/link-packets.ts';
import type { SocketFacts } from '../../../port.ts';
import { bitRate, frameAirMs, symbolMs } from '../../../radio/air-time.ts';
import type { AirFacts } from '../../../radio/facts.ts';

/** Before an answer: the node behind the radio may have something to say to what has just come. */
const HOLD_MS = 20;
/** A quarter of a frame's time on the air, within these. */
const LATE = { leastMs: 50, mostMs: 1_000 };
/** Clocks, cables and schedulers. */
const SLACK_MS = 60;
/** Of the back-off: 12 symbols, not less and not more. */
const SLOT = { symbols: 12, leastMs: 24, mostMs: 400 };
/**
 * Slots to draw from: after what others sent, after a first answer that is missing, doubled up to so many times. When so many answers
 * are missing the other side is not there.
 */
const BACK_OFF = { others: 8, first: 2, doublings: 5, patience: 6 };
/** An answer that carries nothing. */
const ANSWER_OCTETS = 40;

const NEVER = Number.POSITIVE_INFINITY;
const NOT = -1;

/** What has been said between the two ends of a link. */
type Talk = { readonly hasAsked: boolean; readonly hasAnswered: boolean; readonly isAwaiting: boolean };

/** What the medium knows of one link. */
export class Seat {
  /** From then on the channel is ours, to answer this link. */
  answerAtMs = NEVER;
  /** Nothing but answers before. */
  notBeforeMs = 0;
  /** Answers in a row that did not come. */
  misses = 0;
  /** From the end of a burst until an answer begins, smoothed; undefined: none has come yet. */
  answerMs: number | undefined;
  varianceMs = 0;
  /** Of the first records of the last two answers: what the next will be like. */
  answerOctets = 0;
  answerOctetsBefore = 0;
  /** Time on the air so far, as fair shares go: who has had least is next. */
  airMs = 0;
}

export class Medium {
  readonly air: AirFacts;
  readonly frameMax: number;
  readonly slotMs: number;
  /** Of the rest that a record tells. */
  readonly unitMs: number;
  /** Of the budget of air time what is left. */
  freeShare = 1;
  /** What the timers of links do not count: bursts sent and heard. */
  stoodMs = 0;
  /** All of it up to then. */
  #stoodUntilMs = 0;
  #sendingUntilMs = NOT;
  #writtenMs = NOT;
  #isAnswer = false;
  #busyUntilMs = 0;
  #awaiting: Seat | undefined;
  #awaitUntilMs = NOT;
  #contendAtMs = 0;
  readonly #chance: () => number;

  /** @param frameMax octets of a frame at most. @param chance 0 up to 1 */
  constructor(air: AirFacts, frameMax: number, chance: () => number) {
    const { modulation } = air;
    const symbolsMs = modulation.kind === 'lora' ? SLOT.symbols * symbolMs(modulation) : 0;
    this.air = air;
    this.frameMax = frameMax;
    this.slotMs = Math.min(Math.max(symbolsMs, SLOT.leastMs), SLOT.mostMs);
    this.unitMs = restUnitMs(bitRate(modulation));
    this.#chance = chance;
  }

  get isSending(): boolean {
    return this.#sendingUntilMs !== NOT;
  }

  frameMs(octets: number): number {
    return frameAirMs(this.air, octets);
  }

  /** One frame within a burst, with its own wait for the channel where each frame has one. */
  stepMs(octets: number): number {
    return this.frameMs(octets) + (this.air.sharesAccess ? 0 : this.air.accessMs);
  }

  /** How late frames reach the host, cables being slow. */
  get #lateMs(): number {
    return Math.min(Math.max(this.frameMs(this.frameMax) / 4, LATE.leastMs), LATE.mostMs);
  }

  /** From the end of a burst until its answer, if any, has been heard, however long it is. */
  get answerWaitMs(): number {
    return (
      this.air.turnaroundMs + HOLD_MS + 2 * this.air.accessMs + this.frameMs(this.frameMax) + this.#lateMs + SLACK_MS
    );
  }

  /** The same, as answers of this link have been (RFC 6298). */
  #waitFor(seat: Seat | undefined): number {
    if (seat?.answerMs === undefined) return this.answerWaitMs;
    const octets = Math.max(seat.answerOctets, seat.answerOctetsBefore, ANSWER_OCTETS);
    return Math.min(seat.answerMs + 4 * seat.varianceMs + this.frameMs(octets) + SLACK_MS, this.answerWaitMs);
  }

  /** A burst of so much air has been given to the modem. `answerer`: who is asked; `isAnswer`: who asks as well. */
  sent(burstMs: number, answerer: Seat | undefined, isAnswer: boolean, nowMs: number): void {
    this.#isAnswer = isAnswer;
    // A modem that never says when it is done is believed to be after a while; others may keep it waiting.
    this.#sendingUntilMs = nowMs + 2 * burstMs + 8 * this.air.accessMs + 2_000;
    this.#awaiting = answerer;
    this.#stand(nowMs, nowMs + burstMs);
  }

  /** The modem has sent it all. */
  written(nowMs: number, isAsking: boolean): void {
    if (!this.isSending) return;
    this.#sendingUntilMs = NOT;
    this.#writtenMs = nowMs;
    // If the answer is lost it is the other side that must ask; only if nothing comes of that it is we.
    const waits = this.#isAnswer ? 2 : 1;
    const waitMs = isAsking ? waits * this.#waitFor(this.#awaiting) : this.air.turnaroundMs + HOLD_MS + 4 * this.slotMs;
    if (!isAsking) this.#awaiting = undefined;
    // Who has had an answer from us goes first.
    if (isAsking) this.#awaitUntilMs = nowMs + waitMs;
    else this.#contendAtMs = Math.max(this.#contendAtMs, nowMs + waitMs);
  }

  /** An authentic record of this link, the rest of whose burst takes so long; whether it asks us, and whether we still ask it. */
  heard(seat: Seat, octets: number, restMs: number, { hasAsked, hasAnswered, isAwaiting }: Talk, nowMs: number): void {
    this.#stand(nowMs - this.frameMs(octets), nowMs + restMs);
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs + restMs);
    const isAnswer = this.#awaiting === seat && hasAnswered && this.#writtenMs !== NOT;
    if (isAnswer) sample(seat, nowMs - this.#writtenMs - this.frameMs(octets), octets);
    this.#writtenMs = NOT;
    if (this.#awaiting === seat && !isAwaiting) this.#awaiting = undefined;
    else if (this.#awaiting !== undefined)
      this.#awaitUntilMs = Math.max(this.#awaitUntilMs, nowMs + restMs + this.answerWaitMs);
    seat.misses = 0;
    seat.notBeforeMs = 0;
    if (!hasAsked && seat.answerAtMs === NEVER) return;
    // The last one may be lost, or late on its cable.
    seat.answerAtMs = nowMs + HOLD_MS + (restMs === 0 ? 0 : restMs + this.#lateMs);
    this.#contendAtMs = Math.max(this.#contendAtMs, seat.answerAtMs);
  }

  /** A frame that is for others, or of others: who they are we cannot know. */
  overheard(octets: number, restMs: number, nowMs: number): void {
    const guardMs = this.air.turnaroundMs + HOLD_MS + this.air.accessMs + this.frameMs(ANSWER_OCTETS);
    this.#stand(nowMs - this.frameMs(octets), nowMs + restMs);
    this.#writtenMs = NOT;
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs + restMs + guardMs);
    this.#contendAtMs = this.#busyUntilMs + this.#chance() * BACK_OFF.others * this.slotMs;
    if (this.#awaiting !== undefined)
      this.#awaitUntilMs = Math.max(this.#awaitUntilMs, this.#busyUntilMs + this.answerWaitMs);
  }

  /** Who did not answer in time; undefined: nobody is late. */
  missed(nowMs: number): Seat | undefined {
    if (this.isSending && nowMs >= this.#sendingUntilMs) this.written(nowMs, this.#awaiting !== undefined);
    if (this.isSending || this.#awaiting === undefined || nowMs < this.#awaitUntilMs) return undefined;
    const seat = this.#awaiting;
    this.#awaiting = undefined;
    const slots = BACK_OFF.first * 2 ** Math.min(seat.misses, BACK_OFF.doublings);
    seat.misses++;
    seat.notBeforeMs = nowMs + this.#chance() * slots * this.slotMs;
    // A peer that is not there must not keep the channel from others.
    const more = seat.misses - BACK_OFF.patience;
    if (more > 0) seat.notBeforeMs += this.answerWaitMs * 2 ** Math.min(more, BACK_OFF.doublings);
    return seat;
  }

  /** Somebody who has gone answers no more. */
  forget(seat: Seat): void {
    if (this.#awaiting === seat) this.#awaiting = undefined;
  }

  /** Whether an answer may go now. */
  mayAnswer(seat: Seat, nowMs: number): boolean {
    return !this.isSending && nowMs >= seat.answerAtMs && nowMs >= this.#busyUntilMs;
  }

  /** Whether somebody may begin now. */
  mayBegin(nowMs: number): boolean {
    return nowMs >= this.beginAtMs;
  }

  /** When somebody may begin, as far as can be seen. */
  get beginAtMs(): number {
    if (this.isSending || this.#awaiting !== undefined) return NEVER;
    return Math.max(this.#busyUntilMs, this.#contendAtMs);
  }

  /** When to look again at the latest. */
  get deadlineMs(): number {
    if (this.isSending) return this.#sendingUntilMs;
    return this.#awaiting === undefined ? NEVER : this.#awaitUntilMs;
  }

  get busyUntilMs(): number {
    return this.#busyUntilMs;
  }

  /** Bursts overlap where one was told of more than once. */
  #stand(fromMs: number, toMs: number): void {
    this.stoodMs += Math.max(toMs - Math.max(fromMs, this.#stoodUntilMs), 0);
    this.#stoodUntilMs = Math.max(this.#stoodUntilMs, toMs);
  }
}

function sample(seat: Seat, ms: number, octets: number): void {
  seat.answerOctetsBefore = seat.answerOctets;
  seat.answerOctets = octets;
  const { answerMs } = seat;
  seat.varianceMs = answerMs === undefined ? ms / 2 : seat.varianceMs + (Math.abs(answerMs - ms) - seat.varianceMs) / 4;
  seat.answerMs = answerMs === undefined ? ms : answerMs + (ms - answerMs) / 8;
}

/** A radio that says nothing of itself is taken for a slow one. */
const DEFAULT_AIR: AirFacts = {
  modulation: { kind: 'rate', bitsPerSecond: 5_000, frameMs: 50 },
  frameOverhead: 0,
  accessMs: 100,
  sharesAccess: true,
  turnaroundMs: 20,
  limits: [],
  share: 1,
  ledger: '',
};

export function airOf({ air }: Pick<SocketFacts, 'air'>): AirFacts {
  return air ?? DEFAULT_AIR;
}
