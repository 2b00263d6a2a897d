/**
 * The router thread: builds core, links and TUN, and answers the host thread. A worker whose data is its line to the host
 * thread, with the messages of `host/commands.ts`; its one message of its own are the settings to start with.
 */
import { randomFillSync } from 'node:crypto';
import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { RatatoskError } from './core/error.ts';
import { addressForKey } from './core/identity.ts';
import { DEFAULT_LIMITS, MTU_MAX } from './core/limits.ts';
import { Node } from './core/node.ts';
import { type CoreEvent, type NodeOptions, publicKey } from './core/port.ts';
import { chooseCrypto } from './crypto/choose.ts';
import { Driver } from './driver.ts';
import { HopQuestions } from './hop-questions.ts';
import type { AskRouter, CommandName, Commands, RouterNotice, RouterSettings, RouterStart } from './host/commands.ts';
import { compileSoon } from './host/compiler.ts';
import { heapInfo } from './host/heap.ts';
import { removeStaleSocket } from './host/instance.ts';
import { type LoopLag, watchLoop } from './host/loop.ts';
import { countPeers } from './host/rows.ts';
import { openTun, type TunResult } from './host/tun.ts';
import { identityCertificate } from './links/certificate.ts';
import { type NetworkWatch, watchNetwork } from './links/network.ts';
import { type Links, openLinks } from './links/registry.ts';
import { type Neighbourhood, openNeighbourhood } from './neighbourhood.ts';
import { Peering, type Report } from './peering.ts';
import { Pings } from './pings.ts';
import { Questions } from './questions.ts';
import { reasons } from './reasons.ts';
import { hopOf } from './trace.ts';
import { TreeNews } from './tree-news.ts';
import { pathPorts } from './wire/path.ts';

if (parentPort === null) throw new Error('the router runs as a worker thread');
const port = workerData as MessagePort;

type Handlers = {
  [N in CommandName]: (args: Commands[N]['args']) => Commands[N]['answer'] | Promise<Commands[N]['answer']>;
};

const notify = (notice: RouterNotice): void => port.postMessage({ notice });
const report: Report = (level, message, fields = {}, about) => {
  notify({ kind: 'log', level, message, fields, ...(about === undefined ? {} : { about }) });
};

const ROUTER_NICE = -10;
/** Far more than the host's limit for the commands that it runs. */
const GUARD_LIMIT_MS = 30_000;

parentPort.once('message', (settings: RouterStart) => {
  start(settings).catch((error: unknown) => {
    const code = error instanceof RatatoskError ? error.code : 'ROUTER_FAILED';
    notify({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  });
});

/**
 * A packet that waits for a core waits longer than for all else: this thread goes before others, our own compilers and
 * the host thread among them. Needs root or a limit that allows it; without, nothing is lost but time.
 */
function goFirst(): void {
  try {
    // Of this thread alone, on Linux.
    setPriority(0, ROUTER_NICE);
  } catch {
    report('debug', 'the router thread has no higher priority than others: that needs root, or LimitNICE');
  }
}

async function start(settings: RouterStart): Promise<void> {
  goFirst();
  compileSoon();
  const { crypto, slower } = chooseCrypto();
  report('debug', `packets are sealed by ${crypto.aead.name} and ${crypto.box.name}`);
  for (const reason of slower) report('warn', `encryption is slower than it could be: ${reason}`);
  const signer = crypto.ed25519Signer(settings.seed);
  const tun = openTun(settings.ifName, settings.ifMtu, addressForKey(signer.publicKey), (name) =>
    awaitGuard(name, settings.gate),
  );
  const mtu = tun.info.isEnabled ? tun.info.mtu : Math.min(settings.ifMtu, MTU_MAX);
  const node = new Node(nodeOptions(settings, crypto, mtu, tun));
  const pings = new Pings();
  const questions = new Questions();
  const hopQuestions = new HopQuestions();
  const treeNews = new TreeNews(publicKey(signer.publicKey));
  const driver = new Driver(node, tun.device, (event) => {
    pings.heard(event);
    questions.heard(event);
    hopQuestions.heard(event);
    const line = treeNews.heard(event, performance.now());
    if (line !== undefined) report(line.level, line.text, line.fields, 'tree');
    logEvent(event);
  });
  const links = linksOf(settings);
  const { allowedKeys, requiresBound, radio } = settings;
  const policy = { hasAllowList: allowedKeys.length > 0, requiresBound };
  const peering = new Peering(driver, links, report, policy, radio);
  const around = { key: signer.publicKey, crypto, node, driver, links, peering, report };
  const neighbourhood = openNeighbourhood(around);
  const { discovery } = neighbourhood;
  driver.onGap = ({ lengthMs }) => peering.probe(`nothing happened here for ${Math.round(lengthMs / 1_000)} s`);
  const network = watchNetwork(({ isGone }) => {
    peering.probe('the network of this machine has changed', isGone);
    discovery.look();
  });
  answer(
    handlers({ node, driver, peering, neighbourhood, pings, questions, hopQuestions, tun, network, loop: watchLoop() }),
  );
  driver.start();
  await peering.reload(settings.peers, settings.listen);
  discovery.reload(settings.multicast);
  notify({ kind: 'ready', tun: tun.info, ...tun.trouble });
}

function linksOf({ seed }: RouterSettings): Links {
  const taken = (): RatatoskError => new RatatoskError('SOCKET_TAKEN', 'another process answers there');
  return openLinks({
    certificate: identityCertificate(seed, Date.now()),
    makeWay: (path) => removeStaleSocket(path, taken),
  });
}

/** Stands still until the host has closed the interface to strangers: nothing else runs here yet. */
function awaitGuard(name: string, gate: SharedArrayBuffer): void {
  notify({ kind: 'tunOpened', name });
  if (Atomics.wait(new Int32Array(gate), 0, 0, GUARD_LIMIT_MS) !== 'timed-out') return;
  throw new RatatoskError('ROUTER_UNGUARDED', `${name}: the firewall was not decided within ${GUARD_LIMIT_MS} ms`);
}

function nodeOptions(
  settings: RouterSettings,
  crypto: NodeOptions['crypto'],
  mtu: number,
  tun: TunResult,
): NodeOptions {
  return {
    seed: settings.seed,
    crypto,
    random: (octets) => randomFillSync(octets),
    allowedKeys: settings.allowedKeys.map(publicKey),
    requiresBound: settings.requiresBound,
    groupPassword: new TextEncoder().encode(settings.groupPassword),
    e2e: settings.e2e,
    e2eKnown: settings.e2eKnown.map(({ key, unixMs }) => ({ key: publicKey(key), unixMs })),
    airMemories: settings.airMemories,
    mtu,
    hasTun: tun.info.isEnabled,
    cutter: tun.cutter,
    nodeInfo: settings.nodeInfo,
    logsLookups: settings.logsLookups,
    limits: { ...DEFAULT_LIMITS, ...settings.limits },
  };
}

type Parts = {
  node: Node;
  driver: Driver;
  peering: Peering;
  neighbourhood: Neighbourhood;
  pings: Pings;
  questions: Questions;
  hopQuestions: HopQuestions;
  tun: TunResult;
  network: NetworkWatch;
  loop: LoopLag;
};

function handlers({
  node,
  driver,
  peering,
  neighbourhood,
  pings,
  questions,
  hopQuestions,
  tun,
  network,
  loop,
}: Parts): Handlers {
  const { discovery } = neighbourhood;
  return {
    self: () => node.self(),
    peers: () => peering.rows(node.links()),
    tree: () => node.tree(),
    paths: () => node.paths(),
    lookups: () => node.lookups(),
    sessions: () => node.sessions(),
    busiestPeers: ({ most }) => {
      const { rows: links, total } = node.busiestLinks(most);
      const rows = peering.rows(links);
      return { rows, total: total - links.length + rows.length };
    },
    nearestTree: ({ most }) => node.nearestTree(most),
    busiestPaths: ({ most }) => node.busiestPaths(most),
    busiestSessions: ({ most }) => node.busiestSessions(most),
    stats: () => {
      const stats = node.stats();
      return {
        ...stats,
        drops: { ...stats.drops, ...neighbourhood.drops() },
        sizes: node.sizes(),
        loop: loop.info(),
        memory: heapInfo(),
      };
    },
    tun: () => tun.info,
    radios: () => node.radios(),
    peerCounts: () => countPeers(peering.rows(node.links())),
    listening: () => peering.listening,
    modems: () => peering.modems,
    multicast: () => discovery.info(),
    addPeer: ({ uri, sourceInterface }) => {
      peering.add({ uri, sourceInterface });
      return null;
    },
    removePeer: ({ uri, sourceInterface }) => {
      peering.remove({ uri, sourceInterface });
      return null;
    },
    ping: ({ address, sequence, size, timeoutMs }) => pings.ping(driver, { address, sequence, size, timeoutMs }),
    hop: (asked) => hopOf({ node, driver, questions, hopQuestions }, asked),
    why: (asked) => reasons({ node, driver, peering, pings, loop }, asked),
    query: ({ key, topic }) => questions.ask(driver, { key, topic }),
    reload: async ({ settings }) => {
      const { allowedKeys, nodeInfo, requiresBound } = settings;
      peering.policy = { hasAllowList: allowedKeys.length > 0, requiresBound };
      driver.feed({ kind: 'reconfigured', allowedKeys: allowedKeys.map(publicKey), nodeInfo });
      return [...(await peering.reload(settings.peers, settings.listen)), ...discovery.reload(settings.multicast)];
    },
    stop: async () => {
      discovery.stop();
      network.close();
      // First, so that peers hear of it while their sockets are open.
      driver.stop();
      await peering.stop();
      return node.airRecords();
    },
  };
}

function answer(handlers: Handlers): void {
  const call: AskRouter = async (name, args) => handlers[name](args);
  port.on('message', (message: { id: number; name: CommandName; args: never }) => {
    const { id } = message;
    call(message.name, message.args).then(
      (value) => port.postMessage({ id, answer: value }),
      (error: unknown) => port.postMessage({ id, error: describe(error) }),
    );
  });
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof RatatoskError) return { code: error.code, message: error.message };
  return { code: 'ROUTER_ERROR', message: error instanceof Error ? error.message : String(error) };
}

function logEvent(event: CoreEvent): void {
  const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
  switch (event.kind) {
    case 'peerUp':
      return report('info', 'peer is up', { key: hex(event.key), port: String(event.port) }, 'peer');
    case 'peerDown':
      return report('info', 'peer is gone', { key: hex(event.key) }, 'peer');
    case 'pathFound': {
      const path = pathPorts(event.coords).join(' ');
      const text = event.isNew ? 'path found' : 'path found again, or elsewhere';
      return report('debug', text, { key: hex(event.key), path: path === '' ? '(root)' : path }, 'path');
    }
    case 'pathBroken':
      return report('debug', 'path broken: it is looked up again', { key: hex(event.key) }, 'path');
    case 'nextHopChanged': {
      const { key, before, after } = event;
      return report('debug', 'next hop changed', { key: hex(key), before: hex(before), after: hex(after) }, 'path');
    }
    case 'lookupFailed':
      return report(
        'debug',
        'lookup failed: nobody answers',
        { target: hex(event.target), asked: String(event.asked) },
        'path',
      );
    case 'sessionOpened':
      return report('debug', 'session opened', { key: hex(event.key) }, 'session');
    case 'sessionClosed':
      return report('debug', 'session closed', { key: hex(event.key) }, 'session');
    case 'e2eKnown':
    case 'e2eForgotten':
    case 'airUsed':
      return notify(event);
    case 'e2eDowngradeSuspected':
      return report(
        'warn',
        'end-to-end sessions with this node fail although it speaks them: is somebody in between?',
        {
          key: hex(event.key),
          reason: 'e2e downgrade',
        },
        'session',
      );
    default:
      return;
  }
}
