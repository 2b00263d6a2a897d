/**
 * The router thread: builds core, links and TUN, and answers the host thread. Started as a worker with
 * `RouterSettings`; messages are those of `host/commands.ts`.
 */
import { randomFillSync } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { RatatoskError } from './core/error.ts';
import { addressForKey } from './core/identity.ts';
import { DEFAULT_LIMITS, MTU_MAX } from './core/limits.ts';
import { Node } from './core/node.ts';
import { type CoreEvent, type NodeOptions, publicKey } from './core/port.ts';
import { chooseCrypto } from './crypto/choose.ts';
import { Driver } from './driver.ts';
import type { AskRouter, CommandName, Commands, RouterNotice, RouterSettings } from './host/commands.ts';
import { openTun, type TunResult } from './host/tun.ts';
import { Peering, type Report } from './peering.ts';
import { Pings } from './pings.ts';

const port = parentPort;
if (port === null) throw new Error('the router runs as a worker thread');

type Handlers = {
  [N in CommandName]: (args: Commands[N]['args']) => Commands[N]['answer'] | Promise<Commands[N]['answer']>;
};

const notify = (notice: RouterNotice): void => port.postMessage({ notice });
const report: Report = (level, message, fields = {}) => notify({ kind: 'log', level, message, fields });

start(workerData as RouterSettings).catch((error: unknown) => {
  const code = error instanceof RatatoskError ? error.code : 'ROUTER_FAILED';
  notify({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
});

async function start(settings: RouterSettings): Promise<void> {
  const { crypto, box } = chooseCrypto();
  report('debug', `packets are sealed by ${box}`);
  const signer = crypto.ed25519Signer(settings.seed);
  const tun = openTun(settings.ifName, settings.ifMtu, addressForKey(signer.publicKey));
  const mtu = tun.info.isEnabled ? tun.info.mtu : Math.min(settings.ifMtu, MTU_MAX);
  const node = new Node(nodeOptions(settings, crypto, mtu, tun.info.isEnabled));
  const pings = new Pings();
  const driver = new Driver(node, tun.device, (event) => {
    pings.heard(event);
    logEvent(event);
  });
  const peering = new Peering(driver, report);
  answer(handlers(node, driver, peering, pings, tun));
  driver.start();
  await peering.reload(settings.peers, settings.listen);
  notify({ kind: 'ready', tun: tun.info, ...tun.trouble });
}

function nodeOptions(
  settings: RouterSettings,
  crypto: NodeOptions['crypto'],
  mtu: number,
  hasTun: boolean,
): NodeOptions {
  return {
    seed: settings.seed,
    crypto,
    random: (octets) => randomFillSync(octets),
    allowedKeys: settings.allowedKeys.map(publicKey),
    groupPassword: new TextEncoder().encode(settings.groupPassword),
    e2e: settings.e2e,
    e2eKnown: settings.e2eKnown.map(({ key, unixMs }) => ({ key: publicKey(key), unixMs })),
    mtu,
    hasTun,
    limits: { ...DEFAULT_LIMITS, ...settings.limits },
  };
}

function handlers(node: Node, driver: Driver, peering: Peering, pings: Pings, tun: TunResult): Handlers {
  return {
    self: () => node.self(),
    peers: () => peering.rows(node.links()),
    tree: () => node.tree(),
    paths: () => node.paths(),
    sessions: () => node.sessions(),
    stats: () => node.stats(),
    tun: () => tun.info,
    listening: () => peering.listening,
    addPeer: ({ uri, sourceInterface }) => {
      peering.add({ uri, sourceInterface });
      return null;
    },
    removePeer: ({ uri, sourceInterface }) => {
      peering.remove({ uri, sourceInterface });
      return null;
    },
    ping: ({ address, sequence, size, timeoutMs }) => pings.ping(driver, { address, sequence, size, timeoutMs }),
    reload: ({ settings }) => peering.reload(settings.peers, settings.listen),
    stop: async () => {
      // First, so that peers hear of it while their sockets are open.
      driver.stop();
      await peering.stop();
      return null;
    },
  };
}

function answer(handlers: Handlers): void {
  const call: AskRouter = async (name, args) => handlers[name](args);
  port?.on('message', (message: { id: number; name: CommandName; args: never }) => {
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
      return report('info', 'peer is up', { key: hex(event.key), port: String(event.port) });
    case 'peerDown':
      return report('info', 'peer is gone', { key: hex(event.key) });
    case 'rootChanged':
      return report(
        'info',
        event.isSelf ? 'this node is the root of the tree' : `the root of the tree is ${hex(event.root)}`,
      );
    case 'parentChanged':
      return report('debug', `the parent in the tree is ${hex(event.parent)}`);
    case 'e2eKnown':
    case 'e2eForgotten':
      return notify(event);
    case 'e2eDowngradeSuspected':
      return report(
        'warn',
        'end-to-end sessions with this node fail although it speaks them: is somebody in between?',
        {
          key: hex(event.key),
          reason: 'e2e downgrade',
        },
      );
    default:
      return;
  }
}
