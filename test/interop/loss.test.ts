import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { lossyThroughput } from '../support/lossy.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';

const skip = needsMesh('yggdrasil', 'ratatosk') || needs(needsTool('iperf3', 'ss'));
const CIRCUMSTANCES = { loss: 0.01, delayMs: 20, seed: 3, congestion: 'cubic', seconds: 6 };

/** `npm run bench:loss` has the whole table. */
test(
  'at 1 % loss under CUBIC udp carries three times what a real Yggdrasil tcp link does',
  { skip, timeout: 180_000 },
  withLab(async (lab, t) => {
    // At the same time: what else the cores do is the same for both, and both need little of them.
    const [theirs, ours] = await Promise.all([
      lossyThroughput(lab, { ...CIRCUMSTANCES, kind: 'yggdrasil', scheme: 'tcp' }),
      lossyThroughput(lab, { ...CIRCUMSTANCES, kind: 'ratatosk', scheme: 'udp' }),
    ]);
    t.diagnostic(`${theirs.toFixed(2)} and ${ours.toFixed(2)} Mbit/s: ${(ours / theirs).toFixed(1)} times`);
    assert.ok(ours >= 3 * theirs);
  }),
);
