/** The requests of the admin socket: those of Yggdrasil (section 7.1) first, then our own (see the README here). */
import { RatatoskError } from '../core/error.ts';
import { pathPorts } from '../wire/path.ts';
import { addressText, hexText, subnetText } from './address.ts';
import { acting, type Call, type CallContext, ours, theirs } from './admin-call.ts';
import { type AdminArguments, wholeOf } from './admin-request.ts';
import type { FirewallAnswer, PingAnswer, RequestAnswer } from './answers.ts';
import { eventCall } from './event-calls.ts';
import { pathCalls } from './path-calls.ts';
import { radioJson } from './radio-json.ts';
import { remoteCalls } from './remote-calls.ts';
import { byKey, nanoseconds, pathJson, peerJson, sessionJson, sortedPeers, treeJson } from './rows.ts';
import { statsAnswer } from './stats-json.ts';
import { subscribeCall } from './subscribe.ts';

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
    theirs(
      'getPeers',
      'Show the nodes this one is linked to',
      async (args) => {
        const rows = await ask('peers', {});
        context.rates.look(rows, performance.now());
        return { peers: sortedPeers(rows, args.get('sort') ?? '').map((row) => peerJson(context, row)) };
      },
      'sort',
    ),
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
  return [
    ours('getStatus', 'Show what works and what does not', () => context.status()),
    ours('getStats', 'Show counters', () => statsAnswer(context)),
    acting(ours('ping', 'Send one echo request to a node', (args) => ping(context, args), ...PING_FIELDS)),
    ours('getRadio', 'Show the radios, and what of their air time is used', async () => {
      const radios = await context.ask('radios', {});
      return { radios: radios.map(radioJson) };
    }),
    eventCall(context.events),
    subscribeCall(context),
    ...pathCalls(context),
    ...firewallCalls(context),
    acting(ours('reload', 'Read the configuration again', async () => ({ changes: [...(await context.reload())] }))),
  ];
}

function firewallCalls({ firewall }: CallContext): Call[] {
  const ruling = (name: 'allow' | 'deny', description: string): Call => {
    const run = (args: AdminArguments): FirewallAnswer => {
      firewall[name](args.get('rule') ?? '');
      return firewall.status();
    };
    return acting(ours(name, description, run, 'rule'));
  };
  return [
    ours('getFirewall', 'Show who may connect from the mesh', () => firewall.status()),
    ruling('allow', 'Let others connect to a port from the mesh'),
    ruling('deny', 'Take back what lets others connect to a port'),
  ];
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
  return acting(theirs(name, description, run, 'uri', 'interface'));
}

const PING_FIELDS = ['target', 'sequence', 'size', 'timeout'];

/** `size` in octets behind the ICMPv6 header, `timeout` in milliseconds; the round trip in nanoseconds, as in getPeers. */
async function ping(context: CallContext, args: AdminArguments): Promise<PingAnswer> {
  const address = context.findTarget(args.get('target') ?? '');
  const sequence = wholeOf(args, 'sequence', { byDefault: 1, most: 65_535 });
  const size = wholeOf(args, 'size', { byDefault: 56, most: 1_200 });
  const timeoutMs = wholeOf(args, 'timeout', { byDefault: 5_000, most: PING_TIMEOUT_MAX_MS });
  const { isAnswered, rttMs } = await context.ask('ping', { address, sequence, size, timeoutMs });
  return { address: addressText(address), answered: isAnswered, latency: isAnswered ? nanoseconds(rttMs) : undefined };
}

function listJson(calls: readonly Call[]): RequestAnswer[] {
  const sorted = calls.map((call) => ({ ...call, command: call.name.toLowerCase() }));
  sorted.sort((a, b) => (a.command < b.command ? -1 : 1));
  return sorted.map(({ command, description, fields, isOwn }) => {
    return { command, description, fields: fields.length === 0 ? undefined : [...fields], own: isOwn || undefined };
  });
}
