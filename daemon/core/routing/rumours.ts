/**
 * Lookups of ours that run: what for, since when, how often it was asked, and one packet each that waits for the answer
 * (section 4.7). Keeps no clock.
 */
import type { Context } from '../context.ts';
import type { LookupFacts } from '../explain/facts.ts';
import { bloomItem } from '../identity.ts';
import {
  LOOKUP_BACKOFF_MS,
  OWN_LOOKUPS,
  RUMOUR_BYTES,
  RUMOUR_LIFE_MS,
  RUMOUR_WANTED_MS,
  RUMOURS_MAX,
} from '../limits.ts';
import { equalOctets, OctetMap } from '../octetmap.ts';
import { Bucket } from '../policy.ts';
import type { PublicKey } from '../port.ts';
import { filterHas, filterPositions } from './bloom.ts';
import type { Blooms } from './blooms.ts';
import type { PathNews } from './path-news.ts';
import type { Peer } from './peers.ts';

export type Rumour = {
  readonly item: Uint8Array;
  readonly positions: Uint16Array;
  /** What was looked up, whole or partial. */
  target: Uint8Array;
  nextAtMs: number;
  /** When it began; how often and when it was asked since, until an answer came. */
  sinceMs: number;
  asked: number;
  askedMs: number;
  /** It has been told that nobody answers. */
  isTold: boolean;
  /** Something waits for the answer at least until then. */
  wantedUntilMs: number;
  backoffMs: number;
  expiresAtMs: number;
  packet: { dest: PublicKey; payload: Uint8Array } | undefined;
};

/** What is looked for, as filters know it. */
export type Wanted = { readonly item: Uint8Array; readonly positions: Uint16Array };

export class Rumours {
  readonly #context: Context;
  readonly #blooms: Blooms;
  readonly #news: PathNews;
  readonly #send: (target: Uint8Array, wanted: Wanted) => void;
  readonly #rumours: OctetMap<Rumour>;
  readonly #budget: Bucket;
  #bytes = 0;

  /** `send` asks the peers that may know. */
  constructor(context: Context, blooms: Blooms, news: PathNews, send: (target: Uint8Array, wanted: Wanted) => void) {
    this.#context = context;
    this.#blooms = blooms;
    this.#news = news;
    this.#send = send;
    this.#rumours = new OctetMap(32, context.hashSeed);
    this.#budget = new Bucket(OWN_LOOKUPS, context.nowMs);
  }

  get size(): number {
    return this.#rumours.size;
  }

  get(target: Uint8Array): Rumour | undefined {
    return this.#rumours.get(bloomItem(target));
  }

  /** Something waits for the answer from now on. */
  want(target: Uint8Array): void {
    const rumour = this.#rumour(target);
    if (rumour === undefined) return;
    const { nowMs } = this.#context;
    rumour.expiresAtMs = nowMs + RUMOUR_LIFE_MS;
    rumour.wantedUntilMs = nowMs + RUMOUR_WANTED_MS;
    rumour.target = target.slice();
    this.#ask(rumour, 0);
  }

  /** Makes room for a payload that waits for the answer, in place of an older one; does not ask. */
  keep(dest: PublicKey, size: number): Uint8Array | undefined {
    const rumour = this.#rumour(dest);
    if (rumour === undefined) return undefined;
    const before = rumour.packet?.payload.length ?? 0;
    if (this.#bytes - before + size > RUMOUR_BYTES) {
      this.#context.stats.drop('rumours full');
      return undefined;
    }
    if (rumour.packet !== undefined) this.#context.stats.drop('rumour packet replaced');
    this.#bytes += size - before;
    const payload = new Uint8Array(size);
    rumour.packet = { dest, payload };
    return payload;
  }

  /** A path to this key is known now: gives what waits for it. */
  settle(rumour: Rumour, key: PublicKey): Uint8Array | undefined {
    const { packet } = rumour;
    if (packet !== undefined && equalOctets(packet.dest, key)) {
      this.#forget(rumour);
      return packet.payload;
    }
    rumour.backoffMs = LOOKUP_BACKOFF_MS.first;
    rumour.wantedUntilMs = 0;
    rumour.asked = 0;
    rumour.isTold = false;
    return undefined;
  }

  /** What has become of the search for a whole or partial key; undefined: nobody has looked for it. */
  facts(target: Uint8Array): LookupFacts | undefined {
    const rumour = this.get(target);
    if (rumour === undefined) return undefined;
    const { nowMs } = this.#context;
    return {
      sinceMs: nowMs - rumour.sinceMs,
      asked: rumour.asked,
      askedAgoMs: rumour.asked === 0 ? undefined : nowMs - rumour.askedMs,
      nextInMs: Math.max(0, rumour.nextAtMs - nowMs),
      isWaitedFor: rumour.packet !== undefined || rumour.wantedUntilMs > nowMs,
    };
  }

  /** A filter that a peer sent may say where something is that we look for: ask again at once. */
  filterChanged(peer: Peer, before: Uint32Array): void {
    if (!peer.isOnTree) return;
    const { nowMs } = this.#context;
    for (const rumour of this.#rumours.values()) {
      if (rumour.packet === undefined && rumour.wantedUntilMs <= nowMs) continue;
      if (!filterHas(peer.recvFilter, rumour.positions) || filterHas(before, rumour.positions)) continue;
      rumour.backoffMs = LOOKUP_BACKOFF_MS.first;
      rumour.nextAtMs = nowMs;
      this.#ask(rumour, OWN_LOOKUPS.burst / 2);
    }
  }

  /**
   * Once a round: forgets what has outlived itself, and asks again for whom something waits. The first question may
   * have gone unheard, as every one does before a new peer holds our announcement.
   */
  round(): void {
    const { nowMs } = this.#context;
    for (const rumour of [...this.#rumours.values()]) {
      if (rumour.asked > 0 && !rumour.isTold && nowMs - rumour.sinceMs >= RUMOUR_WANTED_MS) {
        rumour.isTold = true;
        this.#news.unanswered(rumour.target, rumour.asked);
      }
      if (rumour.expiresAtMs <= nowMs) this.#forget(rumour);
      else if (rumour.packet !== undefined || rumour.wantedUntilMs > nowMs) this.#ask(rumour, OWN_LOOKUPS.burst / 2);
    }
  }

  /** Asks, if it is time and a peer may know; a question that nobody would hear costs nothing and delays no later one. */
  #ask(rumour: Rumour, reserve: number): void {
    const { nowMs, stats } = this.#context;
    if (nowMs < rumour.nextAtMs || this.#blooms.targets(rumour.positions, undefined).next().done === true) return;
    if (!this.#budget.take(nowMs, reserve)) return stats.drop('lookup rate own');
    rumour.nextAtMs = nowMs + rumour.backoffMs;
    if (rumour.asked === 0) rumour.sinceMs = nowMs;
    rumour.asked++;
    rumour.askedMs = nowMs;
    rumour.backoffMs = Math.min(rumour.backoffMs * 2, LOOKUP_BACKOFF_MS.cap);
    stats.count('lookupsSent');
    this.#send(rumour.target, rumour);
  }

  #rumour(target: Uint8Array): Rumour | undefined {
    const item = bloomItem(target);
    const existing = this.#rumours.get(item);
    if (existing !== undefined) return existing;
    if (this.#rumours.size >= RUMOURS_MAX) {
      this.#context.stats.drop('rumours full');
      return undefined;
    }
    const rumour: Rumour = {
      item,
      positions: filterPositions(item),
      target: target.slice(),
      nextAtMs: this.#context.nowMs,
      sinceMs: this.#context.nowMs,
      asked: 0,
      askedMs: 0,
      isTold: false,
      wantedUntilMs: 0,
      backoffMs: LOOKUP_BACKOFF_MS.first,
      expiresAtMs: this.#context.nowMs + RUMOUR_LIFE_MS,
      packet: undefined,
    };
    this.#rumours.set(item, rumour);
    return rumour;
  }

  #forget(rumour: Rumour): void {
    this.#bytes -= rumour.packet?.payload.length ?? 0;
    this.#rumours.delete(rumour.item);
  }
}
