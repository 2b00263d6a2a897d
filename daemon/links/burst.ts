/**
 * What an RNode holds, which does not say when it has sent it. It is over when the modem's own count of its air time has grown by it;
 * where that is not seen, when the time that it should take has passed and the modem answers, which it does not while it transmits.
 */

/** The modem's formula is not quite ours, so the burst is over when less than this part of its smallest frame is missing. */
const FRAME_SHARE = 0.5;
/** The count is of this part of the clock and of the one before: at its turn the older one falls out. */
const BIN_MS = 7_500;
/** Reports of two bins that are remembered. */
const GROWTH_MAX = 128;
/** Reports come once a second: a longer silence is a transmission. */
const SILENCE_MS = 1_200;
/** Beside air time and access: the cable, the modem's own loop. */
const MARGIN_MS = 300;
const ASK_AGAIN_MS = 1_000;
const ASKS_MAX = 5;
/** It holds 6 144 octets (some 5 120, and 24 packets), and cuts without a word what is more. */
const OCTETS_MAX = 5_100;
const FRAMES_MAX = 20;

export class Burst {
  /** Of all frames of the burst. */
  airMs = 0;
  #frames = 0;
  #octets = 0;
  /** Of the burst before, if nobody has seen that it was over. */
  #doubtfulOctets = 0;
  #smallestMs = Number.POSITIVE_INFINITY;
  #accessMs = 0;
  #beganMs = 0;
  #postponedMs = 0;
  #countMs: number | undefined;
  #countedAtMs = 0;
  /** By how much the count grew, and when, as long as that may be in it. */
  #growth: { readonly atMs: number; readonly ms: number }[] = [];
  /** Since the burst began. */
  #grownMs = 0;
  #asks = 0;
  #askAtMs = Number.POSITIVE_INFINITY;

  hasRoom(octets: number): boolean {
    const held = this.#octets + octets;
    return this.#frames < FRAMES_MAX && held + this.#doubtfulOctets <= OCTETS_MAX;
  }

  /** @param accessMs the longest wait for the channel that this frame adds, while nobody else sends */
  add(octets: number, airMs: number, accessMs: number, nowMs: number): void {
    if (this.#frames === 0) this.#beganMs = nowMs;
    this.#frames++;
    this.#octets += octets;
    this.airMs += airMs;
    this.#smallestMs = Math.min(this.#smallestMs, airMs);
    this.#accessMs += accessMs;
    this.#asks = 0;
    this.#plan();
  }

  /** It is over. `isSeen`: the modem no longer holds any of it. */
  clear(isSeen: boolean): void {
    this.#doubtfulOctets = isSeen ? 0 : this.#octets;
    this.airMs = 0;
    this.#frames = 0;
    this.#octets = 0;
    this.#smallestMs = Number.POSITIVE_INFINITY;
    this.#accessMs = 0;
    this.#postponedMs = 0;
    this.#grownMs = 0;
    this.#asks = 0;
    this.#askAtMs = Number.POSITIVE_INFINITY;
  }

  /** Something was heard meanwhile. */
  postpone(ms: number): void {
    if (this.#frames === 0 || this.#asks > 0) return;
    this.#postponedMs += ms;
    this.#plan();
  }

  /** The modem has counted so much air time lately. True: the burst is over. */
  counted(totalMs: number, nowMs: number): boolean {
    const silentMs = nowMs - this.#countedAtMs;
    const grownMs = this.#grow(totalMs, nowMs);
    this.#countedAtMs = nowMs;
    if (this.#frames === 0) return false;
    this.#grownMs += grownMs;
    const enoughMs = this.airMs - FRAME_SHARE * this.#smallestMs;
    if (nowMs - this.#beganMs < enoughMs) return false;
    return this.#grownMs >= enoughMs || silentMs >= Math.max(enoughMs, SILENCE_MS);
  }

  deadline(): number {
    return this.#askAtMs;
  }

  /** At its deadline: the modem is to be asked whether it has room, or has not answered for too long. */
  look(nowMs: number): 'ask' | 'over' | undefined {
    if (nowMs < this.#askAtMs) return undefined;
    if (this.#asks++ >= ASKS_MAX) return 'over';
    this.#askAtMs = nowMs + ASK_AGAIN_MS;
    return 'ask';
  }

  /** It has room. True: it was asked, so the burst is over. */
  answered(): boolean {
    return this.#frames > 0 && this.#asks > 0;
  }

  #grow(totalMs: number, nowMs: number): number {
    const before = this.#countMs;
    this.#countMs = totalMs;
    if (before === undefined) return 0;
    // A bin has fallen out, and with it what grew before the one that is now the older.
    if (totalMs < before) this.#growth = this.#growth.filter(({ atMs }) => atMs > nowMs - BIN_MS);
    const kept = totalMs < before ? this.#growth.reduce((sum, { ms }) => sum + ms, 0) : before;
    const ms = Math.max(0, totalMs - kept);
    if (ms > 0) this.#growth.push({ atMs: nowMs, ms });
    if (this.#growth.length > GROWTH_MAX) this.#growth.shift();
    return ms;
  }

  #plan(): void {
    this.#askAtMs = this.#beganMs + this.#postponedMs + this.airMs + this.#accessMs + MARGIN_MS;
  }
}
