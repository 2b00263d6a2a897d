/**
 * A daemon with one honest peer, whose ping runs while strangers do their worst.
 */
import assert from 'node:assert/strict';
import type { CloseReason } from '../../daemon/core/port.ts';
import { openGate } from './gate.ts';
import { type Identity, testIdentity } from './identity.ts';
import type { DaemonKind } from './kind.ts';
import { type Lab, withLab } from './lab.ts';
import { at, settle, startMesh } from './mesh.ts';
import type { TestNode } from './node.ts';
import { assertPings, startPing } from './ping.ts';
import { Stranger } from './stranger.ts';
import { waitFor } from './wait.ts';

export type Siege = {
  /** Root of the mesh, so its coordinates are empty. */
  readonly daemon: TestNode;
  readonly honest: TestNode;
  readonly stranger: Identity;
  /** A new connection to the daemon's listener, or to the one with `LISTENER_PASSWORD`. */
  approach(listener?: 'open' | 'guarded', identity?: Identity): Stranger;
  /**
   * Ratatosk has told in its log why it ended a link; repeated within 10 s it leaves the line out, so an earlier case
   * may have brought it about. The real daemon does not tell, so it is not asked.
   */
  tellsReason(reason: CloseReason): Promise<void>;
  /** Ratatosk counts what it drops by name. */
  dropsOf(reason: string): Promise<number>;
  /** Runs one case as a test of its own and ends its connections. */
  tries(name: string, body: () => Promise<void>): Promise<void>;
};

export const LISTENER_PASSWORD = 'open sesame';
const GUARDED_PORT = 9200;
const OPEN_PORT = 9100;
// Higher than the others, so that it never becomes root.
const STRANGER = 7;

export function besieged(kinds: readonly [DaemonKind, DaemonKind], body: (siege: Siege) => Promise<void>) {
  return withLab(async (lab: Lab, t) => {
    const guarded = `tcp://127.0.0.1:${GUARDED_PORT}?password=${encodeURIComponent(LISTENER_PASSWORD)}`;
    const { nodes, cables } = await startMesh(lab, {
      kinds,
      link: { dialler: 'a' },
      node: (index) => (index === 1 ? { listen: [guarded] } : {}),
    });
    await settle(nodes);
    const [honest, daemon] = [at(nodes, 0), at(nodes, 1)];
    const stranger = testIdentity(STRANGER);
    const keys = [daemon, honest].map((node) => node.identity.publicKeyHex);
    assert.deepEqual([...keys, stranger.publicKeyHex].sort(), [...keys, stranger.publicKeyHex], 'order of the keys');
    const gates = {
      open: await openGate(lab, daemon.netns, at(cables, 0).b.ipv4, OPEN_PORT),
      guarded: await openGate(lab, daemon.netns, '127.0.0.1', GUARDED_PORT),
    };
    await assertPings(honest, daemon);
    const series = await startPing(lab, honest, daemon, 10);
    const strangers: Stranger[] = [];
    await body({
      daemon,
      honest,
      stranger,
      approach: (listener = 'open', identity = stranger) => {
        const one = new Stranger(gates[listener], identity);
        strangers.push(one);
        return one;
      },
      tellsReason: async (reason) => {
        if (daemon.kind === 'yggdrasil') return;
        await waitFor(`the log to say "${reason}"`, () => daemon.log.includes(`${reason}: `), {
          limitMs: 2000,
        });
      },
      dropsOf: async (reason) => {
        if (daemon.kind === 'yggdrasil') return Number.NaN;
        const { drops } = await daemon.admin<{ drops: Record<string, number> }>('getstats');
        return drops[reason] ?? Number.NaN;
      },
      tries: (name, act) =>
        t.test(name, { timeout: 30_000 }, async () => {
          try {
            await act();
            assert.equal(daemon.end, undefined, 'the daemon ended');
          } catch (error) {
            t.diagnostic(daemon.log.slice(-3000));
            throw error;
          } finally {
            for (const one of strangers.splice(0)) one.close();
          }
        }),
    });
    await t.test('meanwhile the honest link has carried every packet', async () => {
      const report = await series.finish();
      assert.ok(report.sent > 10, 'the ping ran');
      assert.equal(report.received, report.sent, 'echo requests without an answer');
      await assertPings(daemon, honest);
    });
  });
}
