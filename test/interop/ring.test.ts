import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { at, settle, startMesh } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { assertPings, firstAnswerMs, type PingReport, startPing } from '../support/ping.ts';
import { waitFor } from '../support/wait.ts';

const [r, y] = ['ratatosk', 'yggdrasil'] as const;
const KINDS = [r, y, r, y, r, y];
const INTERVAL_MS = 100;
/** Noticing a dead link takes 3 s, taking the other way round some maintenance rounds. */
const OUTAGE_MAX_MS = 20_000;

test(
  'a ping in an alternating ring of six survives the cut and the return of its link',
  { skip: needsMesh(r, y), timeout: 180_000 },
  withLab(async (lab, t) => {
    const { nodes, cables } = await startMesh(lab, { kinds: KINDS, isRing: true });
    await settle(nodes, 30_000);
    // The root and its next neighbour in the ring: their direct link is what greedy forwarding uses between them.
    const rootKey = nodes.map((node) => node.identity.publicKeyHex).sort()[0];
    const rootIndex = nodes.findIndex((node) => node.identity.publicKeyHex === rootKey);
    const root = at(nodes, rootIndex);
    const neighbour = at(nodes, (rootIndex + 1) % nodes.length);
    const cable = at(cables, rootIndex);
    await assertPings(neighbour, root);

    const series = await startPing(lab, neighbour, root, INTERVAL_MS);
    await cable.cut();
    await waitFor('the cut to be noticed', async () => !(await neighbour.hasPeer(root.identity)), { limitMs: 15_000 });
    const aroundMs = await firstAnswerMs(neighbour, root, OUTAGE_MAX_MS);
    await cable.restore();
    await waitFor(
      'the link to come back',
      async () => (await neighbour.hasPeer(root.identity)) && (await root.hasPeer(neighbour.identity)),
      { limitMs: 60_000 },
    );
    await settle(nodes, 30_000);
    await assertPings(neighbour, root);
    const report = await series.finish();

    const gapMs = longestGapMs(report);
    t.diagnostic(
      `${neighbour.kind} → ${root.kind}: ${report.received} of ${report.sent} answered, longest gap ` +
        `${Math.round(gapMs)} ms, the way round found ${Math.round(aroundMs)} ms after the cut was noticed`,
    );
    assert.ok(gapMs < OUTAGE_MAX_MS, `no answer for ${gapMs} ms`);
    const lastAtMs = report.answers.at(-1)?.atMs ?? 0;
    assert.ok(lastAtMs > (report.sent - 10) * INTERVAL_MS, 'the ping did not run to its end');
  }),
);

function longestGapMs(report: PingReport): number {
  const times = report.answers.map((answer) => answer.atMs);
  return Math.max(...times.map((atMs, i) => atMs - (times[i - 1] ?? 0)));
}
