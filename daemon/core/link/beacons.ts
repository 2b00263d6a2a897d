/**
 * Beacons of datagram links on one broadcast carrier (link document, section 14): when ours leaves, and whom of those we
 * hear the owner dials. Of two that hear each other the one with the lower key sends an INIT; the other answers with a
 * beacon, so that the lower one hears of it.
 */
import { readLinkBeacon, writeLinkBeacon } from '../../wire/link-beacon.ts';
import { compareOctets, equalOctets, OctetMap } from '../octetmap.ts';
import { Bucket } from '../policy.ts';

/** Everything in ms. */
export type BeaconPace = {
  /** After the first one, which leaves when the carrier opens: so much later. */
  readonly first: readonly number[];
  readonly every: number;
  /** More or less than `every`, at random. */
  readonly spread: number;
  /** Least time between two dials of, or answers to, one identity. */
  readonly rest: number;
  /** An answer waits for a random part of this: many may answer one beacon. */
  readonly answerWithin: number;
};

/** On a LAN and on serial carriers. */
export const BEACON_PACE: BeaconPace = {
  first: [1_000, 3_000, 7_000],
  every: 15_000,
  spread: 2_000,
  rest: 30_000,
  answerWithin: 1_000,
};

/** `slow=halow`. */
export const BEACON_PACE_SLOW: BeaconPace = { ...BEACON_PACE, every: 60_000 };

/** Links with which a radio counts as connected: it sends beacons rarely then. */
const RADIO_LINKS_ENOUGH = 2;

/** On radios. `frameMs` is the time on air of the largest frame, `chance` from 0 up to 1. */
export function radioPace(frameMs: number, links: number, chance: number): BeaconPace {
  const every = links < RADIO_LINKS_ENOUGH ? 600_000 : 3_600_000;
  const first = [(10 + 10 * chance) * frameMs];
  return { first, every, spread: every / 5, rest: 600_000, answerWithin: 4 * frameMs };
}

/** Identities dialled or answered lately. */
const IDENTITIES_MAX = 256;
/** Dials under way, and answers that wait, together. */
const PENDING_MAX = 8;
/** Macs made for strangers: 256 neighbours with two beacons in a second. */
const CHECKS = { perSecond: 512, burst: 512 };
const LABEL = 'ratatosk beacon v1';

/** Why a beacon led to nothing. Our own, and those of identities that are linked, are no drops. */
export type BeaconRefusal =
  | 'beacon malformed'
  | 'beacon rate'
  | 'beacon mac'
  | 'beacon identities full'
  | 'beacon identity lately'
  | 'beacons pending';

export type Heard =
  /** Send one INIT, one attempt, and say `ended` when it has come to anything. */
  | { readonly kind: 'dial'; readonly key: Uint8Array; readonly rxMtu: number }
  /** It will be answered; `due` tells when. */
  | { readonly kind: 'answer' }
  | { readonly kind: 'known' }
  | { readonly kind: 'dropped'; readonly reason: BeaconRefusal };

type Identity = { readonly key: Uint8Array; readonly sinceMs: number; isDialling: boolean };

/** `to`: the address as `heard` was given it; undefined: to everybody. */
export type BeaconOut = { readonly to: Uint8Array | undefined; readonly packet: Uint8Array };

export type BeaconsOptions = {
  readonly key: Uint8Array;
  readonly psk: Uint8Array;
  readonly rxMtu: number;
  readonly pace: BeaconPace;
  /** Sends no beacons, and so dials whomever it hears. */
  readonly isMute: boolean;
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** From 0 up to 1. */
  chance(): number;
};

export class Beacons {
  readonly #options: BeaconsOptions;
  readonly #macKey: Uint8Array;
  readonly #packet: Uint8Array;
  readonly #checks: Bucket;
  readonly #identities: OctetMap<Identity>;
  #pace: BeaconPace;
  #dialling = 0;
  #answers: { readonly to: Uint8Array; readonly atMs: number }[] = [];
  readonly #startedAtMs: number;
  #sent = 0;
  #nextAtMs: number;

  /** The carrier has opened, or come up again: the first beacon is due. */
  constructor(options: BeaconsOptions, nowMs: number) {
    const { key, psk, rxMtu, hmac } = options;
    this.#options = options;
    this.#pace = options.pace;
    this.#macKey = hmac(psk, octetsOf(LABEL));
    this.#packet = writeLinkBeacon(key, rxMtu, (body) => hmac(this.#macKey, body));
    this.#checks = new Bucket(CHECKS, nowMs);
    this.#identities = new OctetMap(key.length, Math.floor(options.chance() * 2 ** 31));
    this.#startedAtMs = nowMs;
    this.#nextAtMs = options.isMute ? Number.POSITIVE_INFINITY : nowMs;
  }

  /** From the next beacon on. */
  setPace(pace: BeaconPace): void {
    this.#pace = pace;
  }

  deadline(): number {
    return this.#answers.reduce((atMs, answer) => Math.min(atMs, answer.atMs), this.#nextAtMs);
  }

  /** What leaves now. */
  due(nowMs: number): BeaconOut[] {
    const packet = this.#packet;
    const out: BeaconOut[] = this.#answers.filter(({ atMs }) => atMs <= nowMs).map(({ to }) => ({ to, packet }));
    this.#answers = this.#answers.filter(({ atMs }) => atMs > nowMs);
    if (nowMs < this.#nextAtMs) return out;
    out.push({ to: undefined, packet });
    const early = this.#pace.first[this.#sent++];
    const pause = this.#pace.every + (2 * this.#options.chance() - 1) * this.#pace.spread;
    this.#nextAtMs = early === undefined ? nowMs + pause : Math.max(nowMs, this.#startedAtMs + early);
    return out;
  }

  /** A packet from `from`, which the owner has checked to be near. `isLinked` tells of an identity. */
  heard(packet: Uint8Array, from: Uint8Array, isLinked: (key: Uint8Array) => boolean, nowMs: number): Heard {
    const beacon = readLinkBeacon(packet);
    if (beacon === undefined) return dropped('beacon malformed');
    const { key, rxMtu, body, mac } = beacon;
    if (equalOctets(key, this.#options.key)) return { kind: 'known' };
    const identity = this.#identities.get(key);
    if (identity?.isDialling) return { kind: 'known' };
    const isResting = identity !== undefined && nowMs < identity.sinceMs + this.#pace.rest;
    if (isResting && !isLinked(key)) return dropped('beacon identity lately');
    if (!this.#checks.take(nowMs)) return dropped('beacon rate');
    if (!isMac(mac, this.#options.hmac(this.#macKey, body))) return dropped('beacon mac');
    if (isLinked(key)) return { kind: 'known' };
    if (this.#dialling + this.#answers.length >= PENDING_MAX) return dropped('beacons pending');
    if (identity !== undefined) this.#identities.delete(key);
    else if (!this.#makeRoom(nowMs)) return dropped('beacon identities full');
    const isDialling = this.#options.isMute || compareOctets(this.#options.key, key) < 0;
    const known = { key: key.slice(), sinceMs: nowMs, isDialling };
    this.#identities.set(key, known);
    if (isDialling) {
      this.#dialling++;
      return { kind: 'dial', key: known.key, rxMtu };
    }
    this.#answers.push({ to: from.slice(), atMs: nowMs + this.#options.chance() * this.#pace.answerWithin });
    return { kind: 'answer' };
  }

  /**
   * What `heard` asked to dial is linked, or will not be. Who is linked has proven its key: it may be dialled again as soon as
   * the link ends, whoever claims that key rests.
   */
  ended(key: Uint8Array, isLinked: boolean): void {
    const identity = this.#identities.get(key);
    if (identity?.isDialling !== true) return;
    this.#dialling--;
    if (isLinked) this.#identities.delete(key);
    else identity.isDialling = false;
  }

  /** For one more identity; those that may be dialled again are forgotten. */
  #makeRoom(nowMs: number): boolean {
    if (this.#identities.size < IDENTITIES_MAX) return true;
    const isOld = ({ sinceMs, isDialling }: Identity): boolean => !isDialling && nowMs >= sinceMs + this.#pace.rest;
    for (const { key } of [...this.#identities.values()].filter(isOld)) this.#identities.delete(key);
    return this.#identities.size < IDENTITIES_MAX;
  }
}

function dropped(reason: BeaconRefusal): Heard {
  return { kind: 'dropped', reason };
}

/** Compares the whole of it, wherever it differs. */
function isMac(mac: Uint8Array, expected: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < mac.length; i++) difference |= (mac[i] as number) ^ (expected[i] as number);
  return difference === 0;
}

function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
