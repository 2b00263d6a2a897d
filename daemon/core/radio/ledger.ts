/**
 * What one transmitter has sent in its band, and what it may still send: by every limit of the law, and by the share of the
 * channel that the operator allows (radio reference, section 6.8). It outlives sockets, and by its records also restarts.
 */
import { AIR_BUCKETS, AIR_RESERVE_SHARE, AIR_SHARE_WINDOW_MS } from '../limits.ts';
import { AirWindow } from './air-window.ts';
import { Budget } from './budget.ts';
import type { AirFacts, AirLimit, AirRecord } from './facts.ts';

export const HOUR_MS = 3_600_000;

/** From the end of a minute back into it. */
const INSIDE_MS = 0.001;

export class Ledger {
  readonly name: string;
  budgets: readonly Budget[] = [];
  readonly #short: AirWindow;
  readonly #hour: AirWindow;
  #limits: readonly AirLimit[] = [];
  #frameMs = 0;
  #share = 1;
  /** Of the share: what may be sent now. Negative after a frame that was longer. */
  #shareMs = AIR_SHARE_WINDOW_MS;
  #advancedMs: number;
  #pendingMs = 0;
  /** The longest that was ever given to the modem at once, and what the last record has room for beyond it. */
  #longestMs = 0;
  #recordedMs = 0;
  #wantsRecord = true;

  /** @param elapsedMs at least so long ago the record was made */
  constructor(name: string, nowMs: number, record?: AirRecord, elapsedMs = 0) {
    const originMs = record === undefined ? nowMs : nowMs - elapsedMs - record.intoMs;
    this.name = name;
    this.#short = new AirWindow(AIR_SHARE_WINDOW_MS, nowMs, nowMs);
    this.#hour = new AirWindow(HOUR_MS, originMs, nowMs);
    this.#advancedMs = nowMs;
    if (record === undefined) return;
    for (const [age, airMs] of record.minutesMs.entries()) {
      this.#hour.add(airMs, nowMs, nowMs - originMs + age * this.#hour.bucketMs - INSIDE_MS);
    }
    // When it was sent, if at all, nobody knows.
    this.#hour.add(record.reserveMs, nowMs);
  }

  /**
   * The limits that hold from now on, for what was sent already as well. What a modem that went away was given has been sent.
   *
   * @param frameMs of the largest frame
   */
  configure({ limits, share }: AirFacts, frameMs: number, nowMs: number): void {
    this.settle(nowMs);
    this.advance(nowMs);
    this.#share = share;
    this.#shareMs = Math.min(this.#shareMs, this.#share * AIR_SHARE_WINDOW_MS);
    const isSame = limits.length === this.#limits.length && limits.every((limit, i) => isEqual(limit, this.#limits[i]));
    if (isSame && frameMs === this.#frameMs) return;
    this.#limits = limits;
    this.#frameMs = frameMs;
    this.budgets = limits.map((limit) => this.#budget(limit, nowMs));
    this.#wantsRecord = true;
  }

  /** Before anything is asked. */
  advance(nowMs: number): void {
    this.#short.advance(nowMs);
    this.#hour.advance(nowMs);
    for (const budget of this.budgets) budget.advance(nowMs);
    const shareMax = this.#share * AIR_SHARE_WINDOW_MS;
    this.#shareMs = Math.min(this.#shareMs + this.#share * (nowMs - this.#advancedMs), shareMax);
    this.#advancedMs = nowMs;
  }

  /** No single transmission may last longer. */
  get frameMaxMs(): number {
    return this.budgets.reduce((least, { limit }) => Math.min(least, limit.frameMs), Number.POSITIVE_INFINITY);
  }

  /** What the share of the channel leaves now; a share above nothing lets a whole frame pass. */
  get shareMs(): number {
    return this.#share >= 1 ? Number.POSITIVE_INFINITY : this.#shareMs;
  }

  get share(): number {
    return this.#share;
  }

  /** Of the last 15 s and of the last hour, what waits in the modem counted in. */
  get usedShortMs(): number {
    return this.#short.usedMs + this.#pendingMs;
  }

  get usedLongMs(): number {
    return this.#hour.usedMs + this.#pendingMs;
  }

  get pendingMs(): number {
    return this.#pendingMs;
  }

  /** Given to the modem: it counts as used from now until long after it has been sent. */
  take(airMs: number, nowMs: number): void {
    this.advance(nowMs);
    this.#pendingMs += airMs;
    this.#shareMs -= airMs;
    this.#longestMs = Math.max(this.#longestMs, airMs);
    this.#recordedMs -= airMs;
    if (this.#recordedMs < this.#longestMs) this.#wantsRecord = true;
    for (const budget of this.budgets) budget.take(airMs);
  }

  /** The modem has sent all that it was given. */
  settle(nowMs: number): void {
    if (this.#pendingMs === 0) return;
    for (const budget of this.budgets) budget.settle(nowMs);
    this.#short.add(this.#pendingMs, nowMs);
    this.#hour.add(this.#pendingMs, nowMs);
    this.#pendingMs = 0;
  }

  /**
   * What another life is to remember, when the last record no longer covers the next transmission, else undefined. It is
   * written with something in reserve, so that it need not be written often, and never says too little.
   */
  takeRecord(nowMs: number): AirRecord | undefined {
    if (!this.#wantsRecord || this.budgets.length === 0) return undefined;
    const budgetMs = Math.min(...this.budgets.map(({ limit }) => limit.airMs));
    this.#recordedMs = Math.max(budgetMs * AIR_RESERVE_SHARE, 2 * this.#longestMs);
    this.#wantsRecord = false;
    return this.record(nowMs, this.#recordedMs);
  }

  /** What was sent until now, and nothing after it but `reserveMs`. */
  record(nowMs: number, reserveMs = 0): AirRecord {
    this.advance(nowMs);
    const minutesMs: number[] = [];
    for (let age = 0; age <= AIR_BUCKETS; age++) minutesMs.push(Math.ceil(this.#hour.at(age)));
    while (minutesMs.at(-1) === 0) minutesMs.pop();
    const intoMs = Math.floor(this.#hour.intoMs(nowMs));
    return { ledger: this.name, minutesMs, intoMs, reserveMs: Math.ceil(this.#pendingMs + reserveMs) };
  }

  #budget(limit: AirLimit, nowMs: number): Budget {
    const originMs = nowMs - this.#hour.intoMs(nowMs);
    const budget = new Budget(limit, this.#frameMs, originMs, nowMs);
    for (let age = 0; age <= AIR_BUCKETS; age++) {
      // All of a minute may have been sent at its end.
      const endedMs = this.#hour.leavesAtMs(age) - HOUR_MS - INSIDE_MS;
      budget.recall(this.#hour.at(age), nowMs, Math.max(nowMs - endedMs, 0));
    }
    budget.advance(nowMs);
    return budget;
  }
}

function isEqual(a: AirLimit, b: AirLimit | undefined): boolean {
  return a.windowMs === b?.windowMs && a.airMs === b.airMs && a.frameMs === b.frameMs;
}
