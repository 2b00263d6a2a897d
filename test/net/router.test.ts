import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
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

    // The router thread goes first where it may.
    const [usual] = niceValues(router.pid);
    assert.ok(niceValues(router.pid).every((nice) => nice === usual));
    assert.equal(niceValues(first.pid)[0], usual);
    assert.ok(niceValues(first.pid).includes(-10));
  }),
);

/** Of each thread of a process, that of the main thread first (proc(5), field 19; the name before may hold blanks). */
function niceValues(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
  });
}
