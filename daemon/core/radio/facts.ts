/** What the core is told of radios. Times in ms. */

/** How octets become time on the air. */
export type Modulation =
  /** `codingRate` 5 to 8 for 4/5 to 4/8; `preambleSymbols` as the modem sends them (radio reference, section 3). */
  | {
      readonly kind: 'lora';
      readonly spreadingFactor: number;
      readonly bandwidthHz: number;
      readonly codingRate: number;
      readonly preambleSymbols: number;
    }
  /** Modems that say no more than their rate; `frameMs` is added to each frame. */
  | { readonly kind: 'rate'; readonly bitsPerSecond: number; readonly frameMs: number };

/** At most `airMs` on the air in any `windowMs`; no single transmission longer than `frameMs`. */
export type AirLimit = { readonly windowMs: number; readonly airMs: number; readonly frameMs: number };

/** What a transmitter costs and may do (radio reference, sections 3, 4 and 6.8). */
export type AirFacts = {
  readonly modulation: Modulation;
  /** Octets that the modem puts before each frame. */
  readonly frameOverhead: number;
  /** The mean wait for a free channel before a transmission. */
  readonly accessMs: number;
  /** One access carries all frames that the modem holds; otherwise each frame waits for its own. */
  readonly sharesAccess: boolean;
  /** After a transmission, until both ends hear again. */
  readonly turnaroundMs: number;
  /** All of them hold. Empty where the law sets none. */
  readonly limits: readonly AirLimit[];
  /** What the node takes of a channel at most, in any 15 s: 0 to 1. */
  readonly share: number;
  /** The transmitter and band that the limits are counted for: sockets come and go, it stays. */
  readonly ledger: string;
};

/** What a modem tells now and then; undefined: it does not say. dBm and dB; shares are 0 to 1. */
export type AirReport = {
  readonly rssi?: number;
  readonly snr?: number;
  readonly noiseFloor?: number;
  readonly channelLoad?: number;
  /** Counted by the modem itself, of 15 s and of an hour. */
  readonly usedShort?: number;
  readonly usedLong?: number;
};

/** What a transmitter has sent in the last hour, to be remembered over restarts; times in whole ms, never too little. */
export type AirRecord = {
  readonly ledger: string;
  /** Of each minute, the latest first, which has lasted for `intoMs`. */
  readonly minutesMs: readonly number[];
  readonly intoMs: number;
  /** May be sent after this record and before the next. */
  readonly reserveMs: number;
};

/** What an earlier life has told, and how long ago that was at least when this one began. */
export type AirMemory = { readonly record: AirRecord; readonly elapsedMs: number };

/**
 * What goes before what, and may use up what the others must leave (link document, section 16): acknowledgements and
 * handshakes; routing; small and sparse; the rest; flows that have had much already.
 */
export type AirClass = 'answer' | 'control' | 'interactive' | 'normal' | 'bulk';

/** What a radio does, for people. Times in ms. */
export type RadioInfo = {
  /** As operators know it, without options. */
  readonly uri: string;
  readonly air: AirFacts;
  /** Octets of the largest frame, and how long it is on the air. */
  readonly frameMax: number;
  readonly frameMs: number;
  /** Given to the modem and not sent yet, as far as it tells. */
  readonly pendingMs: number;
  /** Time on the air in the last 15 s and in the last hour. */
  readonly usedShortMs: number;
  readonly usedLongMs: number;
  /** Of each limit of `air`, in its order: counted as used, and free now. */
  readonly limits: readonly { readonly usedMs: number; readonly freeMs: number }[];
  /** From the most urgent on. */
  readonly classes: readonly AirClassInfo[];
  /** What the modem told last, each figure when it was last told. */
  readonly report: AirReport;
};

export type AirClassInfo = {
  readonly airClass: AirClass;
  /** Time on the air since the socket opened. */
  readonly sentMs: number;
  /** What waits, in octets. */
  readonly queuedBytes: number;
  /** Until the largest frame of this class may be sent; 0: now, null: never. */
  readonly waitMs: number | null;
  /** Packets refused because they would have waited too long. */
  readonly refused: number;
};
