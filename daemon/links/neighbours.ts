/**
 * Who on the LAN is dialled when: a value machine that hears beacons (section 3.3) and names whom to dial. Everything that
 * any host of the LAN can cause has its cap here.
 *
 *     unknown ──heard──▶ dialling ──linked──▶ linked
 *        ▲                   └─────ended────────┤
 *        └──────── 10 s after the dial ◀── resting
 */
import { timingSafeEqual } from 'node:crypto';
import { type Beacon, readBeacon } from '../wire/beacon.ts';
import { VERSION_MAJOR, VERSION_MINOR } from '../wire/greeting.ts';
import { isLinkLocal, type Place, withoutZone } from './interfaces.ts';

/** Of one source; an honest one sends one in a second at most. */
const BEACONS_PER_SECOND = 5;
/** Sources remembered for the rate above, for so long after their last beacon: the longest honest pause is 17 s. */
const SOURCES_MAX = 256;
const SOURCE_LIFE_MS = 20_000;
/** Neighbours that are linked, dialled, or were so lately. */
const NEIGHBOURS_MAX = 256;
/** Between two dials of one key. */
const DIAL_EVERY_MS = 10_000;
/** Dials under way. */
const DIALS_MAX = 8;

const DROPS = [
  'beacon malformed',
  'beacon source not link-local',
  'beacon of another interface',
  'beacon sources full',
  'beacon rate',
  'beacon version',
  'beacon password',
  'beacon neighbours full',
  'beacon dialled lately',
  'beacon dials pending',
] as const;

/** Why a beacon led to nothing. Our own, and those of neighbours that are linked, are no drops. */
export type BeaconDrop = (typeof DROPS)[number];

/** To dial: from `heard` until `ended`. The object is its name. */
export type Neighbour = {
  readonly key: Uint8Array;
  /** With zone. */
  readonly address: string;
  readonly port: number;
  readonly place: Place;
};

type Entry = { readonly neighbour: Neighbour; state: 'dialling' | 'linked' | 'resting'; readonly dialledAtMs: number };

type Source = { tokens: number; atMs: number };

export class Neighbours {
  readonly dropped = Object.fromEntries(DROPS.map((reason) => [reason, 0])) as Record<BeaconDrop, number>;
  readonly #ownKey: Uint8Array;
  readonly #hash: (password: Uint8Array, key: Uint8Array) => Uint8Array;
  readonly #sources = new Map<string, Source>();
  readonly #entries = new Map<string, Entry>();

  /** `hash` is BLAKE2b-512 of the key, keyed with the password. */
  constructor(ownKey: Uint8Array, hash: (password: Uint8Array, key: Uint8Array) => Uint8Array) {
    this.#ownKey = ownKey;
    this.#hash = hash;
  }

  /** A datagram came to the group on `place`, from an address with its zone. Answers whom to dial now, if anybody. */
  heard(datagram: Uint8Array, from: string, place: Place, nowMs: number): Neighbour | undefined {
    const beacon = readBeacon(datagram);
    if (beacon === undefined) return this.#drop('beacon malformed');
    if (!isLinkLocal(from)) return this.#drop('beacon source not link-local');
    const address = `${withoutZone(from)}%${place.name}`;
    if (from !== address) return this.#drop('beacon of another interface');
    if (isEqual(beacon.key, this.#ownKey)) return undefined;
    const refusal = this.#countSource(address, nowMs) ?? this.#check(beacon, place);
    if (refusal !== undefined) return this.#drop(refusal);
    return this.#choose({ key: beacon.key.slice(), address, port: beacon.port, place }, nowMs);
  }

  linked(neighbour: Neighbour): void {
    const entry = this.#entryOf(neighbour);
    if (entry !== undefined) entry.state = 'linked';
  }

  /** The dial has failed, or the link has ended: the next beacon may cause another. */
  ended(neighbour: Neighbour): void {
    const entry = this.#entryOf(neighbour);
    if (entry !== undefined) entry.state = 'resting';
  }

  #drop(reason: BeaconDrop): undefined {
    this.dropped[reason]++;
  }

  #countSource(address: string, nowMs: number): BeaconDrop | undefined {
    let source = this.#sources.get(address);
    if (source === undefined) {
      if (this.#sources.size >= SOURCES_MAX) forgetOld(this.#sources, ({ atMs }) => atMs <= nowMs - SOURCE_LIFE_MS);
      if (this.#sources.size >= SOURCES_MAX) return 'beacon sources full';
      source = { tokens: BEACONS_PER_SECOND, atMs: nowMs };
      this.#sources.set(address, source);
    }
    source.tokens = Math.min(BEACONS_PER_SECOND, source.tokens + ((nowMs - source.atMs) / 1_000) * BEACONS_PER_SECOND);
    source.atMs = nowMs;
    if (source.tokens < 1) return 'beacon rate';
    source.tokens--;
    return undefined;
  }

  #check(beacon: Beacon, { rule }: Place): BeaconDrop | undefined {
    if (beacon.major !== VERSION_MAJOR || beacon.minor !== VERSION_MINOR) return 'beacon version';
    if (beacon.port === 0) return 'beacon malformed';
    // Both have 64 octets: the decoder takes no other.
    return timingSafeEqual(beacon.hash, this.#hash(rule.password, beacon.key)) ? undefined : 'beacon password';
  }

  #choose(neighbour: Neighbour, nowMs: number): Neighbour | undefined {
    const isRested = (entry: Entry): boolean => entry.state === 'resting' && entry.dialledAtMs <= nowMs - DIAL_EVERY_MS;
    const name = nameOf(neighbour);
    const entry = this.#entries.get(name);
    if (entry !== undefined && entry.state !== 'resting') return undefined;
    let dialling = 0;
    for (const { neighbour: other, state, dialledAtMs } of this.#entries.values()) {
      if (state === 'dialling') dialling++;
      const isLate = dialledAtMs > nowMs - DIAL_EVERY_MS;
      if (isLate && isEqual(other.key, neighbour.key)) return this.#drop('beacon dialled lately');
    }
    if (dialling >= DIALS_MAX) return this.#drop('beacon dials pending');
    if (entry === undefined && this.#entries.size >= NEIGHBOURS_MAX) forgetOld(this.#entries, isRested);
    if (entry === undefined && this.#entries.size >= NEIGHBOURS_MAX) return this.#drop('beacon neighbours full');
    this.#entries.set(name, { neighbour, state: 'dialling', dialledAtMs: nowMs });
    return neighbour;
  }

  #entryOf(neighbour: Neighbour): Entry | undefined {
    const entry = this.#entries.get(nameOf(neighbour));
    return entry?.neighbour === neighbour ? entry : undefined;
  }
}

/** One that is heard on two interfaces is a neighbour on each. */
function nameOf({ key, place }: Neighbour): string {
  return `${Buffer.from(key).toString('hex')} ${place.name}`;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function forgetOld<V>(map: Map<string, V>, isOld: (value: V) => boolean): void {
  for (const [name, value] of map) if (isOld(value)) map.delete(name);
}
