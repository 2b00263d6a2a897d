import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaemonKind } from '../support/kind.ts';
import { withLab } from '../support/lab.ts';
import { at, settle, startMesh } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { assertPings, ping } from '../support/ping.ts';
import { ends } from '../support/scenarios.ts';

const [r, y] = ['ratatosk', 'yggdrasil'] as const;
const IDLE_MS = 5 * 60_000;

describe('a session idle for five minutes answers its first ping within a second', { concurrency: 8 }, () => {
  for (const kinds of [
    [r, r],
    [r, y],
    [y, r],
    [r, y, r],
    [y, r, y],
  ] as const) {
    const who = `${kinds[0]} asking, line of ${kinds.join(', ')}`;
    test(who, { skip: needsMesh(r, y), timeout: IDLE_MS + 60_000 }, answersAfterIdling(kinds));
  }
});

function answersAfterIdling(kinds: readonly DaemonKind[]) {
  return withLab(async (lab, t) => {
    const { nodes } = await startMesh(lab, { kinds });
    await settle(nodes);
    const [first, last] = ends(nodes);
    await assertPings(first, last);
    // What is tested is that this much time passes.
    await sleep(IDLE_MS);
    const report = await ping(first, last, { limitMs: 1000 });
    assert.equal(report.received, 1, 'no answer within a second');
    t.diagnostic(`first answer after ${at(report.answers, 0).rttMs.toFixed(1)} ms`);
  });
}
