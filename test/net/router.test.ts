import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { at, settle, startMesh } from '../support/mesh.ts';
import { needs, needsMesh, needsOpenFolder } from '../support/needs.ts';
import { assertPings } from '../support/ping.ts';

/** A name is asked for, so that the daemon tries to open a device and fails. */
const config = { IfName: 'auto', Firewall: { Inbound: 'deny' } };

test(
  'without rights and without a TUN a ratatosk says so and carries the traffic of others',
  { skip: needsMesh('ratatosk') || needs(await needsOpenFolder()), timeout: 60_000 },
  withLab(async (lab, t) => {
    const { nodes } = await startMesh(lab, {
      kinds: ['ratatosk', 'ratatosk', 'ratatosk'],
      node: (index) => (index === 1 ? { hasTun: false, isUnprivileged: true, config } : {}),
    });
    const [first, router, last] = [at(nodes, 0), at(nodes, 1), at(nodes, 2)];
    await settle(nodes);
    await assertPings(first, last);
    assert.deepEqual(await router.admin('gettun'), { enabled: false });
    t.diagnostic(router.log);
    assert.match(router.log, /tun/i, 'it says that the TUN is missing');
    assert.doesNotMatch(router.log, /firewall/, 'nothing is open without an interface');
    assert.match(router.log, /root|CAP_NET_ADMIN|setcap|sudo|--no-tun/i, 'and how to get it');
  }),
);
