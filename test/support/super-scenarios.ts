/** What meshes whose TUNs give and take super-packets must do; the folders `net` and `interop` say with which nodes. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { DaemonKind } from './kind.ts';
import { type Lab, withLab } from './lab.ts';
import { type NodeOptions, settle, startMesh } from './mesh.ts';
import { type TestNode, TUN_NAME } from './node.ts';
import { assertPings } from './ping.ts';
import { python, supportFile } from './places.ts';
import { assertFetches, ends } from './scenarios.ts';
import { waitFor } from './wait.ts';

const BULK_OCTETS = 30_000_001;
const BURSTS = 40;
const PORT = 7_000;

export type SuperSpec = {
  readonly kinds: readonly DaemonKind[];
  readonly mtu: number;
  readonly node?: (index: number) => NodeOptions;
  /** The far kernel sees packets larger than the MTU: they were carried whole. */
  readonly isWhole: boolean;
};

/** TCP and segmented UDP both ways, whole, and no kernel ever sees a wrong checksum. */
export function carriesSuperPackets({ kinds, mtu, node, isWhole }: SuperSpec) {
  return withLab(async (lab, t) => {
    const { nodes } = await startMesh(lab, { kinds, node: (i) => ({ mtu, ...node?.(i) }) });
    await settle(nodes);
    const [first, last] = ends(nodes);
    await assertPings(first, last);
    if (isWhole) await awaitE2e(first, last);
    for (const [server, client] of [
      [first, last],
      [last, first],
    ] as const) {
      const before = await received(client);
      const elapsedMs = await assertFetches(lab, server, client, BULK_OCTETS);
      const { octets, packets } = since(before, await received(client));
      t.diagnostic(
        `${server.label} → ${client.label}: ${Math.round(elapsedMs)} ms, ${Math.round(octets / packets)} octets a packet`,
      );
      // Yggdrasil joins segments before they reach its TUN.
      const isJoined = client.kind === 'yggdrasil';
      if (!isJoined) assert.equal(octets / packets > 2 * mtu, isWhole, 'packets as large as they left');
      await assertBursts(lab, t, server, client, Math.min(mtu - 48, 1_000));
    }
    for (const end of [first, last]) assert.deepEqual(await checksumErrors(end), { tcp: 0, udp: 0 }, end.label);
  });
}

/** Until both ends know that the other takes super-packets. */
export async function awaitE2e(a: TestNode, b: TestNode): Promise<void> {
  await waitFor('end-to-end sessions', async () => {
    const kinds = await Promise.all(
      [a, b].map((node) => node.admin<{ sessions?: { kind?: string }[] }>('getsessions')),
    );
    return kinds.every(({ sessions }) => sessions?.some(({ kind }) => kind === 'e2e'));
  });
}

async function assertBursts(lab: Lab, t: TestContext, from: TestNode, to: TestNode, size: number): Promise<void> {
  const line = (act: string) => [python, supportFile('gso.py'), act, to.address, `${PORT}`, `${size}`, `${BURSTS}`];
  const receiver = lab.adopt(to.netns.start(line('receive')));
  await receiver.says('ready');
  await from.netns.mustRun(line('send'), { limitMs: 20_000 });
  const report = await waitFor('the receiver of bursts to end', async () => /\{.*\}/.exec(receiver.output)?.[0], {
    limitMs: 30_000,
  });
  const { came, missing } = JSON.parse(report);
  t.diagnostic(`${from.label} → ${to.label}: of ${20 * BURSTS} datagrams ${missing} missing`);
  assert.equal(came, 20 * BURSTS - missing, 'nothing came that was not sent');
  assert.ok(missing <= BURSTS, `${missing} datagrams missing`);
}

type Counts = { octets: number; packets: number };

async function received(node: TestNode): Promise<Counts> {
  const read = async (name: string): Promise<number> =>
    Number(await node.netns.mustRun(['cat', `/sys/class/net/${TUN_NAME}/statistics/${name}`]));
  return { octets: await read('rx_bytes'), packets: await read('rx_packets') };
}

function since(before: Counts, now: Counts): Counts {
  return { octets: now.octets - before.octets, packets: now.packets - before.packets };
}

export async function checksumErrors(node: TestNode): Promise<{ tcp: number; udp: number }> {
  const [names = [], values = []] = (await node.netns.mustRun(['cat', '/proc/net/snmp']))
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '));
  const udp = /^Udp6InCsumErrors\s+(\d+)$/m.exec(await node.netns.mustRun(['cat', '/proc/net/snmp6']))?.[1];
  return { tcp: Number(values[names.indexOf('InCsumErrors')]), udp: Number(udp) };
}
