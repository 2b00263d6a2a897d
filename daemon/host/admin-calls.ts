/** The requests of the admin socket: those of Yggdrasil (section 7.1) first, then our own (see the README here). */
import { RatatoskError } from '../core/error.ts';
import type { Limits } from '../core/port.ts';
import { pathPorts } from '../wire/path.ts';
import { addressText, hexText, subnetText } from './address.ts';
import type { Json } from './admin-json.ts';
import type { AdminArguments } from './admin-request.ts';
import type { Answers, FirewallAnswer, PingAnswer, Push, RequestAnswer, RequestName, StatusAnswer } from './answers.ts';
import type { AskRouter } from './commands.ts';
import { eventCall } from './event-calls.ts';
import type { Events } from './events.ts';
import type { LoopInfo } from './loop.ts';
import { pathCalls } from './path-calls.ts';
import { radioJson } from './radio-json.ts';
import { remoteCalls } from './remote-calls.ts';
import { byKey, nanoseconds, pathJson, peerJson, type RowContext, sessionJson, sortedPeers, treeJson } from './rows.ts';
import { statsAnswer } from './stats-json.ts';
import { subscribeCall } from './subscribe.ts';
import type { Target } from './targets.ts';

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
  stream?(args: AdminArguments, outlet: Outlet): () => void;
};

/** Where answers of a stream go. */
export type Outlet = {
  /** What must not be lost: who lets too much of it wait is let go. */
  tell(push: Push): void;
  /** Settles when it has been taken, or the other side is gone. */
  offer(push: Push): Promise<void>;
};

export type CallContext = RowContext & {
  readonly ask: AskRouter;
  readonly version: string;
  /** Those in force. */
  readonly limits: () => Limits;
  /** How the event loop of the host thread does. */
  readonly loop: () => LoopInfo;
  /** The mesh address meant by an address, a key or a name; throws `TARGET_UNKNOWN`. */
  readonly findTarget: (target: string) => Uint8Array;
  /** The same, also of what is not in the mesh. */
  readonly findNode: (target: string) => Target;
  /** What the host knows of the daemon, for `status`. */
  readonly status: () => Promise<StatusAnswer>;
  /** Who may connect from the mesh; the changes throw what an operator can read. */
  readonly firewall: {
    status(): FirewallAnswer;
    /** Without running a command. */
    latest(): FirewallAnswer;
    allow(rule: string): void;
    deny(rule: string): void;
  };
  /** As `Firewall.openFor`. */
  readonly openFor: (address: Uint8Array) => readonly string[] | undefined;
  /** As `Firewall.refusedTo`. */
  readonly refusedTo: (address: Uint8Array) => readonly string[];
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
      return { tree: entries.map((entry) => treeJson(context, entry)) };
    }),
    theirs('getPaths', 'Show the paths in use', async () => {
      const entries = byKey(await ask('paths', {}));
      return { paths: entries.map((entry) => pathJson(context, entry)) };
    }),
    theirs('getSessions', 'Show the nodes this one has encrypted sessions with', async () => {
      const entries = byKey(await ask('sessions', {}));
      return { sessions: entries.map((entry) => sessionJson(context, entry)) };
    }),
    theirs('lookups', 'Show who has looked for nodes in the last hour', async () => {
      const rows = await ask('lookups', {});
      if (rows === undefined) {
        throw new RatatoskError('LOOKUPS_OFF', 'lookups are not kept: write LogLookups: true into the configuration');
      }
      return {
        infos: byKey(rows).map(({ key, coords, ageMs }) => ({
          addr: addressText(context.addressOf(key)),
          key: hexText(key),
          path: pathPorts(coords).map(BigInt),
          time: Math.floor((Date.now() - ageMs) / 1000),
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
    own('getStats', 'Show counters', () => statsAnswer(context)),
    {
      ...own('ping', 'Send one echo request to a node', (args) => ping(context, args), PING_FIELDS),
      isReadOnly: false,
    },
    own('getRadio', 'Show the radios, and what of their air time is used', async () => {
      const radios = await context.ask('radios', {});
      return { radios: radios.map(radioJson) };
    }),
    eventCall(context.events),
    subscribeCall(context),
    ...pathCalls(context),
    own('getFirewall', 'Show who may connect from the mesh', () => context.firewall.status()),
    ruling('allow', 'Let others connect to a port from the mesh', (rule) => context.firewall.allow(rule)),
    ruling('deny', 'Take back what lets others connect to a port', (rule) => context.firewall.deny(rule)),
    {
      ...own('reload', 'Read the configuration again', async () => ({ changes: [...(await context.reload())] })),
      isReadOnly: false,
    },
  ];
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

function listJson(calls: readonly Call[]): RequestAnswer[] {
  const sorted = calls.map((call) => ({ ...call, command: call.name.toLowerCase() }));
  sorted.sort((a, b) => (a.command < b.command ? -1 : 1));
  return sorted.map(({ command, description, fields, isOwn }) => {
    return { command, description, fields: fields.length === 0 ? undefined : [...fields], own: isOwn || undefined };
  });
}
