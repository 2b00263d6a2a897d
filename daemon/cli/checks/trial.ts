/**
 * Without a daemon: this node itself, for some seconds, with its own key and no network interface, so that peers answer as they
 * will answer the daemon.
 */
import { randomFillSync } from 'node:crypto';
import { RatatoskError } from '../../core/error.ts';
import { DEFAULT_LIMITS } from '../../core/limits.ts';
import { Node } from '../../core/node.ts';
import { chooseCrypto } from '../../crypto/choose.ts';
import { Driver } from '../../driver.ts';
import type { LoadedConfig } from '../../host/config.ts';
import { markInstance } from '../../host/instance.ts';
import { defaultPlaces } from '../../host/places.ts';
import { routerSettings } from '../../host/settings.ts';
import { identityCertificate } from '../../links/certificate.ts';
import { openLinks } from '../../links/registry.ts';
import { isModem } from '../../links/schemes.ts';
import { Peering } from '../../peering.ts';
import { version } from '../version.ts';
import { type PeerFacts, silence } from './peers.ts';

/** An attempt gives up after 5 s, and a greeting after 6. */
const LIMIT_MS = 8_000;
/** Who is refused by the other side hears of it at once. */
const SETTLE_MS = 700;
const LOOK_MS = 50;

export type Trial =
  | { readonly kind: 'done'; readonly facts: readonly PeerFacts[] }
  | { readonly kind: 'refused'; readonly reason: string };

export async function tryPeers({ config, identity }: LoadedConfig): Promise<Trial> {
  if (identity === undefined) return { kind: 'refused', reason: 'not asked: there is no key to show them' };
  const settings = routerSettings(config, identity, version());
  const peers = settings.peers.filter(({ uri }) => !isModem(uri.split(':', 1)[0]?.toLowerCase() ?? ''));
  if (peers.length === 0) return { kind: 'done', facts: [] };
  try {
    const mark = await markInstance(defaultPlaces().runtimeFolder, identity.publicKey);
    try {
      return { kind: 'done', facts: await asNode(settings, peers) };
    } finally {
      mark.release();
    }
  } catch (error) {
    if (!(error instanceof RatatoskError)) throw error;
    return { kind: 'refused', reason: `not asked: ${error.message}` };
  }
}

type Settings = ReturnType<typeof routerSettings>;

async function asNode(settings: Settings, peers: Settings['peers']): Promise<PeerFacts[]> {
  const node = new Node({
    seed: settings.seed,
    crypto: chooseCrypto().crypto,
    random: (octets) => randomFillSync(octets),
    allowedKeys: [],
    requiresBound: settings.requiresBound,
    groupPassword: new TextEncoder().encode(settings.groupPassword),
    e2e: 'off',
    e2eKnown: [],
    mtu: settings.ifMtu,
    hasTun: false,
    nodeInfo: new TextEncoder().encode('{}'),
    limits: { ...DEFAULT_LIMITS, ...settings.limits },
  });
  const driver = new Driver(node, undefined, () => undefined);
  const links = openLinks({
    certificate: identityCertificate(settings.seed, Date.now()),
    makeWay: async (path) => {
      throw new RatatoskError('SOCKET_TAKEN', `${path}: nothing listens in a trial`);
    },
  });
  const peering = new Peering(driver, links, () => undefined, {
    hasAllowList: false,
    requiresBound: settings.requiresBound,
  });
  driver.start();
  try {
    await peering.reload(peers, []);
    return await settled(() => peering.rows(node.links()).filter((row) => !row.isInbound));
  } finally {
    driver.stop();
    await peering.stop();
  }
}

type Rows = ReturnType<Peering['rows']>;

/** Until all are up, and stay so, or have failed. */
async function settled(look: () => Rows): Promise<PeerFacts[]> {
  const startMs = performance.now();
  let sinceMs = Number.POSITIVE_INFINITY;
  for (;;) {
    const rows = look();
    const nowMs = performance.now();
    const isDecided = rows.every((row) => row.isUp || row.lastError !== undefined);
    sinceMs = isDecided ? Math.min(sinceMs, nowMs) : Number.POSITIVE_INFINITY;
    if (nowMs - sinceMs >= SETTLE_MS || nowMs - startMs >= LIMIT_MS) {
      return rows.map(({ uri, isUp, lastError }) => {
        return { uri, isUp, error: isUp ? undefined : (lastError ?? silence(uri, nowMs - startMs)) };
      });
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
