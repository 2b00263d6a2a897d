/** The series of a node. Labels are bounded by the code and the configuration, never by what others do. */
import type { PeerRow } from './commands.ts';
import { heapInfo } from './heap.ts';
import type { LoopInfo } from './loop.ts';
import { RADIO_SERIES } from './radio-series.ts';
import { countPeers, schemeOf } from './rows.ts';
import { counter, gauge, type Row, type Series, type Snapshot } from './snapshot.ts';

/**
 * Of a configured peer: there are as many as the operator wrote down. Several links with one URI, as on a radio or over two
 * interfaces, are one peer; `join` makes one value of theirs.
 */
const ofPeers = (
  read: (row: PeerRow) => number | undefined,
  join: (...values: number[]) => number = sum,
): Series['rows'] => {
  return ({ rows }) => {
    const byPeer = new Map<string, number>();
    for (const row of rows) {
      const value = row.isConfigured ? read(row) : undefined;
      if (value === undefined) continue;
      const known = byPeer.get(row.uri);
      byPeer.set(row.uri, known === undefined ? value : join(known, value));
    }
    return [...byPeer].map(([peer, value]): Row => [value, { peer }]);
  };
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
  tunWrites: 'Batches of packets given to the network interface',
  tunDelivered: 'Packets given to the network interface',
  datagramReads: 'Batches of datagrams read from sockets',
  datagramsRead: 'Datagrams read from sockets',
  sessionsOpened: 'Sessions of the common kind begun',
  e2eHandshakes: 'Handshakes of end-to-end sessions completed',
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

export const SERIES: readonly Series[] = [
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
    ({ rows }) => Object.entries(countPeers(rows)).map(([state, count]): Row => [count, { state }]),
    'state',
  ),
  gauge(
    'ratatosk_peer_up',
    '1 if a peer of the configuration is connected',
    ofPeers((row) => Number(row.isUp), Math.max),
    'peer',
  ),
  gauge(
    'ratatosk_peer_rtt_seconds',
    'Round trip of the link to a peer of the configuration',
    ofPeers(({ link }) => link && link.rttMs / 1_000, Math.min),
    'peer',
  ),
  gauge(
    'ratatosk_peer_cost',
    'What the link costs a path',
    ofPeers(({ link }) => link?.cost, Math.min),
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
  counter(
    'ratatosk_peer_lost_packets_total',
    'Packets lost in the queue of the link to a peer, since it is up',
    ofPeers(({ link }) => link?.lostPackets),
    'peer',
  ),
  gauge(
    'ratatosk_peer_loss_ratio',
    'Share of the latest records that were lost: of ours on radio, otherwise of the peer',
    ofPeers(({ link }) => link?.lossShare, Math.max),
    'peer',
  ),
  gauge(
    'ratatosk_links',
    'Links that are up, by kind and by who has begun them',
    ({ rows }) => countLinks(rows.filter((row) => row.isUp)),
    'kind',
    'direction',
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
      [sum(...Object.values(stats.sizes.sessions)), { limit: 'sessions' }],
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
  gauge(
    'ratatosk_heap_used_bytes',
    'Heap in use, by thread',
    ({ stats }) => ofHeaps(stats.memory.used, heapInfo().used),
    'thread',
  ),
  gauge(
    'ratatosk_heap_max_bytes',
    'Heap beyond which the thread ends',
    ({ stats }) => ofHeaps(stats.memory.max, heapInfo().max),
    'thread',
  ),
  counter('ratatosk_firewall_refused_packets_total', 'Packets that the firewall has refused', ({ source }) => {
    const refused = source.refused();
    return refused === undefined ? [] : [[refused]];
  }),
  ...RADIO_SERIES,
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

function sum(...numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Kinds are the schemes of our own URIs. */
function countLinks(rows: readonly PeerRow[]): Row[] {
  const counts = new Map<string, number>();
  for (const { uri, isInbound } of rows) {
    const name = `${schemeOf(uri)} ${isInbound ? 'in' : 'out'}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]): Row => {
    const [kind = '', direction = ''] = name.split(' ');
    return [count, { kind, direction }];
  });
}

function ofHeaps(router: number, host: number): Row[] {
  return [
    [router, { thread: 'router' }],
    [host, { thread: 'host' }],
  ];
}
