/** The requests of the admin socket: those of Yggdrasil (section 7.1) first, then our own (see the README here). */
import { RatatoskError } from '../core/error.ts';
import type { Limits } from '../core/port.ts';
import { addressText, hexText, subnetText } from './address.ts';
import type { Json } from './admin-json.ts';
import type { AdminArguments } from './admin-request.ts';
import type {
  Answers,
  FirewallAnswer,
  LimitAnswer,
  LoopAnswer,
  PeerAnswer,
  PingAnswer,
  RequestAnswer,
  RequestName,
  StatsAnswer,
  StatusAnswer,
} from './answers.ts';
import type { AskRouter, PeerRow } from './commands.ts';
import { eventCalls } from './event-calls.ts';
import type { Events } from './events.ts';
import { heapInfo } from './heap.ts';
import type { LoopInfo } from './loop.ts';
import { radioJson } from './radio-json.ts';
import type { Rates } from './rates.ts';
import { remoteCalls } from './remote-calls.ts';

/** What answers a request, and nothing else than that. */
export type Run<N extends RequestName> = (args: AdminArguments) => Promise<Answers[N]> | Answers[N];

export type Call = {
  readonly name: RequestName;
  readonly description: string;
  readonly fields: readonly string[];
  /** Only such calls are served over TCP. */
  readonly isReadOnly: boolean;
  /** Ours, not Yggdrasil's: unknown arguments are refused. */
  readonly isOwn: boolean;
  run(args: AdminArguments): Promise<Json> | Json;
  /** Of a request that is answered again and again, instead of `run`: begins, and gives what ends it. */
  stream?(args: AdminArguments, send: (response: Answers['subscribe']) => void): () => void;
};

export type CallContext = {
  readonly ask: AskRouter;
  readonly version: string;
  /** 16 octets from a key of 32. */
  readonly addressOf: (key: Uint8Array) => Uint8Array;
  readonly rates: Rates;
  /** Those in force. */
  readonly limits: () => Limits;
  /** How the event loop of the host thread does. */
  readonly loop: () => LoopInfo;
  /** The mesh address meant by an address, a key or a name; throws `TARGET_UNKNOWN`. */
  readonly findTarget: (target: string) => Uint8Array;
  /** What the host knows of the daemon, for `status`. */
  readonly status: () => Promise<StatusAnswer>;
  /** Who may connect from the mesh; the changes throw what an operator can read. */
  readonly firewall: { status(): FirewallAnswer; allow(rule: string): void; deny(rule: string): void };
  /** Reads the configuration again; one line for each change. */
  readonly reload: () => Promise<readonly string[]>;
  readonly events: Events;
};

const PING_TIMEOUT_MAX_MS = 30_000;

export function adminCalls(context: CallContext): Call[] {
  const { ask } = context;
  const calls: Call[] = [
    theirs('getSelf', 'Show this node', async () => {
      const self = await ask('self', {});
      return {
        build_name: 'ratatosk',
        build_version: context.version,
        key: hexText(self.key),
        address: addressText(self.address),
        routing_entries: self.routingEntries,
        subnet: subnetText(self.subnet),
      };
    }),
    {
      ...theirs('getPeers', 'Show the nodes this one is linked to', async (args) => {
        const rows = await ask('peers', {});
        context.rates.look(rows, performance.now());
        return { peers: sortedPeers(rows, args.get('sort') ?? '').map((row) => peerJson(context, row)) };
      }),
      fields: ['sort'],
    },
    theirs('getTree', 'Show the known part of the spanning tree', async () => {
      const entries = byKey(await ask('tree', {}));
      return {
        tree: entries.map(({ key, parent, seq }) => ({
          ...node(context, key),
          parent: hexText(parent),
          sequence: seq,
        })),
      };
    }),
    theirs('getPaths', 'Show the paths in use', async () => {
      const entries = byKey(await ask('paths', {}));
      return {
        paths: entries.map(({ key, ports, seq }) => ({
          ...node(context, key),
          path: ports.map(BigInt),
          sequence: seq,
        })),
      };
    }),
    theirs('getSessions', 'Show the nodes this one has encrypted sessions with', async () => {
      const entries = byKey(await ask('sessions', {}));
      return {
        sessions: entries.map(({ key, kind, bytesReceived, bytesSent, upMs, keyAgeMs }) => ({
          ...node(context, key),
          bytes_recvd: bytesReceived,
          bytes_sent: bytesSent,
          uptime: upMs / 1000,
          kind,
          key_age: keyAgeMs === undefined ? undefined : keyAgeMs / 1000,
        })),
      };
    }),
    theirs('getTun', 'Show the network interface of the mesh', async () => {
      const { isEnabled, name, mtu } = await ask('tun', {});
      return isEnabled ? { enabled: true, name, mtu } : { enabled: false };
    }),
    theirs('getMulticastInterfaces', 'Show where neighbours are looked for', async () => {
      const rows = await ask('multicast', {});
      return {
        multicast_interfaces: rows.map(({ name, address, beacon, listen, hasPassword }) => ({
          name,
          address,
          beacon,
          listen,
          password: hasPassword,
        })),
      };
    }),
    changing('addPeer', 'Connect to a node from now on', async (uri, sourceInterface) => {
      await ask('addPeer', { uri, sourceInterface });
    }),
    changing('removePeer', 'Close the link to a node and connect no more', async (uri, sourceInterface) => {
      await ask('removePeer', { uri, sourceInterface });
    }),
    ...remoteCalls(context),
    ...ownCalls(context),
  ];
  calls.push(theirs('list', 'List all requests', () => ({ list: listJson(calls) })));
  return calls;
}

function ownCalls(context: CallContext): Call[] {
  const own = <N extends RequestName>(name: N, description: string, run: Run<N>, fields: string[] = []): Call => {
    return { name, description, fields, isReadOnly: true, isOwn: true, run };
  };
  const ruling = (name: 'allow' | 'deny', description: string, act: (rule: string) => void): Call => {
    const run = (args: AdminArguments): FirewallAnswer => {
      act(args.get('rule') ?? '');
      return context.firewall.status();
    };
    return { ...own(name, description, run, ['rule']), isReadOnly: false };
  };
  return [
    own('getStatus', 'Show what works and what does not', () => context.status()),
    own('getStats', 'Show counters', () => statsJson(context)),
    {
      ...own('ping', 'Send one echo request to a node', (args) => ping(context, args), PING_FIELDS),
      isReadOnly: false,
    },
    own('getRadio', 'Show the radios, and what of their air time is used', async () => {
      const radios = await context.ask('radios', {});
      return { radios: radios.map(radioJson) };
    }),
    ...eventCalls(context.events),
    own('getFirewall', 'Show who may connect from the mesh', () => context.firewall.status()),
    ruling('allow', 'Let others connect to a port from the mesh', (rule) => context.firewall.allow(rule)),
    ruling('deny', 'Take back what lets others connect to a port', (rule) => context.firewall.deny(rule)),
    {
      ...own('reload', 'Read the configuration again', async () => ({ changes: [...(await context.reload())] })),
      isReadOnly: false,
    },
  ];
}

async function statsJson(context: CallContext): Promise<StatsAnswer> {
  const { counters, drops, closes, sizes, loop, memory } = await context.ask('stats', {});
  const used: Partial<Record<string, number>> = {
    links: sizes.links,
    sessions: sizes.sessions.ironwood + sizes.sessions.e2e,
  };
  const limits = Object.entries(context.limits()).map(([name, max]): [string, LimitAnswer] => [
    name,
    { used: used[name], max },
  ]);
  return {
    counters,
    drops,
    closes,
    loops: { router: loopJson(loop), host: loopJson(context.loop()) },
    queues: sizes.queuedBytes,
    limits: Object.fromEntries(limits),
    memory: { rss: process.memoryUsage.rss(), router: memory, host: heapInfo() },
  };
}

function loopJson({ busy, lagMeanMs, lagMaxMs }: LoopInfo): LoopAnswer {
  return { busy, lag_mean_ms: lagMeanMs, lag_max_ms: lagMaxMs };
}

function theirs<N extends RequestName>(name: N, description: string, run: Run<N>): Call {
  return { name, description, fields: [], isReadOnly: true, isOwn: false, run };
}

function changing(
  name: 'addPeer' | 'removePeer',
  description: string,
  act: (uri: string, source: string) => Promise<void>,
): Call {
  const run = async (args: AdminArguments): Promise<Readonly<Record<string, never>>> => {
    const uri = args.get('uri') ?? '';
    if (uri === '') throw new RatatoskError('ARGUMENTS', 'arguments: uri is missing');
    await act(uri, args.get('interface') ?? '');
    return {};
  };
  return { ...theirs(name, description, run), fields: ['uri', 'interface'], isReadOnly: false };
}

const PING_FIELDS = ['target', 'sequence', 'size', 'timeout'];

/** `size` in octets behind the ICMPv6 header, `timeout` in milliseconds; the round trip in nanoseconds, as in getPeers. */
async function ping(context: CallContext, args: AdminArguments): Promise<PingAnswer> {
  const address = context.findTarget(args.get('target') ?? '');
  const sequence = numberOf(args, 'sequence', 1, 65535);
  const size = numberOf(args, 'size', 56, 1200);
  const timeoutMs = numberOf(args, 'timeout', 5000, PING_TIMEOUT_MAX_MS);
  const { isAnswered, rttMs } = await context.ask('ping', { address, sequence, size, timeoutMs });
  return { address: addressText(address), answered: isAnswered, latency: isAnswered ? nanoseconds(rttMs) : undefined };
}

function numberOf(args: AdminArguments, name: string, byDefault: number, most: number): number {
  const text = args.get(name);
  if (text === undefined) return byDefault;
  if (/^\d{1,9}$/.test(text) && Number(text) <= most) return Number(text);
  throw new RatatoskError('ARGUMENTS', `arguments: ${name} must be a whole number of at most ${most}`);
}

function node(context: CallContext, key: Uint8Array): { address: string; key: string } {
  return { address: addressText(context.addressOf(key)), key: hexText(key) };
}

/** Members that are zero or empty are left out where Go's structure says so. */
function peerJson(context: CallContext, row: PeerRow): PeerAnswer {
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
    latency: link === undefined ? undefined : nanoseconds(link.rttMs) || undefined,
    last_error_time: hasError ? nanoseconds(row.lastErrorAgeMs) || undefined : undefined,
    last_error: hasError ? row.lastError : undefined,
    configured: row.isConfigured || undefined,
    kind: /^[a-z][a-z0-9]*(?=:)/i.exec(row.uri)?.[0].toLowerCase() ?? '',
    state: row.isUp ? 'up' : link !== undefined ? 'greeting' : row.isTrying ? 'connecting' : 'waiting',
    queued: link?.queuedBytes || undefined,
    dropped: link?.lostPackets || undefined,
    loss: link?.lossShare === undefined ? undefined : Math.round(link.lossShare * 1_000) / 1_000,
  };
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

function sortedPeers(rows: readonly PeerRow[], sort: string): PeerRow[] {
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

function byKey<T extends { key: Uint8Array }>(entries: readonly T[]): T[] {
  return [...entries].sort((a, b) => compareOctets(a.key, b.key));
}

function listJson(calls: readonly Call[]): RequestAnswer[] {
  const sorted = calls.map((call) => ({ ...call, command: call.name.toLowerCase() }));
  sorted.sort((a, b) => (a.command < b.command ? -1 : 1));
  return sorted.map(({ command, description, fields, isOwn }) => {
    return { command, description, fields: fields.length === 0 ? undefined : [...fields], own: isOwn || undefined };
  });
}
