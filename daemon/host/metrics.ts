/**
 * What Prometheus reads of a node. Nothing is kept between scrapes: each one asks the router once, sets every series
 * from the answer, and writes them. Labels are bounded by the code and the configuration, never by what others do.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Limits, SelfInfo } from '../core/port.ts';
import type { AskRouter, Commands, PeerRow } from './commands.ts';
import type { LoopInfo } from './loop.ts';

export type MetricsSource = {
  readonly ask: AskRouter;
  readonly version: string;
  /** Of the host thread. */
  readonly loop: () => LoopInfo;
  readonly limits: () => Limits;
};

type Snapshot = {
  readonly source: MetricsSource;
  readonly self: SelfInfo;
  readonly stats: Commands['stats']['answer'];
  readonly rows: readonly PeerRow[];
  readonly hasTun: boolean;
};

type Row = readonly [value: number, labels?: Record<string, string>];

type Series = {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  readonly labels?: readonly string[];
  readonly rows: (now: Snapshot) => Iterable<Row>;
};

export class Metrics {
  readonly contentType: string;
  readonly #source: MetricsSource;
  readonly #registry = new Registry();
  readonly #series: readonly { readonly rows: Series['rows']; readonly metric: Gauge | Counter }[];
  /** One at a time: whoever comes while it is made gets the same. */
  #scrape: Promise<string> | undefined;

  constructor(source: MetricsSource) {
    this.#source = source;
    this.contentType = this.#registry.contentType;
    this.#series = SERIES.map(({ name, help, kind, labels = [], rows }) => {
      const config = { name, help, labelNames: [...labels], registers: [this.#registry] };
      return { rows, metric: kind === 'gauge' ? new Gauge(config) : new Counter(config) };
    });
  }

  /** In Prometheus' text format. Rejects when the router does not answer. */
  text(): Promise<string> {
    this.#scrape ??= this.#read().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  async #read(): Promise<string> {
    const { ask } = this.#source;
    const [self, stats, rows, tun] = await Promise.all([
      ask('self', {}),
      ask('stats', {}),
      ask('peers', {}),
      ask('tun', {}),
    ]);
    const now: Snapshot = { source: this.#source, self, stats, rows, hasTun: tun.isEnabled };
    for (const { rows: read, metric } of this.#series) {
      metric.reset();
      for (const [value, labels = {}] of read(now)) metric.inc(labels, value);
    }
    return this.#registry.metrics();
  }
}

const gauge = (name: string, help: string, rows: Series['rows'], ...labels: string[]): Series => {
  return { name, help, kind: 'gauge', labels, rows };
};

const counter = (name: string, help: string, rows: Series['rows'], ...labels: string[]): Series => {
  return { name, help, kind: 'counter', labels, rows };
};

/** Of a configured peer: there are as many as the operator wrote down. */
const ofPeers = (read: (row: PeerRow) => number | undefined): Series['rows'] => {
  return ({ rows }) =>
    rows
      .filter((row) => row.isConfigured)
      .flatMap((row): Row[] => {
        const value = read(row);
        return value === undefined ? [] : [[value, { peer: row.uri }]];
      });
};

const ofThreads = (read: (loop: LoopInfo) => number): Series['rows'] => {
  return ({ source, stats }) => [
    [read(stats.loop), { thread: 'router' }],
    [read(source.loop()), { thread: 'host' }],
  ];
};

const byName = (label: string, read: (now: Snapshot) => Record<string, number>): Series['rows'] => {
  return (now) => Object.entries(read(now)).map(([name, value]): Row => [value, { [label]: name }]);
};

/** Counters of the core, as they are called there, and what they count. */
const COUNTED: Record<string, string> = {
  framesReceived: 'Frames that links have brought',
  framesForwarded: 'Frames for other nodes, sent on',
  packetsCompressed: 'Packets sent with their headers in few octets',
  packetsSealed: 'Packets encrypted for other nodes',
  packetsOpened: 'Packets of other nodes, decrypted',
  tunReads: 'Batches of packets read from the network interface',
  tunPackets: 'Packets read from the network interface',
  e2eDowngradeSuspected: 'Times that somebody seemed to keep a node from the better session',
  lookupsSent: 'Path lookups sent',
  notifiesSent: 'Answers to path lookups sent',
  brokenSent: 'Notices of broken paths sent',
  rootChanges: 'Changes of the root of the tree',
  parentChanges: 'Changes of the parent in the tree',
  rounds: 'Rounds of the routing, one a second while there is something to look at',
  looks: 'Times that the routing acted on a change at once',
  initsSent: 'Handshakes of datagram links begun',
  initsAnswered: 'Handshakes of datagram links answered',
  cookiesSent: 'Handshakes of datagram links answered with a cookie, under load',
  recordsOpened: 'Records of datagram links received',
  recordsSealed: 'Records of datagram links sent',
};

const SERIES: readonly Series[] = [
  gauge(
    'ratatosk_build_info',
    'The version that runs',
    ({ source }) => [[1, { version: source.version, node: process.version }]],
    'version',
    'node',
  ),
  gauge('ratatosk_tun_up', '1 if the network interface is there', ({ hasTun }) => [[Number(hasTun)]]),
  gauge(
    'ratatosk_peers',
    'Peers of the configuration, and links to peers that are up',
    ({ rows }) => [
      [rows.filter((row) => row.isConfigured).length, { state: 'configured' }],
      [rows.filter((row) => row.isUp).length, { state: 'up' }],
    ],
    'state',
  ),
  gauge(
    'ratatosk_peer_up',
    '1 if a peer of the configuration is connected',
    ofPeers((row) => Number(row.isUp)),
    'peer',
  ),
  gauge(
    'ratatosk_peer_rtt_seconds',
    'Round trip of the link to a peer of the configuration',
    ofPeers(({ link }) => link && link.rttMs / 1_000),
    'peer',
  ),
  gauge(
    'ratatosk_peer_cost',
    'What the link costs a path',
    ofPeers(({ link }) => link?.cost),
    'peer',
  ),
  gauge(
    'ratatosk_peer_queued_bytes',
    'Octets that wait for the link to a peer',
    ofPeers(({ link }) => link?.queuedBytes),
    'peer',
  ),
  counter(
    'ratatosk_peer_received_bytes_total',
    'Octets received on the link to a peer, since it is up',
    ofPeers(({ link }) => link?.bytesReceived),
    'peer',
  ),
  counter(
    'ratatosk_peer_sent_bytes_total',
    'Octets sent on the link to a peer, since it is up',
    ofPeers(({ link }) => link?.bytesSent),
    'peer',
  ),
  gauge('ratatosk_tree_depth', 'Hops to the root of the tree', ({ self }) => [[self.coords.length]]),
  gauge('ratatosk_is_root', '1 if this node is the root of its tree', ({ self }) => [
    [Number(Buffer.compare(self.root, self.key) === 0)],
  ]),
  gauge(
    'ratatosk_sessions',
    'Encrypted sessions with other nodes',
    byName('kind', ({ stats }) => stats.sizes.sessions),
    'kind',
  ),
  gauge(
    'ratatosk_table_entries',
    'Entries of tables',
    byName('table', ({ stats }) => stats.sizes.tables),
    'table',
  ),
  gauge(
    'ratatosk_queued_bytes',
    'Octets that wait',
    byName('queue', ({ stats }) => stats.sizes.queuedBytes),
    'queue',
  ),
  gauge(
    'ratatosk_limit_used',
    'How many there are of what a limit bounds',
    ({ stats, rows }) => [
      [rows.filter((row) => row.isUp).length, { limit: 'links' }],
      [sum(Object.values(stats.sizes.sessions)), { limit: 'sessions' }],
    ],
    'limit',
  ),
  gauge(
    'ratatosk_limit_max',
    'How many there may be',
    ({ source }) => {
      const { links, sessions } = source.limits();
      return [
        [links, { limit: 'links' }],
        [sessions, { limit: 'sessions' }],
      ];
    },
    'limit',
  ),
  ...Object.entries(COUNTED).map(([name, help]) =>
    counter(`ratatosk_${snake(name)}_total`, help, ({ stats }) => [[stats.counters[name] ?? 0]]),
  ),
  counter(
    'ratatosk_drops_total',
    'What was dropped, by reason',
    byName('reason', ({ stats }) => stats.drops),
    'reason',
  ),
  counter(
    'ratatosk_links_closed_total',
    'Links that this node has ended, by reason',
    byName('reason', ({ stats }) => stats.closes),
    'reason',
  ),
  gauge(
    'ratatosk_loop_busy_ratio',
    'Share of the last minute in which a thread worked',
    ofThreads((loop) => loop.busy),
    'thread',
  ),
  gauge(
    'ratatosk_loop_lag_mean_seconds',
    'How late a thread came to what was due, in the last minute',
    ofThreads((loop) => loop.lagMeanMs / 1_000),
    'thread',
  ),
  gauge(
    'ratatosk_loop_lag_max_seconds',
    'The worst of it',
    ofThreads((loop) => loop.lagMaxMs / 1_000),
    'thread',
  ),
  gauge('process_resident_memory_bytes', 'Memory of the process', () => [[process.memoryUsage.rss()]]),
  gauge('process_start_time_seconds', 'When the process was started, as Unix time', () => [
    [performance.timeOrigin / 1_000],
  ]),
  counter('process_cpu_seconds_total', 'CPU time of the process', () => {
    const { user, system } = process.cpuUsage();
    return [[(user + system) / 1e6]];
  }),
];

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
