/**
 * Whether the other side is there, and what we owe it (link document, section 11).
 *
 *     resting ──something sent that asks──▶ waiting ──PROBE_AFTER──▶ pinging ──DEAD_AFTER──▶ dead
 *        ▲──────────── anything received ──────┴────────────────────────┘
 */
import { PINGS_BEFORE_DEATH } from '../../limits.ts';
import type { ClassConstants } from './classes.ts';

const NEVER = Number.POSITIVE_INFINITY;

export type Due = 'dead' | 'ping' | 'answer' | undefined;

export class Liveness {
  readonly #constants: ClassConstants;
  /** Since when an answer is missing. */
  #waitingSinceMs = NEVER;
  #pingAtMs = NEVER;
  #pings = 0;
  #deadAtMs = NEVER;
  /** By when something must have been sent, because the other side asked. */
  #answerByMs = NEVER;
  /** When either side last sent something. */
  #activeMs: number;

  constructor(constants: ClassConstants, nowMs: number) {
    this.#constants = constants;
    this.#activeMs = nowMs;
  }

  /** @returns true if a new deadline was set */
  sent(asks: boolean, nowMs: number): boolean {
    this.#activeMs = nowMs;
    this.#answerByMs = NEVER;
    if (!asks || this.#waitingSinceMs !== NEVER) return false;
    this.#waitingSinceMs = nowMs;
    this.#pingAtMs = nowMs + this.#constants.probeAfterMs;
    return true;
  }

  /** @returns true if a new deadline was set */
  received(asks: boolean, nowMs: number): boolean {
    this.#activeMs = nowMs;
    this.#waitingSinceMs = NEVER;
    this.#pingAtMs = NEVER;
    this.#pings = 0;
    this.#deadAtMs = NEVER;
    if (!asks || this.#answerByMs !== NEVER) return false;
    this.#answerByMs = nowMs + this.#constants.ackDelayMs;
    return true;
  }

  /** A PING is sent now, and the time until death runs from now. */
  doubt(nowMs: number): void {
    this.#waitingSinceMs = nowMs;
    this.#pingAtMs = nowMs + this.#constants.pingEveryMs;
    this.#pings = 1;
    this.#deadAtMs = NEVER;
  }

  /** The PING that was due is taken to be sent; the answer that was due is not, `sent` tells. */
  due(nowMs: number): Due {
    const { deadAfterMs, pingEveryMs, natKeepaliveMs } = this.#constants;
    if (nowMs >= this.#deadAtMs) return 'dead';
    if (nowMs >= this.#pingAtMs) {
      this.#pingAtMs = nowMs + pingEveryMs;
      // After a sleep the time is over before anyone could have answered: some PINGs must have gone unanswered as well.
      if (++this.#pings === PINGS_BEFORE_DEATH) {
        this.#deadAtMs = Math.max(this.#waitingSinceMs + deadAfterMs, this.#pingAtMs);
      }
      return 'ping';
    }
    if (nowMs >= this.#activeMs + natKeepaliveMs) return 'ping';
    return nowMs >= this.#answerByMs ? 'answer' : undefined;
  }

  /** Answers are overdue: the second PING has gone out. */
  get isDoubtful(): boolean {
    return this.#pings > 1;
  }

  get deadlineMs(): number {
    const idleMs = this.#activeMs + this.#constants.natKeepaliveMs;
    return Math.min(this.#deadAtMs, this.#pingAtMs, this.#answerByMs, idleMs);
  }
}
