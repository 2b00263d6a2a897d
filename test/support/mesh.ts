/**
 * Topologies of real daemons: one namespace a node, one cable a link.
 */
import { type LinkOptions, layLink } from './carriers.ts';
import { testIdentity } from './identity.ts';
import type { DaemonKind } from './kind.ts';
import type { Lab } from './lab.ts';
import type { Cable } from './netns.ts';
import type { NodeSpec, TestNode } from './node.ts';
import type { RelayOptions } from './relay.ts';
import { waitFor } from './wait.ts';

/** `peers` and `listen` come beside those of the mesh's own links. */
export type NodeOptions = Omit<NodeSpec, 'kind' | 'netns' | 'identity'>;

export type Mesh = {
  readonly nodes: readonly TestNode[];
  /** Cable i joins node i and node i + 1, in a ring the last one and the first; or it is edge i. */
  readonly cables: readonly Cable[];
};

export type MeshOptions = {
  readonly kinds: readonly DaemonKind[];
  readonly isRing?: boolean;
  /** Who is joined with whom, by index, instead of a line or a ring. */
  readonly edges?: readonly (readonly [a: number, b: number])[];
  readonly link?: LinkOptions;
  /** Every cable is a bad one. */
  readonly relay?: RelayOptions;
  /** By index of the node. */
  readonly node?: (index: number) => NodeOptions;
};

const FIRST_PORT = 9100;

/** A line or a ring, all daemons ready; links and tree may still be settling. */
export async function startMesh(lab: Lab, options: MeshOptions): Promise<Mesh> {
  const mesh = await layMesh(lab, options);
  // Listeners first: a plain dialler that comes too early waits 2 s before it tries again.
  const order = options.link?.dialler === 'a' ? mesh.nodes.toReversed() : mesh.nodes;
  await inOrder(order, (node) => node.start());
  return mesh;
}

/** The same with no daemon started. */
export async function layMesh(lab: Lab, options: MeshOptions): Promise<Mesh> {
  const { kinds } = options;
  const spaces = await inOrder(kinds, (_, i) => lab.netns(label(i)));
  const edges =
    options.edges ?? kinds.slice(options.isRing ? 0 : 1).map((_, i) => [i, (i + 1) % kinds.length] as const);
  const spans = edges.map(([a, b]) => ({ a, b }));
  const { relay } = options;
  const cables = await inOrder(spans, ({ a, b }) => {
    const [from, to] = [at(spaces, a), at(spaces, b)];
    return relay === undefined ? lab.cable(from, to) : lab.relay(from, to, relay);
  });
  const peers = kinds.map((): string[] => []);
  const listen = kinds.map((): string[] => []);
  await inOrder(spans, async (span, i) => {
    const keyOf = (end: 'a' | 'b'): string => testIdentity(span[end]).publicKeyHex;
    const uris = await layLink(lab, at(cables, i), FIRST_PORT + i, options.link ?? {}, keyOf);
    at(listen, span[uris.listener]).push(uris.listen);
    at(peers, span[uris.dialler]).push(uris.dial);
  });
  const nodes = kinds.map((kind, i) => {
    const more = options.node?.(i) ?? {};
    return lab.node(label(i), {
      ...more,
      kind,
      netns: at(spaces, i),
      identity: testIdentity(i),
      peers: [...at(peers, i), ...(more.peers ?? [])],
      listen: [...at(listen, i), ...(more.listen ?? [])],
    });
  });
  return { nodes, cables };
}

/** Two nodes; `a` is the first of `kinds`. */
export async function startPair(
  lab: Lab,
  kinds: readonly [DaemonKind, DaemonKind],
  link: LinkOptions = {},
): Promise<{ a: TestNode; b: TestNode; cable: Cable }> {
  const { nodes, cables } = await startMesh(lab, { kinds, link });
  return { a: at(nodes, 0), b: at(nodes, 1), cable: at(cables, 0) };
}

/** Waits until all nodes agree on the lowest key as their root. */
export async function settle(nodes: readonly TestNode[], limitMs = 30_000): Promise<void> {
  const lowest = nodes.map((node) => node.identity.publicKeyHex).sort()[0];
  await waitFor(
    `${nodes.length} nodes to agree on the root ${lowest?.slice(0, 8)}`,
    async () => (await Promise.all(nodes.map((node) => node.root()))).every((root) => root === lowest),
    { limitMs, everyMs: 100 },
  );
}

const label = (index: number): string => String.fromCharCode('a'.charCodeAt(0) + index);

export function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`no item ${index} of ${list.length}`);
  return item;
}

async function inOrder<T, U>(items: readonly T[], act: (item: T, index: number) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const [index, item] of items.entries()) results.push(await act(item, index));
  return results;
}
