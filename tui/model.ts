/**
 * What the dashboard knows of its daemon: the sum of what was pushed. A value machine: pushes and times go in, views read. Live
 * and from a recording it is the same.
 */
import { History, type Sample } from './history.ts';
import {
  type Happening,
  listOf,
  type Members,
  membersOf,
  numberOf,
  type Path,
  type Peer,
  type Radio,
  type Rule,
  readEvent,
  readPath,
  readPeer,
  readRadio,
  readRule,
  readSession,
  readStats,
  readStatus,
  readTreeNode,
  type Session,
  type Stats,
  type Status,
  type TreeNode,
  textOf,
} from './reading.ts';

export const TOPICS = ['events', 'status', 'stats', 'peers', 'sessions', 'paths', 'tree', 'radio', 'firewall'] as const;

const EVENTS_MAX = 2_000;
/** Of any table, whatever the daemon sends. */
const ROWS_MAX = 20_000;
const SAMPLE_MS = 1_000;
/** A session not told of for so long, while other things were, has carried nothing. */
const SILENT_MS = 2_500;
/** After a gap, as in a machine that slept, so many samples are filled in at most. */
const CATCH_UP = 600;

/** The history of the whole node. */
export const TOTAL = '';

export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost'; readonly reason: string; readonly sinceMs: number };

/** Rows by their ids, and how many there are at the daemon, which sends the most active ones. */
export type Table<T> = { readonly rows: Map<string, T>; total: number };

const table = <T>(): Table<T> => ({ rows: new Map<string, T>(), total: 0 });

export class Model {
  connection: Connection = { kind: 'connecting' };
  status: Status | undefined;
  stats: Stats | undefined;
  firewall: { readonly refused: number; readonly table: string; readonly interfaceName: string } | undefined;
  readonly peers = table<Peer>();
  readonly sessions = table<Session>();
  readonly paths = table<Path>();
  readonly tree = table<TreeNode>();
  readonly radios = table<Radio>();
  readonly rules = table<Rule>();
  /** The oldest first. */
  readonly events: Happening[] = [];
  readonly history = new History();
  /** Dropped packets per second, by reason. */
  readonly dropRates = new Map<string, number>();
  /** Unix time of the latest push or second. */
  nowMs = 0;
  /** Topics told of since the connection was made. */
  readonly told = new Set<string>();
  #toldAtMs = 0;
  #statsAtMs = 0;
  #nextSampleMs = 0;
  readonly #eventIds = new Set<string>();

  /** A pushed response. Whatever it is, it does no harm. */
  push(response: unknown, atMs: number): void {
    this.advance(atMs);
    this.#toldAtMs = atMs;
    const message = membersOf(response);
    const topic = textOf(message.topic);
    this.told.add(topic);
    switch (topic) {
      case 'events':
        return this.#addEvent(readEvent(message));
      case 'status':
        this.status = readStatus(message.value, atMs);
        return;
      case 'stats':
        return this.#takeStats(readStats(message.value), atMs);
      case 'peers':
        return take(this.peers, message, (row, id) => readPeer(row, id, atMs));
      case 'sessions':
        return take(this.sessions, message, (row, id, before) => readSession(row, id, atMs, before));
      case 'paths':
        return take(this.paths, message, readPath);
      case 'tree':
        return take(this.tree, message, readTreeNode);
      case 'radio':
        return take(this.radios, message, readRadio);
      case 'firewall':
        return this.#takeFirewall(message);
      default:
        this.told.delete(topic);
    }
  }

  /** The answer to `getEvents`: what happened before. */
  recall(events: readonly unknown[]): void {
    const earlier = events.map(readEvent).filter(({ id }) => !this.#eventIds.has(id));
    for (const { id } of earlier) this.#eventIds.add(id);
    this.events.unshift(...earlier);
    this.events.sort((a, b) => a.atMs - b.atMs);
    this.#forgetEvents();
  }

  connected(): void {
    this.connection = { kind: 'live' };
    // The first push of each table is whole.
    this.told.clear();
    for (const { rows } of [this.peers, this.sessions, this.paths, this.tree, this.radios, this.rules]) rows.clear();
  }

  lost(reason: string, atMs: number): void {
    this.advance(atMs);
    const sinceMs = this.connection.kind === 'lost' ? this.connection.sinceMs : atMs;
    this.connection = { kind: 'lost', reason: reason.slice(0, 500), sinceMs };
  }

  /** Time goes on: samples are taken each second. */
  advance(atMs: number): void {
    if (atMs <= this.nowMs) return;
    this.nowMs = atMs;
    if (this.#nextSampleMs === 0 || atMs - this.#nextSampleMs > CATCH_UP * SAMPLE_MS) this.#nextSampleMs = atMs;
    while (this.#nextSampleMs <= atMs) {
      this.#nextSampleMs += SAMPLE_MS;
      this.history.sample(this.#samples());
    }
  }

  /** What the operator calls a node; empty: nothing. */
  nameOf({ key, address }: { readonly key: string; readonly address: string }): string {
    const names = this.status?.names;
    return names === undefined || names.size === 0 ? '' : (names.get(key) ?? names.get(address) ?? '');
  }

  get isLive(): boolean {
    return this.connection.kind === 'live';
  }

  /** Octets per second over all links. */
  rates(): { in: number; out: number } {
    const sum = { in: 0, out: 0 };
    for (const { rateIn, rateOut } of this.peers.rows.values()) {
      sum.in += rateIn;
      sum.out += rateOut;
    }
    return sum;
  }

  /** Of a session now: rows that do not change are not told again. */
  sessionRates({ toldAtMs, rateIn, rateOut }: Session): { in: number; out: number } {
    return this.#toldAtMs - toldAtMs > SILENT_MS ? { in: 0, out: 0 } : { in: rateIn, out: rateOut };
  }

  *#samples(): Iterable<readonly [string, Sample]> {
    const isLive = this.isLive;
    const gap = { in: Number.NaN, out: Number.NaN, rtt: Number.NaN };
    yield [TOTAL, isLive && this.told.has('peers') ? { ...this.rates(), rtt: Number.NaN } : gap];
    for (const { id, isUp, rateIn, rateOut, rttMs } of this.peers.rows.values()) {
      const sample = { in: rateIn, out: rateOut, rtt: rttMs ?? Number.NaN };
      yield [`peer ${id}`, isLive && isUp ? sample : gap];
    }
    for (const session of this.sessions.rows.values()) {
      yield [`session ${session.id}`, isLive ? { ...this.sessionRates(session), rtt: Number.NaN } : gap];
    }
    for (const { id, used15s, channelLoad } of this.radios.rows.values()) {
      yield [`radio ${id}`, isLive ? { in: channelLoad ?? Number.NaN, out: used15s / 15, rtt: Number.NaN } : gap];
    }
  }

  #takeStats(stats: Stats, atMs: number): void {
    const seconds = (atMs - this.#statsAtMs) / 1_000;
    for (const [reason, count] of stats.drops) {
      const before = this.stats?.drops.get(reason);
      this.dropRates.set(reason, before === undefined || seconds <= 0 ? 0 : Math.max(0, (count - before) / seconds));
    }
    this.#statsAtMs = atMs;
    this.stats = stats;
  }

  #takeFirewall(message: Members): void {
    const value = membersOf(message.value);
    const all = message.value === undefined ? message : { rows: listOf(value.rules) };
    if (message.value !== undefined) {
      this.firewall = {
        refused: numberOf(value.refused) ?? 0,
        table: textOf(value.table),
        interfaceName: textOf(value.interface),
      };
      this.rules.rows.clear();
    }
    take(this.rules, all, readRule);
  }

  #addEvent(event: Happening): void {
    if (this.#eventIds.has(event.id)) return;
    this.#eventIds.add(event.id);
    this.events.push(event);
    this.#forgetEvents();
  }

  #forgetEvents(): void {
    const excess = this.events.length - EVENTS_MAX;
    if (excess > 0) for (const { id } of this.events.splice(0, excess)) this.#eventIds.delete(id);
  }
}

function take<T>(to: Table<T>, message: Members, read: (row: unknown, id: string, before: T | undefined) => T): void {
  for (const id of listOf(message.gone)) to.rows.delete(textOf(id));
  for (const [i, row] of listOf(message.rows).entries()) {
    const id = idOf(row, i);
    if (to.rows.has(id) || to.rows.size < ROWS_MAX) to.rows.set(id, read(row, id, to.rows.get(id)));
  }
  to.total = Math.max(numberOf(message.total) ?? 0, to.rows.size);
}

/** A row without an id is known by what it is about. */
function idOf(row: unknown, index: number): string {
  const { id, key, remote, rule } = membersOf(row);
  return textOf(id) || textOf(rule) || textOf(key) + textOf(remote) || String(index);
}
