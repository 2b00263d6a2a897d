import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import type { Netns } from '../support/netns.ts';
import { assertPings, exchangeSizes, firstAnswerMs, startPing } from '../support/ping.ts';
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
  withLab(async (lab, t) => {
    const path = await layRouted(lab);
    const { near, far, router, outside, outsideIpv4 } = path;
    await loadRules(
      router,
      `table ip nat {
        chain out { type nat hook postrouting priority 100; oifname "${outside}" masquerade random; }
      }`,
    );
    await loadRules(
      far.netns,
      `table ip seen {
        set ports { type inet_service; size 64; flags dynamic; }
        chain input { type filter hook input priority 0; udp dport 9100 add @ports { udp sport }; }
      }`,
    );
    await startRouted(path);
    await firstAnswerMs(near, far);
    const series = await startPing(lab, far, near, 50);
    const fetching = assertFetches(lab, far, near, 30_000_000);
    for (let change = 0; change < 3; change++) {
      // The kernel forgets the mappings of an address that goes; the next packet takes another port.
      const end = `${outsideIpv4}/30`;
      await router.mustRun(['ip', 'addr', 'del', end, 'dev', outside]);
      await router.mustRun(['ip', 'addr', 'add', end, 'dev', outside]);
      await waitFor(`mapping ${change + 2}`, async () => (await portsSeen(far.netns)) === change + 2);
    }
    await fetching;
    const { answers, sent, received } = await series.finish();
    const gaps = answers.slice(1).map(({ atMs }, i) => atMs - (answers[i]?.atMs ?? 0));
    t.diagnostic(`${sent - received} of ${sent} pings lost, longest gap ${Math.round(Math.max(...gaps))} ms`);
    // Who only receives notices after 2 s that nothing comes, and its next packet shows the new mapping.
    assert.ok(Math.max(...gaps) < 5_000);
  }),
);

/** How many ports packets came from. */
async function portsSeen(netns: Netns): Promise<number> {
  const listed: { nftables: { set?: { elem?: unknown[] } }[] } = JSON.parse(
    await netns.mustRun(['nft', '-j', 'list', 'set', 'ip', 'seen', 'ports']),
  );
  return listed.nftables.find(({ set }) => set !== undefined)?.set?.elem?.length ?? 0;
}
