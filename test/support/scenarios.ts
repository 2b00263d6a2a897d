/**
 * What meshes of any kinds must be able to do; the folders `net`, `interop` and `long` say with which.
 */
import assert from 'node:assert/strict';
import type { LinkOptions } from './carriers.ts';
import { checksum, fetchOver } from './http.ts';
import { iperf } from './iperf.ts';
import type { DaemonKind } from './kind.ts';
import { type Lab, withLab } from './lab.ts';
import { at, type Mesh, type NodeOptions, settle, startMesh, startPair } from './mesh.ts';
import type { TestNode } from './node.ts';
import { assertPings, exchangeSizes, firstAnswerMs } from './ping.ts';
import { waitFor } from './wait.ts';

export type Kinds = readonly DaemonKind[];

const SMALL_OCTETS = 300_001;

/** Ping and TCP both ways over one link. */
export function carriesOverLink(kinds: readonly [DaemonKind, DaemonKind], link: LinkOptions = {}) {
  return withLab(async (lab) => {
    const { a, b } = await startPair(lab, kinds, link);
    await assertPings(a, b);
    await assertFetches(lab, a, b, SMALL_OCTETS);
    await assertFetches(lab, b, a, SMALL_OCTETS);
  });
}

/** Ping and TCP both ways between the ends of a line. */
export function carriesAlongLine(kinds: Kinds, node?: (index: number) => NodeOptions) {
  return withLab(async (lab) => {
    const { nodes } = await startMesh(lab, { kinds, ...(node === undefined ? {} : { node }) });
    await settle(nodes);
    const [first, last] = ends(nodes);
    await assertPings(first, last);
    await assertFetches(lab, first, last, SMALL_OCTETS);
    await assertFetches(lab, last, first, SMALL_OCTETS);
  });
}

/**
 * A link that must not come up, seen from the dialling side. Afterwards `mend` gives the dialler a URI that is right,
 * and that link works: the refusal has cost nothing else.
 */
export function refusesLink(
  kinds: readonly [DaemonKind, DaemonKind],
  link: LinkOptions,
  mend: (uri: string) => string,
) {
  return withLab(async (lab) => {
    const { a, b } = await startPair(lab, kinds, { dialler: 'b', ...link });
    const row = await waitFor('the dialler to name an error', async () =>
      (await b.peers()).find((peer) => peer.last_error !== undefined),
    );
    assert.equal(row.up, false);
    assert.equal(await a.hasPeer(b.identity), false);
    const uri = row.remote ?? '';
    await b.admin('removepeer', { uri });
    await b.admin('addpeer', { uri: mend(uri) });
    await waitFor('the mended link', async () => (await a.hasPeer(b.identity)) && (await b.hasPeer(a.identity)));
  });
}

/** One node ends as by a crash and starts again: traffic flows within `limitMs` of the new start, in both directions. */
export function recoversFromKill(
  kinds: readonly [DaemonKind, DaemonKind],
  roles: LinkOptions & { victim: 'a' | 'b'; dialler: 'a' | 'b' },
  limitMs = 10_000,
) {
  return withLab(async (lab, t) => {
    const { a, b } = await startPair(lab, kinds, roles);
    const [victim, survivor] = roles.victim === 'a' ? [a, b] : [b, a];
    await assertPings(a, b);
    await victim.kill();
    // Its own start is not what is claimed: a busy machine takes seconds for that.
    await victim.start();
    const startMs = performance.now();
    await firstAnswerMs(survivor, victim, limitMs);
    const elapsedMs = performance.now() - startMs;
    t.diagnostic(`${victim.kind} back for ${survivor.kind} after ${Math.round(elapsedMs)} ms`);
    assert.ok(elapsedMs <= limitMs, `the survivor's traffic flowed after ${elapsedMs} ms`);
    await firstAnswerMs(victim, survivor, limitMs);
    const bothMs = performance.now() - startMs;
    assert.ok(bothMs <= limitMs, `the victim's own traffic flowed after ${bothMs} ms`);
  });
}

/** Equal checksums in both directions between the ends of a line. */
export function carriesBulk(kinds: Kinds, octets: number) {
  return withLab(async (lab, t) => {
    const { nodes } = await startMesh(lab, { kinds });
    await settle(nodes);
    const [first, last] = ends(nodes);
    await assertPings(first, last);
    for (const [server, client] of [
      [first, last],
      [last, first],
    ] as const) {
      const elapsedMs = await assertFetches(lab, server, client, octets);
      const gbitPerSecond = (octets * 8) / elapsedMs / 1e6;
      t.diagnostic(`${server.label} → ${client.label}: ${octets} octets, ${gbitPerSecond.toFixed(2)} Gbit/s`);
    }
  });
}

/** iperf3 both ways; no second without traffic. */
export function runsWithoutStall(kinds: readonly [DaemonKind, DaemonKind], seconds: number) {
  return withLab(async (lab, t) => {
    const { a, b } = await startPair(lab, kinds);
    await assertPings(a, b);
    for (const isReverse of [false, true]) {
      const report = await iperf(lab, a, b, { seconds, isReverse });
      const line = report.octetsOfInterval.map((octets) => ((octets * 8) / 1e9).toFixed(2)).join(' ');
      t.diagnostic(`${isReverse ? 'b → a' : 'a → b'}, Gbit/s each second: ${line}`);
      assert.ok(report.octetsOfInterval.length >= seconds - 1, 'iperf3 reported too few seconds');
      assert.ok(Math.min(...report.octetsOfInterval) > 0, 'a second without traffic');
    }
  });
}

/** Raw IPv6 packets of these sizes come back unchanged, asked from either side. */
export function carriesSizes(kinds: readonly [DaemonKind, DaemonKind], sizes: readonly string[], limitMs: number) {
  return withLab(async (lab, t) => {
    const { a, b } = await startPair(lab, kinds);
    await assertPings(a, b);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const report = await exchangeSizes(lab, from, to, sizes, limitMs);
      t.diagnostic(`${from.label} → ${to.label}: ${report.sizes} sizes, sent twice: ${report.repeated.length}`);
      assert.deepEqual(report.lost, [], 'sizes that never came back');
      // A session that changes its keys may lose a packet or two.
      assert.ok(report.repeated.length <= 3, `sizes that needed a second try: ${report.repeated}`);
    }
  });
}

export async function assertFetches(lab: Lab, server: TestNode, client: TestNode, octets: number): Promise<number> {
  const data = { seed: 7, octets };
  const fetched = await fetchOver(lab, server, client, data, 60_000 + octets / 2000);
  assert.equal(fetched.octets, octets, `${server.label} → ${client.label}: octets`);
  assert.equal(fetched.sha256, checksum(data.seed, octets), `${server.label} → ${client.label}: checksum`);
  return fetched.elapsedMs;
}

export function ends(nodes: Mesh['nodes']): [TestNode, TestNode] {
  return [at(nodes, 0), at(nodes, nodes.length - 1)];
}
