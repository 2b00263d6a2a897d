/**
 * What is known of the spanning tree: the newest announcement of each node, who its ancestors are, and the coordinates
 * that follow (sections 4.4, 4.5).
 */
import type { Announce } from '../../wire/announce.ts';
import { Writer } from '../../wire/cursor.ts';
import { hopCount } from '../../wire/path.ts';
import type { Place } from '../../wire/thin.ts';
import type { Context } from '../context.ts';
import {
  ANNOUNCE_LIFE_MS,
  HOPS_MAX,
  TREE_INFOS_MAX,
  TREE_INFOS_MIN,
  TREE_INFOS_OFF_ANCESTRY,
  TREE_INFOS_PER_PEER,
} from '../limits.ts';
import { compareOctets, equalOctets, OctetMap } from '../octetmap.ts';
import { type Coords, type PublicKey, publicKey } from '../port.ts';

/** A stored announcement. Never changed: a newer one takes its place. */
export type Info = Readonly<Announce> & {
  /** Put off while a peer that would tell us vouches for it (`thin.ts`). */
  expiresAtMs: number;
};

export type Ancestry = {
  /** The node itself first, the last known ancestor last. */
  readonly infos: readonly Info[];
  /** False when the walk ended at an unknown key or in a loop. */
  readonly isRooted: boolean;
  /** Where the walk ended, and how far that is; undefined: nothing is known of the node itself. */
  readonly root: Uint8Array | undefined;
  readonly hops: number;
  /** The walk ended at a node that has told us its place instead of its ancestry. */
  readonly place: Place | undefined;
};

export class Tree {
  /** Changes whenever any coordinates may have changed. */
  version = 0;
  readonly #context: Context;
  readonly #infos: OctetMap<Info>;
  readonly #places: OctetMap<Place>;
  /** Infos on no ancestry at the last look; they are the first to go. */
  #offAncestry = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#infos = new OctetMap(32, context.hashSeed);
    this.#places = new OctetMap(32, context.hashSeed);
  }

  get size(): number {
    return this.#infos.size;
  }

  get(key: Uint8Array): Info | undefined {
    return this.#infos.get(key);
  }

  values(): IterableIterator<Info> {
    return this.#infos.values();
  }

  /** Section 4.4: must be the same in every node, or two of them talk for ever. */
  accepts(incoming: Announce): boolean {
    const stored = this.#infos.get(incoming.key);
    if (stored === undefined) return true;
    if (stored.seq !== incoming.seq) return incoming.seq > stored.seq;
    const order = compareOctets(incoming.parent, stored.parent);
    if (order !== 0) return order < 0;
    return incoming.nonce < stored.nonce;
  }

  /**
   * Stores an announcement that `accepts` allowed, with copies of its octets.
   * @param peers keys whose ancestry must not be evicted
   * @param onEvicted told of what had to make room
   * @returns what it replaced and what is stored now; undefined when the table is full
   */
  put(
    announce: Announce,
    peers: readonly PublicKey[],
    onEvicted: (info: Info) => void = () => {},
  ): { stored: Info; replaced: Info | undefined } | undefined {
    const replaced = this.#infos.get(announce.key);
    if (replaced === undefined && !this.#makeRoom(peers, onEvicted)) return undefined;
    const stored: Info = {
      key: announce.key.slice(),
      parent: announce.parent.slice(),
      seq: announce.seq,
      nonce: announce.nonce,
      port: announce.port,
      psig: announce.psig.slice(),
      sig: announce.sig.slice(),
      expiresAtMs: this.#context.nowMs + ANNOUNCE_LIFE_MS,
    };
    this.#infos.set(stored.key, stored);
    if (replaced === undefined) this.#offAncestry++;
    this.version++;
    return { stored, replaced };
  }

  /** Removes what nobody renewed; our own stays until we replace it. */
  expire(onRemoved: (info: Info) => void): void {
    for (const info of [...this.#infos.values()]) {
      if (info.expiresAtMs > this.#context.nowMs || equalOctets(info.key, this.#context.key)) continue;
      this.#remove(info, onRemoved);
    }
  }

  ancestry(key: Uint8Array): Ancestry {
    const infos: Info[] = [];
    const seen = new Set<Info>();
    let info = this.#infos.get(key);
    let place = this.#places.get(key);
    while (place === undefined && info !== undefined && !seen.has(info)) {
      seen.add(info);
      infos.push(info);
      if (equalOctets(info.key, info.parent)) return walked(infos, true);
      place = this.#places.get(info.parent);
      info = this.#infos.get(info.parent);
    }
    return walked(infos, place !== undefined, place);
  }

  placeOf(key: Uint8Array): Place | undefined {
    return this.#places.get(key);
  }

  /** What a node says of its place goes before all that is known of its ancestry; undefined: no more. */
  setPlace(key: Uint8Array, place: Place | undefined): void {
    if (place !== undefined) this.#places.set(key, place);
    else if (!this.#places.delete(key)) return;
    this.version++;
  }

  /** Empty, like a root's, while an ancestor is unknown. */
  coords(key: Uint8Array): Coords {
    const { infos, isRooted, hops, place } = this.ancestry(key);
    if (!isRooted || hops > HOPS_MAX) return NO_COORDS;
    const start = place?.coords ?? NO_COORDS;
    const writer = new Writer(new Uint8Array(start.length + 10 * infos.length)).octets(start);
    for (let i = infos.length - (place === undefined ? 2 : 1); i >= 0; i--) writer.uvarint((infos[i] as Info).port);
    return writer.written().slice() as Coords;
  }

  /** The end of the walk up from a key: the root as far as it is known. */
  rootOf(key: Uint8Array): PublicKey {
    return publicKey(this.ancestry(key).root ?? key);
  }

  #makeRoom(peers: readonly PublicKey[], onEvicted: (info: Info) => void): boolean {
    const cap = Math.min(TREE_INFOS_MAX, Math.max(TREE_INFOS_MIN, TREE_INFOS_PER_PEER * (peers.length + 1)));
    if (this.#infos.size < cap && this.#offAncestry < TREE_INFOS_OFF_ANCESTRY) return true;
    const needed = new Set<Info>();
    // Of each ancestry only so much that all together fit: nobody fills the table with one deep chain.
    for (const key of [this.#context.key, ...peers]) {
      for (const info of this.ancestry(key).infos.slice(0, TREE_INFOS_PER_PEER)) needed.add(info);
    }
    const spare = [...this.#infos.values()].filter((info) => !needed.has(info));
    const isFull = spare.length >= TREE_INFOS_OFF_ANCESTRY || this.#infos.size >= cap;
    // Some at a time, so that a flood does not walk the whole table for each of its announcements.
    const excess = isFull ? Math.max(spare.length - TREE_INFOS_OFF_ANCESTRY, this.#infos.size - cap) + 64 : 0;
    spare.sort((a, b) => a.expiresAtMs - b.expiresAtMs);
    for (const info of spare.slice(0, excess)) this.#remove(info, onEvicted);
    this.#offAncestry = Math.max(0, spare.length - excess);
    return this.#infos.size < cap;
  }

  #remove(info: Info, onRemoved: (info: Info) => void): void {
    this.#infos.delete(info.key);
    this.version++;
    onRemoved(info);
  }
}

function walked(infos: readonly Info[], isRooted: boolean, place?: Place): Ancestry {
  const last = infos[infos.length - 1];
  if (place === undefined) return { infos, isRooted, root: last?.key, hops: Math.max(0, infos.length - 1), place };
  return { infos, isRooted, root: place.root, hops: infos.length + hopCount(place.coords), place };
}

const NO_COORDS = new Uint8Array(0) as Coords;
