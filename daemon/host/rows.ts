/** Rows of tables as the admin socket tells them, the same in answers and in pushes. */
import type { PathInfo, SessionInfo, TreeInfo } from '../core/port.ts';
import { addressText, hexText } from './address.ts';
import type { NodeAnswer, PathAnswer, PeerAnswer, SessionAnswer, TreeAnswer } from './answers.ts';
import type { PeerCounts, PeerRow } from './commands.ts';
import type { Rates } from './rates.ts';

export type RowContext = {
  /** 16 octets from a key of 32. */
  readonly addressOf: (key: Uint8Array) => Uint8Array;
  readonly rates: Rates;
};

/** Members that are zero or empty are left out where Go's structure says so. */
export function peerJson(context: RowContext, row: PeerRow): PeerAnswer {
  const { link } = row;
  const rate = context.rates.of(row);
  const hasError = row.lastError !== undefined && row.lastError !== '';
  return {
    remote: row.uri === '' ? undefined : row.uri,
    up: row.isUp,
    inbound: row.isInbound,
    discovered: link?.isDiscovered || undefined,
    address: link?.key === undefined ? undefined : addressText(context.addressOf(link.key)),
    key: link?.key === undefined ? '' : hexText(link.key),
    bound: link?.isBound || undefined,
    port: link?.port ?? 0,
    priority: link?.priority ?? 0,
    cost: Math.round(link?.cost ?? 0),
    bytes_recvd: link?.bytesReceived || undefined,
    bytes_sent: link?.bytesSent || undefined,
    rate_recvd: rate.received || undefined,
    rate_sent: rate.sent || undefined,
    uptime: link === undefined ? undefined : link.upMs / 1000 || undefined,
    latency: nanoseconds(link?.rttMs) || undefined,
    last_error_time: hasError ? nanoseconds(row.lastErrorAgeMs) || undefined : undefined,
    last_error: hasError ? row.lastError : undefined,
    configured: row.isConfigured || undefined,
    kind: schemeOf(row.uri),
    state: row.isUp ? 'up' : link !== undefined ? 'greeting' : row.isTrying ? 'connecting' : 'waiting',
    queued: link?.queuedBytes || undefined,
    dropped: link?.lostPackets || undefined,
    loss: link?.lossShare === undefined ? undefined : Math.round(link.lossShare * 1_000) / 1_000,
  };
}

/** Peers of the configuration, of which several links may share a modem or URI, and links that are up. */
export function countPeers(rows: readonly PeerRow[]): PeerCounts {
  const configured = new Set(rows.filter((row) => row.isConfigured).map(({ uri }) => uri));
  return { configured: configured.size, up: rows.filter((row) => row.isUp).length };
}

/** In lower case; empty where there is none. */
export function schemeOf(uri: string): string {
  return /^[a-z][a-z0-9]*(?=:)/i.exec(uri)?.[0].toLowerCase() ?? '';
}

export function treeJson(context: RowContext, { key, parent, seq }: TreeInfo): TreeAnswer {
  return { ...nodeJson(context, key), parent: hexText(parent), sequence: seq };
}

export function pathJson(context: RowContext, { key, ports, seq }: PathInfo): PathAnswer {
  return { ...nodeJson(context, key), path: ports.map(BigInt), sequence: seq };
}

export function sessionJson(context: RowContext, session: SessionInfo): SessionAnswer {
  const { key, kind, bytesReceived, bytesSent, upMs, keyAgeMs } = session;
  return {
    ...nodeJson(context, key),
    bytes_recvd: bytesReceived,
    bytes_sent: bytesSent,
    uptime: upMs / 1000,
    kind,
    key_age: keyAgeMs === undefined ? undefined : keyAgeMs / 1000,
  };
}

function nodeJson(context: RowContext, key: Uint8Array): NodeAnswer {
  return { address: addressText(context.addressOf(key)), key: hexText(key) };
}

export function nanoseconds(ms: number): number;
export function nanoseconds(ms: number | undefined): number | undefined;
export function nanoseconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 1e6);
}

export function sortedPeers(rows: readonly PeerRow[], sort: string): PeerRow[] {
  const cost = (a: PeerRow, b: PeerRow): number => (a.link?.cost ?? 0) - (b.link?.cost ?? 0);
  const uptime = (a: PeerRow, b: PeerRow): number => (b.link?.upMs ?? 0) - (a.link?.upMs ?? 0);
  const priority = (a: PeerRow, b: PeerRow): number => (a.link?.priority ?? 0) - (b.link?.priority ?? 0);
  const usual = (a: PeerRow, b: PeerRow): number =>
    Number(a.isInbound) - Number(b.isInbound) || compareKeys(a, b) || priority(a, b) || cost(a, b) || uptime(a, b);
  const first = { uptime, cost }[sort.toLowerCase()] ?? (() => 0);
  return [...rows].sort((a, b) => first(a, b) || usual(a, b));
}

function compareKeys(a: PeerRow, b: PeerRow): number {
  return compareOctets(a.link?.key, b.link?.key);
}

function compareOctets(a: Uint8Array | undefined, b: Uint8Array | undefined): number {
  return Buffer.compare(a ?? Buffer.alloc(0), b ?? Buffer.alloc(0));
}

export function byKey<T extends { key: Uint8Array }>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => compareOctets(a.key, b.key));
}
