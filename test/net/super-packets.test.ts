import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { settle, startMesh } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { TUN_NAME } from '../support/node.ts';
import { assertPings } from '../support/ping.ts';
import { assertFetches, ends } from '../support/scenarios.ts';
import { awaitE2e, carriesSuperPackets } from '../support/super-scenarios.ts';

const two = ['ratatosk', 'ratatosk'] as const;
const skip = needsMesh('ratatosk');
const MESH_ROUTE = ['200::/7', 'dev', TUN_NAME, 'proto', 'kernel', 'metric', '256'];
const options = { skip, timeout: 120_000 };

for (const { mtu, isWhole } of [
  { mtu: 1_280, isWhole: true },
  { mtu: 1_420, isWhole: true },
  { mtu: 65_535, isWhole: false },
]) {
  test(`two ratatosks carry bulk whole, IfMTU ${mtu}`, options, carriesSuperPackets({ kinds: two, mtu, isWhole }));
}

test(
  'super-packets pass a ratatosk in between',
  options,
  carriesSuperPackets({ kinds: ['ratatosk', 'ratatosk', 'ratatosk'], mtu: 1_280, isWhole: true }),
);

test(
  'a session of the other kind gets segments',
  options,
  carriesSuperPackets({ kinds: two, mtu: 1_280, isWhole: false, node: () => ({ config: { E2E: 'off' } }) }),
);

test('a super-packet whose segments are too big for the other side is answered as they would be', options, (t) =>
  withLab(async (lab) => {
    const { nodes } = await startMesh(lab, { kinds: two, node: (i) => ({ mtu: i === 0 ? 65_535 : 1_280 }) });
    await settle(nodes);
    const [a, b] = ends(nodes);
    await assertPings(a, b);
    await awaitE2e(a, b);
    // It asks for segments that its interface does not take.
    await b.netns.mustRun(['ip', '-6', 'route', 'change', ...MESH_ROUTE, 'advmss', '9000']);
    await assertFetches(lab, a, b, 1_000_000);
    const { drops } = await b.admin<{ drops: Record<string, number> }>('getstats');
    assert.ok((drops['packet too big'] ?? 0) > 0, 'none was too big');
    assert.match(await a.netns.mustRun(['ip', '-6', 'route', 'get', b.address]), / mtu 1280 /);
  })(t),
);
