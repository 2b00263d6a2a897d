/** What the daemon pushes, read member by member: what is missing or of a newer kind gives a blank, never a failure. */
import type {
  EventAnswer,
  PathAnswer,
  PeerAnswer,
  RadioAnswer,
  RuleAnswer,
  SessionAnswer,
  StatsAnswer,
  StatusAnswer,
  TreeAnswer,
} from '../daemon/host/answers.ts';

export type Members = Readonly<Record<string, unknown>>;
/** An answer of which nothing is believed but the names of its members. */
type Loose<T> = { readonly [K in keyof T]?: unknown };

export function membersOf<T = Members>(value: unknown): Loose<T> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Loose<T>) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** More of a text is never shown, and patterns are looked for in it. */
const TEXT_MAX = 2_000;

export function textOf(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, TEXT_MAX);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

const NS_PER_MS = 1e6;
const NS_PER_S = 1e9;

export type Peer = {
  readonly id: string;
  readonly remote: string;
  readonly isUp: boolean;
  readonly isInbound: boolean;
  readonly isDiscovered: boolean;
  readonly isBound: boolean;
  readonly isConfigured: boolean;
  readonly address: string;
  readonly key: string;
  /** The scheme of its URI. */
  readonly kind: string;
  readonly state: string;
  readonly port: number;
  readonly priority: number;
  readonly cost: number;
  readonly received: number;
  readonly sent: number;
  /** Octets per second. */
  readonly rateIn: number;
  readonly rateOut: number;
  /** Unix time; undefined: it is not up. */
  readonly upSinceMs: number | undefined;
  readonly rttMs: number | undefined;
  readonly loss: number | undefined;
  readonly queued: number;
  readonly dropped: number;
  readonly error: string;
  readonly errorAtMs: number | undefined;
};

export function readPeer(value: unknown, id: string, nowMs: number): Peer {
  const row = membersOf<PeerAnswer>(value);
  const remote = textOf(row.remote);
  const isUp = row.up === true;
  const uptime = numberOf(row.uptime);
  const latency = numberOf(row.latency);
  const errorAgo = numberOf(row.last_error_time);
  return {
    id,
    remote,
    isUp,
    isInbound: row.inbound === true,
    isDiscovered: row.discovered === true,
    isBound: row.bound === true,
    isConfigured: row.configured === true,
    address: textOf(row.address),
    key: textOf(row.key),
    kind: textOf(row.kind) || (/^([a-z0-9+]{1,12}):/.exec(remote)?.[1] ?? ''),
    state: textOf(row.state) || (isUp ? 'up' : 'down'),
    port: numberOf(row.port) ?? 0,
    priority: numberOf(row.priority) ?? 0,
    cost: numberOf(row.cost) ?? 0,
    received: numberOf(row.bytes_recvd) ?? 0,
    sent: numberOf(row.bytes_sent) ?? 0,
    rateIn: isUp ? (numberOf(row.rate_recvd) ?? 0) : 0,
    rateOut: isUp ? (numberOf(row.rate_sent) ?? 0) : 0,
    upSinceMs: isUp && uptime !== undefined ? nowMs - uptime * 1_000 : undefined,
    rttMs: isUp && latency !== undefined ? latency / NS_PER_MS : undefined,
    loss: isUp ? numberOf(row.loss) : undefined,
    queued: numberOf(row.queued) ?? 0,
    dropped: numberOf(row.dropped) ?? 0,
    error: textOf(row.last_error),
    errorAtMs: errorAgo === undefined ? undefined : nowMs - (errorAgo / NS_PER_S) * 1_000,
  };
}

export type Session = {
  readonly id: string;
  readonly address: string;
  readonly key: string;
  readonly kind: string;
  readonly received: number;
  readonly sent: number;
  readonly sinceMs: number;
  readonly keySinceMs: number | undefined;
  readonly rateIn: number;
  readonly rateOut: number;
  /** When it was told of last. */
  readonly toldAtMs: number;
};

/** Rates are those since the row `before`. */
export function readSession(value: unknown, id: string, nowMs: number, before: Session | undefined): Session {
  const row = membersOf<SessionAnswer>(value);
  const received = numberOf(row.bytes_recvd) ?? 0;
  const sent = numberOf(row.bytes_sent) ?? 0;
  const keyAge = numberOf(row.key_age);
  const seconds = before === undefined ? 0 : (nowMs - before.toldAtMs) / 1_000;
  const rate = (now: number, then: number): number => (seconds > 0 ? Math.max(0, (now - then) / seconds) : 0);
  return {
    id,
    address: textOf(row.address),
    key: textOf(row.key),
    kind: textOf(row.kind),
    received,
    sent,
    sinceMs: nowMs - (numberOf(row.uptime) ?? 0) * 1_000,
    keySinceMs: keyAge === undefined ? undefined : nowMs - keyAge * 1_000,
    rateIn: rate(received, before?.received ?? 0),
    rateOut: rate(sent, before?.sent ?? 0),
    toldAtMs: nowMs,
  };
}

export type Path = {
  readonly id: string;
  readonly address: string;
  readonly key: string;
  readonly ports: readonly string[];
};

export function readPath(value: unknown, id: string): Path {
  const row = membersOf<PathAnswer>(value);
  return {
    id,
    address: textOf(row.address),
    key: textOf(row.key),
    ports: listOf(row.path).map(textOf),
  };
}

export type TreeNode = {
  readonly id: string;
  readonly address: string;
  readonly key: string;
  readonly parent: string;
  readonly sequence: number;
};

export function readTreeNode(value: unknown, id: string): TreeNode {
  const row = membersOf<TreeAnswer>(value);
  return {
    id,
    address: textOf(row.address),
    key: textOf(row.key),
    parent: textOf(row.parent),
    sequence: numberOf(row.sequence) ?? 0,
  };
}

export type Radio = {
  readonly id: string;
  readonly remote: string;
  /** `SF7, 125 kHz, 4/5` or `1200 bit/s`. */
  readonly modulation: string;
  readonly frameMax: number;
  readonly frameSeconds: number;
  readonly share: number;
  readonly used15s: number;
  readonly used1h: number;
  readonly limits: readonly { window: number; air: number; used: number; free: number }[];
  /** `wait` of null: never. */
  readonly classes: readonly {
    name: string;
    sentSeconds: number;
    queued: number;
    wait: number | null;
    refused: number;
  }[];
  readonly rssi: number | undefined;
  readonly snr: number | undefined;
  readonly noise: number | undefined;
  readonly channelLoad: number | undefined;
};

export function readRadio(value: unknown, id: string): Radio {
  const row = membersOf<RadioAnswer>(value);
  return {
    id,
    remote: textOf(row.remote),
    modulation: modulationText(membersOf(row.modulation)),
    frameMax: numberOf(row.frame_max) ?? 0,
    frameSeconds: numberOf(row.frame_time) ?? 0,
    share: numberOf(row.share) ?? 1,
    used15s: numberOf(row.used_15s) ?? 0,
    used1h: numberOf(row.used_1h) ?? 0,
    limits: listOf(row.limits).map((item) => {
      const { window, air, used, free } = membersOf(item);
      return {
        window: numberOf(window) ?? 0,
        air: numberOf(air) ?? 0,
        used: numberOf(used) ?? 0,
        free: numberOf(free) ?? 0,
      };
    }),
    classes: listOf(row.classes).map((item) => {
      const { class: name, sent_time: sent, queued, wait, refused } = membersOf(item);
      return {
        name: textOf(name),
        sentSeconds: numberOf(sent) ?? 0,
        queued: numberOf(queued) ?? 0,
        wait: wait === null ? null : (numberOf(wait) ?? 0),
        refused: numberOf(refused) ?? 0,
      };
    }),
    rssi: numberOf(row.rssi),
    snr: numberOf(row.snr),
    noise: numberOf(row.noise),
    channelLoad: numberOf(row.channel_load),
  };
}

function modulationText({ kind, sf, bw, cr, bit_rate: bitRate }: Members): string {
  if (kind === 'lora') return `SF${textOf(sf)}, ${(numberOf(bw) ?? 0) / 1_000} kHz, 4/${textOf(cr)}`;
  return bitRate === undefined ? '' : `${textOf(bitRate)} bit/s`;
}

export type Rule = {
  readonly id: string;
  readonly rule: string;
  readonly prefix: string;
  readonly by: string;
  readonly isOpen: boolean;
  readonly problem: string;
};

export function readRule(value: unknown, id: string): Rule {
  const row = membersOf<RuleAnswer>(value);
  return {
    id,
    rule: textOf(row.rule),
    prefix: textOf(row.prefix),
    by: textOf(row.by),
    isOpen: row.open === true,
    problem: textOf(row.problem),
  };
}

export type Happening = {
  readonly id: string;
  readonly atMs: number;
  readonly kind: string;
  readonly level: string;
  readonly text: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
};

export function readEvent(value: unknown): Happening {
  const row = membersOf<EventAnswer>(value);
  const atMs = (numberOf(row.time) ?? 0) * 1_000;
  return {
    id: `${textOf(row.seq)} ${atMs}`,
    atMs,
    kind: textOf(row.kind),
    level: textOf(row.level),
    text: textOf(row.text),
    fields: Object.entries(membersOf(row.fields)).map(([name, field]) => [name.slice(0, 40), textOf(field)] as const),
  };
}

export type Loop = { readonly busy: number; readonly lagMs: number; readonly lagMaxMs: number };

export type Stats = {
  readonly counters: ReadonlyMap<string, number>;
  readonly drops: ReadonlyMap<string, number>;
  readonly closes: ReadonlyMap<string, number>;
  readonly router: Loop;
  readonly host: Loop;
  /** Octets; undefined: not told. */
  readonly rss: number | undefined;
  readonly queued: number | undefined;
};

export function readStats(value: unknown): Stats {
  const row = membersOf<StatsAnswer>(value);
  const loops = membersOf(row.loops);
  const queues = membersOf(row.queues);
  const tun = numberOf(queues.tun);
  return {
    counters: countsOf(row.counters),
    drops: countsOf(row.drops),
    closes: countsOf(row.closes),
    router: readLoop(loops.router),
    host: readLoop(loops.host),
    rss: numberOf(membersOf(row.memory).rss),
    queued: tun === undefined ? undefined : tun + (numberOf(queues.links) ?? 0),
  };
}

function countsOf(value: unknown): Map<string, number> {
  return new Map(Object.entries(membersOf(value)).map(([name, count]) => [name, numberOf(count) ?? 0]));
}

function readLoop(value: unknown): Loop {
  const { busy, lag_mean_ms: lag, lag_max_ms: most } = membersOf(value);
  return { busy: numberOf(busy) ?? 0, lagMs: numberOf(lag) ?? 0, lagMaxMs: numberOf(most) ?? 0 };
}

export type Status = {
  readonly version: string;
  readonly name: string;
  /** What the operator calls other nodes, by key and by address, in small letters. */
  readonly names: ReadonlyMap<string, string>;
  readonly startedMs: number;
  readonly key: string;
  readonly address: string;
  readonly subnet: string;
  readonly config: string;
  readonly admin: string;
  readonly listening: readonly string[];
  readonly configured: number;
  readonly tun: { readonly isOn: boolean; readonly name: string; readonly mtu: number; readonly problem: string };
  readonly firewall: { readonly inbound: string; readonly isClosed: boolean; readonly problem: string };
  readonly metrics: { readonly url: string; readonly problem: string } | undefined;
  readonly discovery: readonly string[] | undefined;
  readonly modems: readonly {
    readonly uri: string;
    readonly state: string;
    readonly text: string;
    readonly silence: string;
  }[];
};

export function readStatus(value: unknown, nowMs: number): Status {
  const row = membersOf<StatusAnswer>(value);
  const tun = membersOf(row.tun);
  const firewall = membersOf(row.firewall);
  const metrics = membersOf(row.metrics);
  return {
    version: textOf(row.version),
    name: textOf(row.name),
    names: new Map(Object.entries(membersOf(row.names)).map(([name, meant]) => [textOf(meant).toLowerCase(), name])),
    startedMs: nowMs - (numberOf(row.uptime) ?? 0) * 1_000,
    key: textOf(row.key),
    address: textOf(row.address),
    subnet: textOf(row.subnet),
    config: textOf(row.config),
    admin: textOf(row.admin),
    listening: listOf(row.listening).map(textOf),
    configured: numberOf(membersOf(row.peers).configured) ?? 0,
    tun: {
      isOn: tun.enabled === true,
      name: textOf(tun.name),
      mtu: numberOf(tun.mtu) ?? 0,
      problem: [textOf(tun.problem), textOf(tun.remedy)].filter((text) => text !== '').join('; '),
    },
    firewall: {
      inbound: textOf(firewall.inbound),
      isClosed: firewall.closed === true,
      problem: textOf(firewall.problem),
    },
    metrics: row.metrics === undefined ? undefined : { url: textOf(metrics.url), problem: textOf(metrics.problem) },
    discovery: row.discovery === undefined ? undefined : listOf(row.discovery).map(textOf),
    modems: listOf(row.modems).map((item) => {
      const { uri, state, text, silence } = membersOf(item);
      return { uri: textOf(uri), state: textOf(state), text: textOf(text), silence: textOf(silence) };
    }),
  };
}
