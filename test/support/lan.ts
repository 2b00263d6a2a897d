/** A LAN: one bridge, in a namespace of its own, and a cable to it from each node's. IPv6 link-local addresses only. */
import type { PeerAnswer } from './admin.ts';
import { testIdentity } from './identity.ts';
import type { DaemonKind } from './kind.ts';
import type { Lab } from './lab.ts';
import type { Netns } from './netns.ts';
import type { NodeSpec, TestNode } from './node.ts';
import { mustRun } from './process.ts';
import { waitFor } from './wait.ts';

/** The interface of every node on its LAN. */
export const LAN_DEVICE = 'lan0';

/** An entry of `MulticastInterfaces`, as both daemons read it. */
export type MulticastEntry = {
  Regex?: string;
  Beacon?: boolean;
  Listen?: boolean;
  Port?: number;
  Priority?: number;
  Password?: string;
};

export type LanNode = Omit<NodeSpec, 'netns' | 'identity' | 'kind'> & {
  readonly kind: DaemonKind;
  /** Of one entry for every interface; undefined: none in the file, so that the default is in force. */
  readonly entry?: MulticastEntry;
};

/** Nodes on one bridge, all started; their links may still be on the way. */
export async function startLan(lab: Lab, specs: readonly LanNode[]): Promise<TestNode[]> {
  const nodes = await layLan(lab, specs);
  await Promise.all(nodes.map((node) => node.start()));
  return nodes;
}

/** The same with no daemon started. */
export async function layLan(lab: Lab, specs: readonly LanNode[]): Promise<TestNode[]> {
  const hub = await lab.netns('hub');
  await hub.mustRun(['ip', 'link', 'add', 'bridge0', 'type', 'bridge']);
  await hub.mustRun(['ip', 'link', 'set', 'bridge0', 'up']);
  const nodes: TestNode[] = [];
  for (const [i, { entry, config, ...spec }] of specs.entries()) {
    const label = String.fromCharCode('a'.charCodeAt(0) + i);
    const netns = await lab.netns(label);
    await plugIn(hub, netns, i);
    const entries = entry === undefined ? undefined : [{ Regex: '.*', Beacon: true, Listen: true, ...entry }];
    nodes.push(
      lab.node(label, {
        ...spec,
        netns,
        identity: testIdentity(i),
        config: { MulticastInterfaces: entries, ...config },
      }),
    );
  }
  return nodes;
}

/** As its own administrator would. */
export async function setLanDevice(node: TestNode, state: 'up' | 'down'): Promise<void> {
  await node.netns.mustRun(['ip', 'link', 'set', LAN_DEVICE, state]);
}

/** Links of `node` to `other` that are up. */
export async function linksBetween(node: TestNode, other: TestNode): Promise<PeerAnswer[]> {
  return (await node.peers()).filter(({ up, key }) => up && key === other.identity.publicKeyHex);
}

/** Waits until each has every other as a peer; gives how long that took, in milliseconds. */
export async function becomeNeighbours(nodes: readonly TestNode[], limitMs?: number): Promise<number> {
  const startMs = performance.now();
  const pairs = nodes.flatMap((a) => nodes.filter((b) => b !== a).map((b) => [a, b] as const));
  await waitFor(
    `${nodes.length} nodes to be neighbours`,
    async () => (await Promise.all(pairs.map(([a, b]) => a.hasPeer(b.identity)))).every(Boolean),
    limitMs === undefined ? {} : { limitMs },
  );
  return performance.now() - startMs;
}

/** Beacons that a node of ours has dropped for a reason. */
export async function droppedBeacons(node: TestNode, reason: string): Promise<number> {
  const { drops } = await node.admin<{ drops: Record<string, number> }>('getstats');
  return drops[reason] ?? 0;
}

async function plugIn(hub: Netns, node: Netns, index: number): Promise<void> {
  const port = `port${index}`;
  const veth = ['ip', 'link', 'add', port, 'netns', hub.name, 'type', 'veth', 'peer', LAN_DEVICE, 'netns', node.name];
  await mustRun(veth);
  await hub.mustRun(['ip', 'link', 'set', port, 'master', 'bridge0', 'up']);
  await node.mustRun(['ip', 'link', 'set', LAN_DEVICE, 'up']);
}
