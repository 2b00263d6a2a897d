import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { survivesNat } from '../support/nat.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import { assertPings, exchangeSizes } from '../support/ping.ts';
import { layRouted, loadRules, startRouted } from '../support/routed.ts';
import { assertFetches } from '../support/scenarios.ts';
import { waitFor } from '../support/wait.ts';

const skip = needsMesh('ratatosk') || needs(needsTool('nft', 'sysctl'));
const options = { skip, timeout: 120_000 };

/** As large as the interfaces of both nodes allow, and as an application over them would send. */
const SIZES = ['1280', '1300', '1420', '1452', '1500', '9000', '65535'];
/** A few numbers: nobody knows what else the cores are doing. */
const OCTETS = 2_000_000;

describe('full-size packets pass over udp', { concurrency: 2 }, () => {
  for (const mtu of [1500, 1420, 1280]) {
    test(
      `on a path of ${mtu} octets`,
      options,
      withLab(async (lab) => {
        const path = await layRouted(lab);
        const { near, far, router, outside } = path;
        await router.mustRun(['ip', 'link', 'set', outside, 'mtu', String(mtu)]);
        await startRouted(path);
        await assertPings(near, far);
        const report = await exchangeSizes(lab, near, far, SIZES, 60_000);
        assert.deepEqual(report.lost, []);
        await assertFetches(lab, far, near, OCTETS);
        await assertFetches(lab, near, far, OCTETS);
      }),
    );
  }

  test(
    'where what is larger than 1 300 octets vanishes from some time on',
    options,
    withLab(async (lab, t) => {
      const path = await layRouted(lab);
      const { near, far, router } = path;
      await startRouted(path);
      await assertPings(near, far);
      await assertFetches(lab, far, near, OCTETS);
      await loadRules(
        router,
        `table ip hole {
          chain forward { type filter hook forward priority 0; meta length > 1300 drop; }
        }`,
      );
      const startMs = performance.now();
      await waitFor(
        'a full-size packet through the hole',
        async () => (await exchangeSizes(lab, near, far, ['1500', '9000'], 20_000)).lost.length === 0,
        { limitMs: 40_000 },
      );
      t.diagnostic(`full-size packets again after ${Math.round(performance.now() - startMs)} ms`);
      await assertFetches(lab, far, near, OCTETS);
    }),
  );
});

test(
  'a NAT that changes its mapping breaks no flow',
  options,
  withLab((lab, t) => survivesNat(lab, t, { changes: 3, everyMs: 0, octets: 30_000_000 })),
);
