/** A router that answers from a table, and an admin server before it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { RatatoskError } from '../../daemon/core/error.ts';
import { addressForKey, subnetForKey } from '../../daemon/core/identity.ts';
import { DEFAULT_LIMITS } from '../../daemon/core/limits.ts';
import { type Look, linkId, publicKey } from '../../daemon/core/port.ts';
import { AdminServer, parseEndpoint } from '../../daemon/host/admin.ts';
import type { CallContext } from '../../daemon/host/admin-call.ts';
import { adminCalls } from '../../daemon/host/admin-calls.ts';
import type { StatusAnswer } from '../../daemon/host/answers.ts';
import type { AskRouter, CommandName, Commands, PeerRow } from '../../daemon/host/commands.ts';
import { Events } from '../../daemon/host/events.ts';
import { LoopLag } from '../../daemon/host/loop.ts';
import { Rates } from '../../daemon/host/rates.ts';
import { findNode, findTarget } from '../../daemon/host/targets.ts';

export type Answers = {
  [N in CommandName]?: (args: Commands[N]['args']) => Commands[N]['answer'] | Promise<Commands[N]['answer']>;
};

/** The key of the node in the vectors. */
export const SELF_KEY = publicKey(
  Uint8Array.from(Buffer.from('7df8e39c92e99419e69252107c3a37bb5c0d19d3a4176291e18d8348a45a7e6c', 'hex')),
);

export function keyOf(fill: number): ReturnType<typeof publicKey> {
  return publicKey(new Uint8Array(32).fill(fill));
}

/** A node alone with itself, as in the vectors. */
export function lonelyRouter(): Answers {
  const peers = new Set<string>();
  return {
    self: () => ({
      key: SELF_KEY,
      address: addressForKey(SELF_KEY),
      subnet: subnetForKey(SELF_KEY),
      root: SELF_KEY,
      parent: SELF_KEY,
      coords: [],
      routingEntries: 1,
    }),
    tree: () => [{ key: SELF_KEY, parent: SELF_KEY, seq: 8n }],
    peers: () => [],
    paths: () => [],
    multicast: () => [],
    sessions: () => [],
    radios: () => [],
    tun: () => ({ isEnabled: false, name: 'none', mtu: 0 }),
    stats: () => ({
      drops: { 'too late': 3 },
      counters: { packets: 7 },
      closes: { 'frame malformed': 1 },
      sizes: {
        links: 1,
        sessions: { ironwood: 2, e2e: 3 },
        tables: { tree: 1, paths: 0 },
        queuedBytes: { tun: 0, links: 5 },
      },
      loop: { busy: 0.5, lagMeanMs: 1, lagMaxMs: 9 },
      memory: { used: 5, max: 512 },
    }),
    addPeer: ({ uri }) => {
      if (peers.has(uri)) throw new RatatoskError('PEER_EXISTS', 'known already');
      peers.add(uri);
      return null;
    },
    removePeer: ({ uri }) => {
      if (!peers.delete(uri)) throw new RatatoskError('PEER_UNKNOWN', 'unknown');
      return null;
    },
    ping: () => ({ isAnswered: true, rttMs: 1.5 }),
  };
}

export const STATUS: StatusAnswer = {
  api: 1,
  version: '1.2.3',
  uptime: 90,
  key: '7d'.repeat(32),
  address: '201:81c:718d:b459:af98:65b6:b7be:f17',
  subnet: '301:81c:718d:b459::/64',
  config: '/etc/ratatosk/ratatosk.conf',
  admin: 'none',
  listening: [],
  peers: { configured: 0, up: 0 },
  tun: { enabled: false },
  firewall: { inbound: 'deny', closed: false, open: [] },
};

export function linkedPeer(fill: number, more: Partial<PeerRow> = {}, link: object = {}): PeerRow {
  return {
    uri: `tcp://192.0.2.${fill}:1`,
    isUp: true,
    isInbound: false,
    isConfigured: true,
    isTrying: false,
    lastError: undefined,
    lastErrorAgeMs: 0,
    link: {
      link: linkId(fill),
      uri: `tcp://192.0.2.${fill}:1`,
      isInbound: false,
      isConfigured: true,
      isDiscovered: false,
      key: keyOf(fill),
      isBound: false,
      port: fill,
      priority: 0,
      cost: 12,
      rttMs: 0.5,
      upMs: 1500,
      bytesReceived: 614,
      bytesSent: 567,
      queuedBytes: 0,
      lostPackets: 0,
      lossShare: undefined,
      ...link,
    },
    ...more,
  };
}

function lookAt<Row>(rows: Row[], most: number): Look<Row> {
  return { rows: rows.slice(0, most), total: rows.length };
}

export function contextOf(answers: Answers, more: Partial<CallContext> = {}): CallContext {
  const all: Answers = {
    busiestPeers: async ({ most }) => lookAt((await answers.peers?.({})) ?? [], most),
    busiestSessions: async ({ most }) => lookAt((await answers.sessions?.({})) ?? [], most),
    busiestPaths: async ({ most }) => lookAt((await answers.paths?.({})) ?? [], most),
    nearestTree: async ({ most }) => lookAt((await answers.tree?.({})) ?? [], most),
    ...answers,
  };
  const ask: AskRouter = async (name, args) => {
    const answer = all[name];
    if (answer === undefined) throw new RatatoskError('NOT_SET', `the test sets no answer to ${name}`);
    return answer(args);
  };
  return {
    ask,
    version: '1.2.3',
    addressOf: addressForKey,
    rates: new Rates(),
    limits: () => ({ ...DEFAULT_LIMITS, links: 400 }),
    loop: () => new LoopLag().info(),
    findTarget: (target) => findTarget(target, { laptop: Buffer.from(keyOf(9)).toString('hex') }, addressForKey),
    findNode: (target) => findNode(target, { laptop: Buffer.from(keyOf(9)).toString('hex') }, addressForKey),
    openFor: () => undefined,
    refusedTo: () => [],
    status: async () => STATUS,
    firewall: {
      status: () => ({ inbound: 'deny', closed: false, rules: [] }),
      latest: () => ({ inbound: 'deny', closed: false, rules: [] }),
      allow: () => undefined,
      deny: () => undefined,
    },
    reload: async () => ['one change'],
    events: new Events({ unixMs: () => 0, monotonicMs: () => 0 }),
    ...more,
  };
}

/** Listens on a socket in a folder of its own; gives the path. */
export async function startAdmin(
  t: TestContext,
  answers: Answers = lonelyRouter(),
  more: Partial<CallContext> = {},
): Promise<string> {
  const path = join(temporaryFolder(t), 'admin.sock');
  const endpoint = parseEndpoint(`unix://${path}`);
  if (endpoint.kind === 'off') throw new Error('unix:// is not off');
  const server = await AdminServer.listen(endpoint, adminCalls(contextOf(answers, more)));
  t.after(() => server.close());
  return path;
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-admin-'));
  // Hooks run in the order in which they were made: a daemon in this folder is killed after it, and may still write there.
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}
