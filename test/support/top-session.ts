/**
 * A session of the dashboard as `top --record` writes it, made up: a node with links of several kinds, one of them cut
 * towards the end, a radio, and traffic that comes and goes. The same at every call.
 */
import type { Entry } from '../../tui/recording.ts';

/** 2026-11-21 12:00:00 UTC. */
const START_MS = Date.UTC(2026, 10, 21, 12);
const SECONDS = 240;
/** The link of the third peer is cut so long before the end. */
const CUT_AT = SECONDS - 8;
const DAY = 86_400;

export const sessionKey = (n: number): string =>
  `${(n * 7 + 1).toString(16).padStart(2, '0')}c4f0a9`.repeat(8).slice(0, 64);
export const sessionAddress = (n: number): string =>
  `20${n % 10}:${(0x1a2b + n * 977).toString(16)}:${(0x3c4d + n * 523).toString(16)}:${(0x91 + n).toString(16)}:7a1e:${(0xbe0 + n).toString(16)}:55:${(0xa1 + n).toString(16)}`;

type PeerPlan = { uri: string; inbound?: true; rate: number; rtt: number; up?: false; error?: string; loss?: number };

const PEERS: readonly PeerPlan[] = [
  { uri: 'tls://mesh.example.net:443', rate: 2_400_000, rtt: 18.4 },
  { uri: 'udp://203.0.113.7:9001', rate: 610_000, rtt: 7.9, loss: 0.002 },
  { uri: 'tcp://[fd00:5::12]:9001', rate: 92_000, rtt: 1.1 },
  { uri: 'rnode:///dev/ttyUSB0?freq=869525000', rate: 34, rtt: 1_830, loss: 0.07 },
  { uri: 'ws://198.51.100.20:51820', inbound: true, rate: 4_100, rtt: 44.2 },
  { uri: 'tls://cellar.example.org:8443', rate: 0, rtt: 0, up: false, error: 'connection refused' },
];

export function sessionEntries(): Entry[] {
  const entries: Entry[] = [];
  const random = chance(7);
  const at = (second: number): number => START_MS + second * 1_000;
  const push = (second: number, value: object): void => void entries.push({ at: at(second), push: value });
  entries.push(
    { at: at(0), live: true },
    { at: at(0), recall: EARLIER.map((event) => ({ ...event, time: START_MS / 1_000 + event.time })) },
  );
  push(0, { topic: 'status', time: 0, value: STATUS });
  push(0, { topic: 'firewall', time: 0, value: FIREWALL });
  push(0, { topic: 'tree', time: 0, rows: tree(), gone: [], total: 14 });
  push(0, { topic: 'paths', time: 0, rows: paths(), gone: [], total: 9 });
  const moved = PEERS.map(() => ({ in: 3e8 * random(), out: 9e7 * random() }));
  const talked = SESSIONS.map(() => ({ in: 2e7 * random(), out: 6e6 * random() }));
  for (let second = 0; second <= SECONDS; second++) {
    const wave = 0.45 + 0.35 * Math.sin(second / 19) + 0.2 * Math.sin(second / 5) + 0.35 * random();
    const rows = PEERS.map((plan, i) => {
      const isUp = plan.up !== false && !(i === 2 && second >= CUT_AT);
      const flow = isUp ? plan.rate * Math.max(0.05, wave + 0.3 * random()) : 0;
      const sum = moved[i] as { in: number; out: number };
      sum.in += flow;
      sum.out += flow * 0.31;
      return peerRow(plan, i, isUp, second, flow, sum, random());
    });
    push(second, { topic: 'peers', time: 0, rows, gone: [], total: PEERS.length });
    const sessions = SESSIONS.map((kind, i) => {
      const flow = i < 5 ? (1_400_000 / (i * i * 3 + 1)) * Math.max(0, wave - 0.2 * i * random()) : 0;
      const sum = talked[i] as { in: number; out: number };
      sum.in += flow;
      sum.out += flow * 0.2;
      return {
        id: sessionKey(i + 3),
        address: sessionAddress(i + 3),
        key: sessionKey(i + 3),
        kind,
        bytes_recvd: sum.in,
        bytes_sent: sum.out,
        uptime: second + 300 * (i + 1),
        key_age: kind === 'e2e' ? (second + 37 * i) % 120 : undefined,
      };
    });
    push(second, { topic: 'sessions', time: 0, rows: sessions, gone: [], total: sessions.length });
    push(second, { topic: 'stats', time: 0, value: stats(second, wave) });
    if (second % 5 === 0) push(second, { topic: 'radio', time: 0, rows: [radio(second, wave)], gone: [], total: 1 });
    for (const event of LATER)
      if (event.second === second) push(second, { topic: 'events', time: at(second) / 1_000, ...event });
  }
  return entries;
}

function peerRow(
  plan: PeerPlan,
  i: number,
  isUp: boolean,
  second: number,
  flow: number,
  sum: { in: number; out: number },
  jitter: number,
) {
  const error = plan.error ?? (i === 2 && !isUp ? 'carrier lost' : undefined);
  return {
    id: plan.uri,
    remote: plan.uri,
    up: isUp,
    inbound: plan.inbound === true,
    configured: plan.inbound !== true,
    address: plan.up === false ? undefined : sessionAddress(i + 1),
    key: plan.up === false ? '' : sessionKey(i + 1),
    kind: plan.uri.split(':')[0],
    state: isUp ? 'up' : plan.up === false ? 'waiting' : 'connecting',
    port: i + 1,
    priority: 0,
    cost: Math.round(plan.rtt * 1.2),
    bytes_recvd: Math.round(sum.in),
    bytes_sent: Math.round(sum.out),
    rate_recvd: Math.round(flow),
    rate_sent: Math.round(flow * 0.31),
    uptime: isUp ? second + 3 * DAY + 7_000 * i : undefined,
    latency: isUp ? Math.round(plan.rtt * (0.92 + 0.16 * jitter) * 1e6) : undefined,
    last_error_time: error === undefined ? undefined : 1e9 * (i === 2 ? second - CUT_AT : 41),
    last_error: error,
    loss: plan.loss,
  };
}

const SESSIONS = ['e2e', 'e2e', 'ironwood', 'e2e', 'ironwood', 'e2e', 'ironwood'] as const;

const STATUS = {
  api: 1,
  version: '0.1.0',
  name: 'lighthouse',
  names: { laptop: sessionKey(3), office: sessionAddress(2), 図書館: sessionAddress(9) },
  uptime: 3 * DAY + 4 * 3_600,
  key: sessionKey(0),
  address: sessionAddress(0),
  subnet: '300:1a2b:3c4d:91::/64',
  config: '/etc/ratatosk/ratatosk.conf',
  admin: 'unix:///run/ratatosk/ratatosk.sock',
  listening: ['tls://[::]:443', 'udp://[::]:9001', 'ws://[::]:8080'],
  peers: { configured: 5, up: 5 },
  tun: { enabled: true, name: 'tun0', mtu: 65_535 },
  firewall: { inbound: 'deny', closed: true, open: ['22', '443'] },
  discovery: ['eth0', 'wlan0'],
  metrics: { url: 'http://127.0.0.1:9464/metrics' },
  modems: [{ uri: 'rnode:///dev/ttyUSB0?freq=869525000', state: 'open', text: 'SF7, 125 kHz, 4/5' }],
};

const FIREWALL = {
  inbound: 'deny',
  closed: true,
  interface: 'tun0',
  table: 'ratatosk-01c4f0a9',
  refused: 1_284,
  rules: [
    { rule: '22', by: 'configuration', open: true },
    { rule: '443/tcp', by: 'configuration', open: true },
    { rule: '60000-61000/udp from laptop', by: 'command', open: true, prefix: `${sessionAddress(3)}/128` },
    { rule: '5353/udp from nobody', by: 'command', open: false, problem: "Names has no 'nobody' any more" },
  ],
};

function tree(): object[] {
  // Each node's parent; the root, 6, is its own. This node is 0.
  const parents = [1, 6, 6, 1, 0, 0, 6, 2, 2, 7, 7, 9, 1, 12];
  return parents.map((parent, n) => ({
    id: sessionKey(n),
    key: sessionKey(n),
    address: sessionAddress(n),
    parent: sessionKey(parent),
    sequence: 1_763_000_000 + n,
  }));
}

function paths(): object[] {
  return Array.from({ length: 9 }, (_, i) => ({
    id: sessionKey(i + 3),
    key: sessionKey(i + 3),
    address: sessionAddress(i + 3),
    path: Array.from({ length: 1 + ((i * 5) % 6) }, (_, hop) => ((i + 1) * (hop + 3)) % 23),
    sequence: 1_763_000_000,
  }));
}

function stats(second: number, wave: number): object {
  const loop = (busy: number) => ({ busy, lag_mean_ms: 0.4, lag_max_ms: 3 + (second % 7) });
  return {
    counters: { framesForwarded: 100_000 + 900 * second },
    drops: { noPath: 214, queueFull: 1_830 + Math.max(0, second - 200) * 3, replayed: 12 },
    closes: { silent: 3 },
    loops: { router: loop(0.08 + 0.1 * wave), host: loop(0.01) },
    queues: { tun: 0, links: 4_096 },
    memory: { rss: 92_000_000 },
  };
}

function radio(second: number, wave: number): object {
  return {
    id: 'rnode:///dev/ttyUSB0?freq=869525000',
    remote: 'rnode:///dev/ttyUSB0?freq=869525000',
    modulation: { kind: 'lora', sf: 7, bw: 125_000, cr: 5, preamble: 18 },
    frame_max: 255,
    frame_time: 0.41,
    share: 0.25,
    ledger: '869.4-869.65',
    used_15s: 1.4 * wave + 0.3,
    used_1h: 212 + second / 10,
    pending: 0,
    limits: [{ window: 3_600, air: 360, used: 212 + second / 10, free: 148 - second / 10 }],
    classes: [
      { class: 'control', sent_time: 41.2, queued: 0, wait: 0, refused: 0 },
      { class: 'traffic', sent_time: 170.8, queued: 1_204, wait: 2.4, refused: 3 },
    ],
    rssi: -97,
    snr: 6.25,
    noise: -118,
    channel_load: 0.11,
  };
}

const EARLIER = [
  { seq: 1, time: -290_000, kind: 'daemon', level: 'info', text: 'ready', fields: { version: '0.1.0' } },
  {
    seq: 2,
    time: -289_990,
    kind: 'peer',
    level: 'info',
    text: 'peer is up',
    fields: { peer: 'tls://mesh.example.net:443' },
  },
  { seq: 3, time: -3_100, kind: 'tree', level: 'info', text: 'root changed', fields: { root: sessionKey(6) } },
  {
    seq: 4,
    time: -610,
    kind: 'session',
    level: 'info',
    text: 'session is open',
    fields: { kind: 'e2e', address: sessionAddress(3) },
  },
  {
    seq: 5,
    time: -60,
    kind: 'peer',
    level: 'warn',
    text: 'cannot connect',
    fields: { peer: 'tls://cellar.example.org:8443', reason: 'connection refused' },
  },
];

const LATER = [
  { second: 31, seq: 6, kind: 'configuration', level: 'info', text: 'reloaded', fields: { changes: 1 } },
  {
    second: 120,
    seq: 7,
    kind: 'firewall',
    level: 'info',
    text: 'a port is open',
    fields: { rule: '60000-61000/udp from laptop' },
  },
  {
    second: 204,
    seq: 8,
    kind: 'drops',
    level: 'warn',
    text: 'packets dropped',
    fields: { reason: 'queueFull', count: 12 },
  },
  {
    second: CUT_AT,
    seq: 9,
    kind: 'link',
    level: 'warn',
    text: 'link is down',
    fields: { peer: 'tcp://[fd00:5::12]:9001', reason: 'carrier lost' },
  },
  {
    second: CUT_AT + 1,
    seq: 10,
    kind: 'tree',
    level: 'info',
    text: 'parent changed',
    fields: { parent: sessionKey(1) },
  },
];

/** Numbers from 0 to 1, the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
