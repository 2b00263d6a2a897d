/**
 * What the host thread asks of the router thread, and what it is told. Plain data: it crosses by structured clone.
 */
import type {
  AirMemory,
  AirRecord,
  CoreEvent,
  E2eMode,
  LinkInfo,
  Look,
  LookupSeen,
  PathInfo,
  QueryTopic,
  RadioInfo,
  SelfInfo,
  SessionInfo,
  Sizes,
  StatsInfo,
  TreeInfo,
  Verdict,
  WhyAround,
  WhyFacts,
  WhyTarget,
} from '../core/port.ts';
import type { EventKind } from './events.ts';
import type { HeapInfo } from './heap.ts';
import type { LoopInfo } from './loop.ts';
import type { Region } from './regions.ts';

/** Peers of the configuration, and links that are up. */
export type PeerCounts = { readonly configured: number; readonly up: number };

/** A configured peer, or a link that is up. A configured peer that is down has no `link`. */
export type PeerRow = {
  uri: string;
  isUp: boolean;
  isInbound: boolean;
  /** Of a modem, every link on it. */
  isConfigured: boolean;
  /** Being connected at this moment. */
  isTrying: boolean;
  link: LinkInfo | undefined;
  lastError: string | undefined;
  /** Milliseconds since `lastError` happened. */
  lastErrorAgeMs: number;
  /** Of a peer that is down: the keys that its URI names. */
  keys?: readonly Uint8Array[];
};

/** Discovery on one interface. */
export type MulticastInfo = {
  name: string;
  /** `[address%zone]:port` where neighbours connect, or '-'. */
  address: string;
  beacon: boolean;
  listen: boolean;
  hasPassword: boolean;
};

export type ModemInfo = {
  readonly uri: string;
  readonly state: 'waiting' | 'opening' | 'open';
  /** Parameters in force, or what it waits for. */
  readonly text: string;
  /** Why it does not transmit. */
  readonly silence: string | undefined;
};

export type TunInfo = { isEnabled: boolean; name: string; mtu: number };

/** `mtu`: it was too large, somebody says who takes packets of so many octets. */
export type PingResult = { isAnswered: boolean; rttMs: number; mtu?: number };

/** Why packets to a node do what they do. */
export type WhyResult = { facts: WhyFacts; around: WhyAround; verdict: Verdict };

/** What the router thread tells of itself. */
export type RouterStats = StatsInfo & {
  readonly sizes: Sizes;
  readonly loop: LoopInfo;
  readonly memory: HeapInfo;
};

/** `how` the next hop is known: it was told, it follows from the peers of a plain node, or it is a guess among `candidates`. */
export type HopResult = {
  kind: 'ratatosk' | 'plain' | 'silent';
  rttMs: number | undefined;
  state: 'here' | 'next' | 'dead end' | 'unknown';
  next: Uint8Array | undefined;
  how: 'told' | 'follows' | 'guess';
  /** From there to the destination, in the tree. */
  distance: number | undefined;
  candidates: number;
};

/** Name → arguments and answer. One row per command; the router has one handler for each. */
export type Commands = {
  self: { args: Record<never, never>; answer: SelfInfo };
  peers: { args: Record<never, never>; answer: PeerRow[] };
  tree: { args: Record<never, never>; answer: TreeInfo[] };
  paths: { args: Record<never, never>; answer: PathInfo[] };
  sessions: { args: Record<never, never>; answer: SessionInfo[] };
  /** The same, but at most so many of each, and quick however many there are: the busiest, and configured peers that are down. */
  busiestPeers: { args: { most: number }; answer: Look<PeerRow> };
  nearestTree: { args: { most: number }; answer: Look<TreeInfo> };
  busiestPaths: { args: { most: number }; answer: Look<PathInfo> };
  busiestSessions: { args: { most: number }; answer: Look<SessionInfo> };
  /** Who has looked for nodes; undefined: that is not kept. */
  lookups: { args: Record<never, never>; answer: LookupSeen[] | undefined };
  stats: { args: Record<never, never>; answer: RouterStats };
  tun: { args: Record<never, never>; answer: TunInfo };
  /** Of the radios that are open. */
  radios: { args: Record<never, never>; answer: RadioInfo[] };
  /** How many `peers` there are: of several hundred only that is wanted each second. */
  peerCounts: { args: Record<never, never>; answer: PeerCounts };
  /** Listeners that are open, as URIs with the ports they really have. */
  listening: { args: Record<never, never>; answer: string[] };
  /** Serial cables and radios of the configuration. */
  modems: { args: Record<never, never>; answer: ModemInfo[] };
  /** Interfaces on which neighbours are looked for, sorted by name. */
  multicast: { args: Record<never, never>; answer: MulticastInfo[] };
  /** Refused with code `PEER_EXISTS`, `URI_INVALID`, `SCHEME_UNKNOWN`. */
  addPeer: { args: { uri: string; sourceInterface: string }; answer: null };
  /** Refused with code `PEER_UNKNOWN`. */
  removePeer: { args: { uri: string; sourceInterface: string }; answer: null };
  /** One echo request to a mesh address (16 octets); waits at most `timeoutMs`. */
  ping: { args: { address: Uint8Array; sequence: number; size: number; timeoutMs: number }; answer: PingResult };
  /** The way to a node; before that echo requests, for about `probeMs` at most (0: none), find out what can be found out. */
  why: { args: { target: WhyTarget; probeMs: number }; answer: WhyResult };
  /** One step of a trace: asks the node `at` where a packet to `dest` goes on that comes with this watermark. */
  hop: { args: { at: Uint8Array; dest: Uint8Array; watermark: number }; answer: HopResult };
  /** Asks another node, for 6 s at most, over a radio 45; the answer is as it came. Rejects with `NO_ANSWER` or `QUERIES_FULL`. */
  query: { args: { key: Uint8Array; topic: QueryTopic }; answer: Uint8Array };
  /**
   * Takes over peers, listeners, `MulticastInterfaces`, `AllowedPublicKeys` and `NodeInfo` from a new configuration; answers
   * what changed of the first three, one line each.
   */
  reload: { args: { settings: RouterSettings }; answer: string[] };
  /** Closes peers and flushes, within 3 s; answers what radios have sent, now that they send no more. */
  stop: { args: Record<never, never>; answer: AirRecord[] };
};

export type CommandName = keyof Commands;

/** Asks the router thread. Rejects with a `RatatoskError` of the router's code. */
export type AskRouter = <N extends CommandName>(name: N, args: Commands[N]['args']) => Promise<Commands[N]['answer']>;

/** An entry of `MulticastInterfaces`. */
export type MulticastSetting = {
  regex: RegExp;
  beacon: boolean;
  listen: boolean;
  port: number;
  priority: number;
  password: Uint8Array;
};

/** `Radio` of the configuration: `share` of a channel, in any 15 s, that a radio may take at most. */
export type RadioSettings = { region: Region; share: number };

/** Everything the router thread needs to start: from the configuration, already checked. */
export type RouterSettings = {
  seed: Uint8Array;
  peers: { uri: string; sourceInterface: string }[];
  listen: string[];
  multicast: MulticastSetting[];
  allowedKeys: Uint8Array[];
  requiresBound: boolean;
  groupPassword: string;
  e2e: E2eMode;
  /** As in `NodeOptions`. */
  e2eKnown: { key: Uint8Array; unixMs: number }[];
  /** 'auto', 'none' or a name. */
  ifName: string;
  /** 1280..65535 */
  ifMtu: number;
  /** What this node tells about itself: a JSON object. */
  nodeInfo: Uint8Array;
  /** As in `NodeOptions`. */
  logsLookups: boolean;
  /** From `Limits`: overrides by name. */
  limits: Record<string, number>;
  radio: RadioSettings;
  /** As in `NodeOptions`. */
  airMemories: AirMemory[];
};

/** What the router thread is started with. `gate` is one Int32, which the host makes 1 when the interface may get its address. */
export type RouterStart = RouterSettings & { gate: SharedArrayBuffer };

/** What the router thread tells without being asked. */
export type RouterNotice =
  | {
      kind: 'log';
      level: 'debug' | 'info' | 'warn' | 'error';
      message: string;
      fields?: Record<string, string | number>;
      /** What it is about; `daemon` if nothing is said. */
      about?: EventKind;
    }
  /** The interface is there, without an address: the router stands still until `RouterStart.gate` opens. */
  | { kind: 'tunOpened'; name: string }
  /** Links listen, TUN is open (or `tunProblem` says in one line why not, and `tunRemedy` what to do). */
  | { kind: 'ready'; tun: TunInfo; tunProblem?: string; tunRemedy?: string }
  | Extract<CoreEvent, { kind: 'e2eKnown' | 'e2eForgotten' | 'airUsed' }>
  /** The router could not start at all. */
  | { kind: 'failed'; code: string; message: string };
