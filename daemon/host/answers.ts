/**
 * What the admin socket answers, as types alone: the daemon cannot answer anything else, and verbs and dashboard read
 * nothing else. Yggdrasil's requests (section 7.1 of the protocol reference) come first, with our own members marked; times
 * are seconds unless something else is said.
 */
import type { Json } from './admin-json.ts';
import type { EventKind } from './events.ts';
import type { TraceAnswer, WhyAnswer } from './path-answers.ts';

/** Counts up when a request or member of our own changes its meaning or goes; new ones may come at any time. */
export type ApiVersion = 1;

/** Up to 64 bits: a BigInt in the daemon, the nearest number where JSON is read. */
export type Whole = number | bigint;

/** A node. Keys are 64 hexadecimal digits. */
export type NodeAnswer = { address: string; key: string };

export type SelfAnswer = NodeAnswer & {
  build_name: string;
  build_version: string;
  routing_entries: number;
  subnet: string;
};

/** A link, or a configured peer that has none. What is zero or empty is left out where Yggdrasil does so. */
export type PeerAnswer = {
  remote?: string | undefined;
  up: boolean;
  inbound: boolean;
  address?: string | undefined;
  /** Empty: not known yet. */
  key: string;
  port: number;
  priority: number;
  cost: number;
  /** Octets since it is up; rates are octets per second. */
  bytes_recvd?: number | undefined;
  bytes_sent?: number | undefined;
  rate_recvd?: number | undefined;
  rate_sent?: number | undefined;
  uptime?: number | undefined;
  /** Nanoseconds. */
  latency?: number | undefined;
  /** Nanoseconds since then. */
  last_error_time?: number | undefined;
  last_error?: string | undefined;
  // Our own:
  /** Found by discovery. */
  discovered?: boolean | undefined;
  /** The carrier has proven the key. */
  bound?: boolean | undefined;
  /** Of the configuration, or added by command. */
  configured?: boolean | undefined;
  /** The scheme of its URI: `tcp`, `tls`, `udp`, `rnode`…; empty where there is none. */
  kind: string;
  /** `greeting`: connected, and the other side has not said who it is. `waiting`: until the next attempt. */
  state: 'up' | 'greeting' | 'connecting' | 'waiting';
  /** Octets that wait for the link. */
  queued?: number | undefined;
  /** Packets lost in its queue. */
  dropped?: number | undefined;
  /** Share of the latest records that were lost, 0 to 1: of ours on radio, otherwise of the other side's; absent over streams. */
  loss?: number | undefined;
};

export type TreeAnswer = NodeAnswer & { parent: string; sequence: Whole };

/** Ports from the root of the tree down to the node. */
export type PathAnswer = NodeAnswer & { path: readonly Whole[]; sequence: Whole };

export type SessionAnswer = NodeAnswer & {
  bytes_recvd: number;
  bytes_sent: number;
  uptime: number;
  // Our own:
  kind: 'ironwood' | 'e2e';
  /** Of the keys that seal now; absent for `ironwood`, where they change with the traffic. */
  key_age?: number | undefined;
};

export type TunAnswer = { enabled: boolean; name?: string; mtu?: number };

export type MulticastAnswer = {
  name: string;
  /** `[address%zone]:port`, or `-`. */
  address: string;
  beacon: boolean;
  listen: boolean;
  password: boolean;
};

/** Of another node, as it said it. */
export type ForeignAnswer = { readonly [name: string]: Json | undefined };

export type RequestAnswer = {
  command: string;
  description: string;
  fields?: readonly string[] | undefined;
  /** Ours, not Yggdrasil's. */
  own?: boolean | undefined;
};

export type PingAnswer = {
  address: string;
  answered: boolean;
  /** Nanoseconds. */
  latency?: number | undefined;
};

/** A node that has looked for another through this one. */
export type LookupAnswer = {
  addr: string;
  key: string;
  /** Where it is: ports from the root of the tree. */
  path: readonly Whole[];
  /** Unix time. */
  time: number;
};

/** What works and what does not. */
export type StatusAnswer = {
  /** Of our own requests. */
  api: ApiVersion;
  version: string;
  /** `Name` of the configuration. */
  name?: string;
  /** `Names` of the configuration: keys and addresses by what the operator calls them; absent: there are none. */
  names?: Readonly<Record<string, string>>;
  uptime: number;
  key: string;
  address: string;
  subnet: string;
  /** The configuration's path. */
  config: string;
  admin: string;
  listening: string[];
  peers: { configured: number; up: number };
  tun: TunState;
  firewall: FirewallState;
  /** Absent: not wanted. */
  metrics?: MetricsState;
  /** Interfaces on which neighbours are looked for; absent: on none by the configuration. */
  discovery?: string[];
  /** Serial cables and radios, if there are any. */
  modems?: ModemState[];
};

export type TunState = TunAnswer & { problem?: string; remedy?: string };

/** `open` are the texts of the rules that let somebody in. */
export type FirewallState = { inbound: 'deny' | 'allow'; closed: boolean; open: string[]; problem?: string };

export type MetricsState = { readonly url: string; readonly problem?: string };

/** `text`: parameters in force, or what it waits for. `silence`: why it does not transmit. */
export type ModemState = {
  uri: string;
  state: 'waiting' | 'opening' | 'open';
  text: string;
  silence?: string | undefined;
};

export type StatsAnswer = {
  counters: Readonly<Record<string, number>>;
  /** Packets, by reason. */
  drops: Readonly<Record<string, number>>;
  /** Links that this node has ended, by reason. */
  closes: Readonly<Record<string, number>>;
  loops: { router: LoopAnswer; host: LoopAnswer };
  /** Octets that wait: from the interface, and for links. */
  queues: { tun: number; links: number };
  /** What the limits bound, and how much of it there is; `used` is absent where it is not counted. */
  limits: Readonly<Record<string, LimitAnswer>>;
  /** Octets; of the heaps of both threads: beyond `max` the thread ends. */
  memory: { rss: number; router: { used: number; max: number }; host: { used: number; max: number } };
};

/** Of an event loop in the last minute. */
export type LoopAnswer = {
  /** Share of the time in which it worked, 0 to 1. */
  busy: number;
  lag_mean_ms: number;
  lag_max_ms: number;
};

export type LimitAnswer = { used?: number | undefined; max: number };

/** Shares from 0 to 1. */
export type RadioAnswer = {
  remote: string;
  modulation:
    | { kind: 'lora'; sf: number; bw: number; cr: number; preamble: number }
    | { kind: 'rate'; bit_rate: number };
  /** Octets of the largest frame, and how long it is on the air. */
  frame_max: number;
  frame_time: number;
  /** Of the channel in any 15 s, at most. */
  share: number;
  /** What the limits are counted for. */
  ledger: string;
  used_15s: number;
  used_1h: number;
  /** In the modem. */
  pending: number;
  /** `frame` is absent where single transmissions are not limited. */
  limits: readonly { window: number; air: number; frame?: number | undefined; used: number; free: number }[];
  /** `wait`: until its largest frame may leave; null: never. */
  classes: readonly { class: string; sent_time: number; queued: number; wait: number | null; refused: number }[];
  /** dBm, dB; absent: not told. */
  rssi?: number | undefined;
  snr?: number | undefined;
  noise?: number | undefined;
  channel_load?: number | undefined;
  /** As the modem counts. */
  modem_used_15s?: number | undefined;
  modem_used_1h?: number | undefined;
};

export type FirewallAnswer = {
  inbound: 'deny' | 'allow';
  /** The table is in place. */
  closed: boolean;
  interface?: string;
  table?: string;
  /** Why it is not, with the remedy. */
  problem?: string;
  /** Packets since the table was made. */
  refused?: number;
  rules: RuleAnswer[];
};

export type RuleAnswer = {
  rule: string;
  /** What it stands for now; absent: everywhere, or see `problem`. */
  prefix?: string;
  by: 'configuration' | 'command';
  open: boolean;
  problem?: string;
};

export type EventAnswer = {
  /** Counts up by one within a life of the daemon; 0 for those of earlier lives. */
  seq: number;
  /** Unix time. */
  time: number;
  kind: EventKind;
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
  fields: Readonly<Record<string, string | number>>;
};

/** By the name of the request. */
export type Answers = {
  getSelf: SelfAnswer;
  getPeers: { peers: PeerAnswer[] };
  getTree: { tree: TreeAnswer[] };
  getPaths: { paths: PathAnswer[] };
  getSessions: { sessions: SessionAnswer[] };
  lookups: { infos: LookupAnswer[] };
  getTun: TunAnswer;
  getMulticastInterfaces: { multicast_interfaces: MulticastAnswer[] };
  addPeer: Readonly<Record<string, never>>;
  removePeer: Readonly<Record<string, never>>;
  getNodeInfo: ForeignAnswer;
  debug_remoteGetSelf: ForeignAnswer;
  debug_remoteGetPeers: ForeignAnswer;
  debug_remoteGetTree: ForeignAnswer;
  list: { list: RequestAnswer[] };
  // Our own:
  getStatus: StatusAnswer;
  getStats: StatsAnswer;
  getRadio: { radios: RadioAnswer[] };
  getFirewall: FirewallAnswer;
  getEvents: { events: EventAnswer[] };
  ping: PingAnswer;
  why: WhyAnswer;
  trace: TraceAnswer;
  allow: FirewallAnswer;
  deny: FirewallAnswer;
  reload: { changes: string[] };
  /** One after the other, each on its line, until the connection ends. */
  subscribe: Push;
};

export type RequestName = keyof Answers;

/** Names of `topics` of `subscribe`. */
export type Topic = Push['topic'];

/**
 * What `subscribe` pushes, each in an envelope as answers have it. `time` is the Unix time of the look at the node. An event
 * has no other time than its own.
 */
export type Push =
  | EventPush
  | ValuePush<'status', StatusAnswer>
  | ValuePush<'stats', StatsAnswer>
  | ValuePush<'firewall', FirewallAnswer>
  | TablePush<'peers', PeerAnswer>
  | TablePush<'sessions', SessionAnswer>
  | TablePush<'paths', PathAnswer>
  | TablePush<'tree', TreeAnswer>
  | TablePush<'radio', RadioAnswer>;

export type EventPush = EventAnswer & { topic: 'events' };

/** The whole, when something in it has changed. */
export type ValuePush<T extends string, Value> = { topic: T; time: number; value: Value };

/**
 * Rows of a table. First all that there are, up to the subscriber's `most`, which are the most active ones; then those that
 * are new or have changed, whole, and the ids of those that are gone: for good, or because others are more active. That time
 * passes changes no row: readers count `uptime`, `key_age` and `last_error_time` on from the `time` of a row's push.
 */
export type TablePush<T extends string, Row> = {
  topic: T;
  time: number;
  rows: readonly (Row & RowId)[];
  gone: readonly string[];
  /** Rows of the table, shown or not. */
  total: number;
};

/**
 * Stays with the row as long as it is there: of peers the URI, also while they are down; of nodes the key; of sessions kind
 * and key, since a node may have one of each.
 */
export type RowId = { id: string };
