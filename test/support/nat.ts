/** A NAT between two nodes that forgets its mappings. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lab } from './lab.ts';
import type { Netns } from './netns.ts';
import { firstAnswerMs, startPing } from './ping.ts';
import { layRouted, loadRules, startRouted } from './routed.ts';
import { assertFetches } from './scenarios.ts';
import { waitFor } from './wait.ts';

export type NatScene = {
  readonly changes: number;
  /** From one change to the next. */
  readonly everyMs: number;
  /** Of one download; they follow each other until the last change. */
  readonly octets: number;
};

/** Who only receives notices after 2 s that nothing comes, and its next packet shows the new mapping. */
const GAP_MAX_MS = 5_000;

/** Downloads end whole and pings go on, whatever the mapping is. */
export async function survivesNat(lab: Lab, t: TestContext, { changes, everyMs, octets }: NatScene): Promise<void> {
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
  let isChanging = true;
  let fetched = 0;
  const fetching = fetchAllTheTime();
  for (let change = 0; change < changes; change++) {
    await Promise.race([delay(everyMs), fetching]);
    // The kernel forgets the mappings of an address that goes; the next packet takes another port.
    const end = `${outsideIpv4}/30`;
    await router.mustRun(['ip', 'addr', 'del', end, 'dev', outside]);
    await router.mustRun(['ip', 'addr', 'add', end, 'dev', outside]);
    await waitFor(`mapping ${change + 2}`, async () => (await portsSeen(far.netns)) === change + 2);
  }
  isChanging = false;
  await fetching;
  const { answers, sent, received } = await series.finish();
  const gaps = answers.slice(1).map(({ atMs }, i) => atMs - (answers[i]?.atMs ?? 0));
  const longestMs = Math.round(Math.max(...gaps));
  t.diagnostic(
    `${changes} changes, ${fetched} downloads; ${sent - received} of ${sent} pings lost, longest gap ${longestMs} ms`,
  );
  assert.ok(longestMs < GAP_MAX_MS);

  async function fetchAllTheTime(): Promise<void> {
    do {
      await assertFetches(lab, far, near, octets);
      fetched++;
    } while (isChanging);
  }
}

/** How many ports packets came from. */
async function portsSeen(netns: Netns): Promise<number> {
  const listed: { nftables: { set?: { elem?: unknown[] } }[] } = JSON.parse(
    await netns.mustRun(['nft', '-j', 'list', 'set', 'ip', 'seen', 'ports']),
  );
  return listed.nftables.find(({ set }) => set !== undefined)?.set?.elem?.length ?? 0;
}
