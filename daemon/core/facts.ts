/** What the core tells about itself, as plain data that can cross to another thread. */
import type { LinkId, PublicKey } from './port.ts';

export type SelfInfo = {
  key: PublicKey;
  /** 16 octets. */
  address: Uint8Array;
  /** 8 octets. */
  subnet: Uint8Array;
  root: PublicKey;
  parent: PublicKey;
  /** Own ports from the root down, as text (ports are 64-bit). */
  coords: string[];
  routingEntries: number;
};

/** One link of a peer. A peer with several links has several. */
export type LinkInfo = {
  link: LinkId;
  uri: string;
  isInbound: boolean;
  isConfigured: boolean;
  /** Made by discovery, at this end. */
  isDiscovered: boolean;
  /** Empty until the greeting has been accepted. */
  key: PublicKey | undefined;
  /** The carrier has proven the key. */
  isBound: boolean;
  port: number;
  priority: number;
  cost: number;
  rttMs: number;
  /** For how long it has been up. */
  upMs: number;
  bytesReceived: number;
  bytesSent: number;
  queuedBytes: number;
  /** Packets lost in its queues. */
  lostPackets: number;
  /** Share of the latest records that were lost: of ours on radio, otherwise of the other side's; undefined: it cannot tell. */
  lossShare: number | undefined;
};

/** Some rows of a table, and how many it has. */
export type Look<Row> = { rows: Row[]; total: number };

export type TreeInfo = { key: PublicKey; parent: PublicKey; seq: bigint };
export type PathInfo = { key: PublicKey; ports: string[]; seq: bigint };
export type SessionInfo = {
  key: PublicKey;
  kind: 'ironwood' | 'e2e';
  bytesReceived: number;
  bytesSent: number;
  upMs: number;
  /** Of the keys that seal now; undefined for `ironwood`, where they change with the traffic. */
  keyAgeMs: number | undefined;
};

/** How full the tables and queues of a node are. */
export type Sizes = {
  /** Of those that are up. */
  readonly links: number;
  /** By kind. */
  readonly sessions: Record<'ironwood' | 'e2e', number>;
  readonly tables: Record<'tree' | 'paths', number>;
  readonly queuedBytes: Record<'tun' | 'links', number>;
};

/** Named counters; packets dropped and links ended by us, by reason. */
export type StatsInfo = {
  drops: Record<string, number>;
  counters: Record<string, number>;
  closes: Record<string, number>;
};
