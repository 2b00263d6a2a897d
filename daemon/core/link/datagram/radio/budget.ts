/** What a station asks before it composes: how much time on the air there is, and for what (radio reference, section 6.8). */
import type { AirClass } from '../../../radio/facts.ts';

export interface AirBudget {
  /** ms of air that a burst may have now, up to its last frame of this class. */
  roomMs(airClass: AirClass, nowMs: number, isBegun?: boolean): number;
  /** When a burst of so much air may leave, if nothing else does before; not in the past. */
  nextAtMs(airClass: AirClass, airMs: number, nowMs: number, isBegun?: boolean): number;
  /** Given to the modem. */
  sent(airClass: AirClass, airMs: number, nowMs: number): void;
  /** The modem has sent all that it was given. */
  settled(nowMs: number): void;
}

/** Where nobody counts. */
export const UNLIMITED: AirBudget = {
  roomMs: () => Number.POSITIVE_INFINITY,
  nextAtMs: (_class, _airMs, nowMs) => nowMs,
  sent: () => {},
  settled: () => {},
};
