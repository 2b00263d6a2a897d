/**
 * What may be sent now through one radio, by class (link document, section 16; radio reference, section 6.8). Who composes a
 * burst asks for each frame whether `roomMs` of its class is enough, and tells it by `sent` at once, so that the next answer
 * counts it; when there is no room, `nextAtMs` says when to ask again. That the modem has sent it all is told by `settled`. Only
 * time on the air counts: waits for a free channel are nobody's.
 *
 * A class leaves to those before it what stands in `AIR_TERMS`: so much of every budget and of the share of the channel is always
 * there when an acknowledgement, an announcement or a key stroke comes, however long bulk has been running. Those that keep
 * others waiting may also use what is kept back for the rest of the hour, nobody anything beyond the law.
 */
import { AIR_CONTROL_SHARE, AIR_TERMS, AIR_WAIT } from '../limits.ts';
import { frameAirMs } from './air-time.ts';
import { AirWindow } from './air-window.ts';
import type { AirClass, AirClassInfo, AirFacts, AirReport, RadioInfo } from './facts.ts';
import { HOUR_MS, type Ledger } from './ledger.ts';

const NEVER = Number.POSITIVE_INFINITY;

type AirTerms = (typeof AIR_TERMS)[AirClass];

export const AIR_CLASSES: readonly AirClass[] = ['answer', 'control', 'interactive', 'normal', 'bulk'];

export class Transmitter {
  readonly air: AirFacts;
  readonly ledger: Ledger;
  /** Packets refused since the socket opened. */
  readonly refused = newCounts();
  readonly #sentMs = newCounts();
  readonly #frameMax: number;
  readonly #frameMs: number;
  #report: AirReport = {};
  readonly #control: AirWindow;

  /** @param frameMax octets of the largest frame */
  constructor(air: AirFacts, frameMax: number, ledger: Ledger, nowMs: number) {
    this.air = air;
    this.ledger = ledger;
    this.#frameMax = frameMax;
    this.#frameMs = this.frameMs(frameMax);
    this.#control = new AirWindow(HOUR_MS, nowMs, nowMs);
    ledger.configure(air, this.#frameMs, nowMs);
  }

  /** ms of air of a frame. */
  frameMs(octets: number): number {
    return frameAirMs(this.air, octets);
  }

  /** The law forbids so long a transmission at any time. */
  isTooLong(frameMs: number): boolean {
    return frameMs > this.ledger.frameMaxMs;
  }

  /**
   * ms of air that frames of this class may have now, besides those that were `sent`. 0: none may leave; so it always is where the
   * law forbids the largest frame. `isBegun`: the rest of what was begun, which would be of no use if it came much later, so that
   * it may have what is left to others.
   */
  roomMs(airClass: AirClass, nowMs: number, isBegun = false): number {
    const { ledger } = this;
    if (this.isTooLong(this.#frameMs)) return 0;
    ledger.advance(nowMs);
    this.#control.advance(nowMs);
    const terms = this.#terms(airClass, isBegun);
    let room = this.#shareRoomMs(terms.shareFloorMs);
    for (const budget of ledger.budgets) {
      const { freeMs, keptBackMs, limit } = budget;
      room = Math.min(room, freeMs + terms.overdraft * keptBackMs - terms.floor * limit.airMs);
    }
    return Math.max(room, 0);
  }

  /**
   * When a burst of so much air may leave, if nothing else does before; not in the past. A burst longer than is ever free at
   * once counts as one that is not.
   */
  nextAtMs(airClass: AirClass, airMs: number, nowMs: number, isBegun = false): number {
    const { ledger } = this;
    if (this.isTooLong(this.#frameMs)) return NEVER;
    ledger.advance(nowMs);
    this.#control.advance(nowMs);
    const { floor, overdraft, shareFloorMs } = this.#terms(airClass, isBegun);
    let atMs = nowMs;
    for (const budget of ledger.budgets) {
      const floorMs = floor * budget.limit.airMs;
      const wantedMs = Math.min(airMs, budget.burstMs - floorMs);
      atMs = Math.max(atMs, budget.freeAtMs(wantedMs, floorMs, overdraft, nowMs));
    }
    const missing = shareFloorMs - ledger.shareMs;
    if (missing < 0) return atMs;
    // One more ms: what is free must be above the floor.
    return Math.max(atMs, nowMs + Math.ceil(missing / ledger.share) + 1);
  }

  /** To be given to the modem. */
  sent(airClass: AirClass, airMs: number, nowMs: number): void {
    this.ledger.take(airMs, nowMs);
    this.#sentMs[airClass] += airMs;
    if (airClass === 'control') this.#control.add(airMs, nowMs);
  }

  /** The modem has sent all that it was given, or is gone. */
  settled(nowMs: number): void {
    this.ledger.settle(nowMs);
  }

  /** When so much that waits will have left, as far as can be said now: what is not free yet comes at the mean rate. */
  sentByMs(airClass: AirClass, airMs: number, nowMs: number): number {
    const { ledger } = this;
    const freeMs = this.roomMs(airClass, nowMs);
    const fasterMs = ledger.share < 1 ? (airMs - Math.max(ledger.shareMs, 0)) / ledger.share : airMs;
    let byMs = nowMs + Math.max(airMs, fasterMs);
    for (const { limit } of airMs > freeMs ? ledger.budgets : []) {
      const firstMs = Math.min(airMs, this.#frameMs);
      const pacedMs = ((airMs - Math.max(firstMs, freeMs)) * limit.windowMs) / limit.airMs;
      byMs = Math.max(byMs, this.nextAtMs(airClass, firstMs, nowMs) + firstMs + pacedMs);
    }
    return byMs;
  }

  /**
   * For how long a packet of so many octets would wait behind others of its class if it were taken, when that is too long to take
   * it: then it is counted as refused. Undefined: take it.
   */
  refusalMs(airClass: AirClass, octets: number, queuedBytes: number, nowMs: number): number | undefined {
    const waitMs = this.tooLongMs(airClass, octets, queuedBytes, nowMs);
    if (waitMs !== undefined) this.refused[airClass]++;
    return waitMs;
  }

  /** The same, for those who only want to know. */
  tooLongMs(airClass: AirClass, octets: number, queuedBytes: number, nowMs: number): number | undefined {
    const airMs = Math.max((octets + queuedBytes) / this.#frameMax, 1) * this.#frameMs;
    const waitMs = this.sentByMs(airClass, airMs, nowMs) - nowMs;
    return waitMs <= AIR_WAIT.ms * Math.max(this.#frameMs / AIR_WAIT.frameMs, 1) ? undefined : waitMs;
  }

  /** The modem has told something. */
  reported(report: AirReport): void {
    this.#report = { ...this.#report, ...report };
  }

  /** @param queuedBytes what waits, by class */
  info(uri: string, queuedBytes: Readonly<Record<AirClass, number>>, nowMs: number): RadioInfo {
    const { air, ledger } = this;
    const classes = AIR_CLASSES.map((airClass): AirClassInfo => {
      const waitMs = this.nextAtMs(airClass, this.#frameMs, nowMs) - nowMs;
      return {
        airClass,
        sentMs: this.#sentMs[airClass],
        queuedBytes: queuedBytes[airClass],
        waitMs: Number.isFinite(waitMs) ? waitMs : null,
        refused: this.refused[airClass],
      };
    });
    return {
      uri,
      air,
      frameMax: this.#frameMax,
      frameMs: this.#frameMs,
      pendingMs: ledger.pendingMs,
      usedShortMs: ledger.usedShortMs,
      usedLongMs: ledger.usedLongMs,
      limits: ledger.budgets.map(({ usedMs, freeMs }) => ({ usedMs, freeMs })),
      classes,
      report: this.#report,
    };
  }

  /** A frame, however long, may leave when something is left of the share. */
  #shareRoomMs(floorMs: number): number {
    const room = this.ledger.shareMs - floorMs;
    return room > 0 ? Math.max(room, this.#frameMs) : 0;
  }

  #terms(airClass: AirClass, isBegun: boolean): AirTerms {
    if (isBegun) return AIR_TERMS.begun;
    const isOver = airClass === 'control' && this.#control.usedMs > this.#controlMaxMs;
    const { floor, overdraft, shareFloorMs } = isOver ? AIR_TERMS.controlOver : AIR_TERMS[airClass];
    return { floor, overdraft, shareFloorMs: this.ledger.share * shareFloorMs };
  }

  /** Of an hour. */
  get #controlMaxMs(): number {
    const shares = this.ledger.budgets.map(({ limit }) => limit.airMs / limit.windowMs);
    return AIR_CONTROL_SHARE * Math.min(this.ledger.share, ...shares) * HOUR_MS;
  }
}

/** A number for each class, 0 at first. */
export function newCounts(): Record<AirClass, number> {
  return { answer: 0, control: 0, interactive: 0, normal: 0, bulk: 0 };
}
