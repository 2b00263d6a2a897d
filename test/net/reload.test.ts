/** A daemon takes another configuration over while it forwards: what does not change must not notice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { at, startMesh, startPair } from '../support/mesh.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings, startPing } from '../support/ping.ts';
import { waitFor } from '../support/wait.ts';

const METRICS = '127.0.0.1:9464';
const ADDED = 'tcp://127.0.0.1:1';
const PORT = 7_777;

type Link = { key: string; uptime: number; remote: string };

test(
  'peers, listeners, passwords, firewall, names, metrics, node information and allowed keys change, and flows go on',
  { skip: needs(needsMesh('ratatosk') || undefined, needsTool('nft', 'curl')), timeout: 120_000 },
  withLab(async (lab) => {
    // b dials a, and c dials b.
    const { nodes, cables } = await startMesh(lab, { kinds: ['ratatosk', 'ratatosk', 'ratatosk'] });
    const [a, b, c] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)];
    await assertPings(a, b);
    await waitFor('the link to c', () => b.hasPeer(c.identity));
    const series = await startPing(lab, a, b, 20);
    const first = await linkTo(b, a);

    const config: Record<string, unknown> = { NodeInfo: { name: 'owl' } };
    const change = async (changed: Record<string, unknown>): Promise<string[]> => {
      Object.assign(config, changed);
      b.writeConfig(config);
      return (await b.admin<{ changes: string[] }>('reload')).changes;
    };

    assert.deepEqual(await change({ Peers: [...b.configuredPeers, ADDED] }), [
      `added ${ADDED}`,
      'NodeInfo has changed: the new one is told from now on',
    ]);
    assert.ok((await b.peers()).some(({ remote }) => remote === ADDED));
    assert.deepEqual(await change({ Peers: b.configuredPeers }), [`removed ${ADDED}`]);

    // A second link to c: whatever comes and goes there, nothing of it is between a and b.
    const listen = at(cables, 1).a.ipv4;
    const [ours] = (await b.admin<{ listening: string[] }>('getStatus')).listening;
    for (const password of ['old', 'new']) {
      const changes = await change({ Listen: [ours, `tcp://${listen}:${PORT}?password=${password}`] });
      assert.equal(changes.at(-1), `listening on tcp://${listen}:${PORT}`);
    }
    await c.admin('addPeer', { uri: `tcp://${listen}:${PORT}?password=new` });
    const isUp = async (): Promise<boolean> =>
      (await c.peers()).some(({ up, remote }) => up && remote === `tcp://${listen}:${PORT}`);
    await waitFor('the link with the new password', isUp);
    await c.admin('removePeer', { uri: `tcp://${listen}:${PORT}?password=new` });

    const names = { Names: { friend: a.identity.publicKeyHex } };
    const rules = { Firewall: { Inbound: 'deny', Allow: ['22 from friend'] } };
    assert.match(String(await change({ ...names, ...rules })), /^Firewall or Names have changed/);
    const { closed, rules: open } = await b.admin<{ closed: boolean; rules: { open: boolean }[] }>('getFirewall');
    assert.deepEqual([closed, open.map((rule) => rule.open)], [true, [true]]);
    await b.admin('ping', { target: 'friend' });

    assert.deepEqual(await change({ Metrics: METRICS }), [`metrics are served on http://${METRICS}/metrics`]);
    assert.match(await b.netns.mustRun(['curl', '-sf', `http://${METRICS}/metrics`]), /ratatosk_peers/);

    await change({ NodeInfo: { name: 'raven' } });
    const told = await a.admin<Record<string, object>>('getNodeInfo', { key: b.identity.publicKeyHex });
    assert.deepEqual(told[b.identity.publicKeyHex], { name: 'raven' });

    const ended = await change({ AllowedPublicKeys: [a.identity.publicKeyHex] });
    assert.deepEqual(ended, ['AllowedPublicKeys has changed: links that came in from other nodes have ended']);
    assert.equal(await b.hasPeer(c.identity), false);

    assert.deepEqual(await change({ LogLevel: 'error', IfMTU: 2_000 }), [
      'IfMTU has changed: it takes effect after a restart',
      'LogLevel has changed: --log-level goes before it',
    ]);

    const stays = await b.admin('getStatus');
    b.writeConfig({ ...config, Listen: [], Metrics: 'off', Firewall: { Inbound: 'sometimes' } });
    await assert.rejects(b.admin('reload'), /Firewall\.Inbound: found "sometimes"|Firewall/);
    const { uptime: _, ...after } = await b.admin<{ uptime: number }>('getStatus');
    const { uptime: __, ...expected } = stays as { uptime: number };
    assert.deepEqual(after, expected, 'a wrong file changes nothing');

    const last = await linkTo(b, a);
    assert.equal(last.remote, first.remote);
    const report = await series.finish();
    const seconds = report.answers.at(-1)?.atMs ?? 0;
    assert.ok(last.uptime - first.uptime > seconds / 2_000, `${first.uptime} s, then ${last.uptime} s: another link`);
    assert.equal(report.received, report.sent, `${report.sent - report.received} echo requests without an answer`);
  }),
);

test(
  'a datagram listener takes another password over, and its links live on',
  { skip: needsMesh('ratatosk'), timeout: 60_000 },
  withLab(async (lab) => {
    const { a, b } = await startPair(lab, ['ratatosk', 'ratatosk'], { scheme: 'udp' });
    await assertPings(a, b);
    const series = await startPing(lab, a, b, 20);
    const first = await linkTo(a, b);
    const [uri = ''] = (await a.admin<{ listening: string[] }>('getStatus')).listening;
    a.writeConfig({ Listen: [`${uri}?password=new`] });
    const { changes } = await a.admin<{ changes: string[] }>('reload');
    assert.deepEqual(changes, [`listening on ${uri} with other options`]);
    await waitFor('some answers more', async () => (await linkTo(a, b)).uptime > first.uptime + 2);
    const report = await series.finish();
    assert.equal(report.received, report.sent, `${report.sent - report.received} echo requests without an answer`);
  }),
);

async function linkTo(from: TestNode, to: TestNode): Promise<Link> {
  const { peers } = await from.admin<{ peers: (Link & { up: boolean })[] }>('getPeers');
  const link = peers.find(({ up, key }) => up && key === to.identity.publicKeyHex);
  assert.ok(link !== undefined, `no link from ${from.label} to ${to.label}`);
  return link;
}
