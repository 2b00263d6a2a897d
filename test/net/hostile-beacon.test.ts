import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { FloodReport } from '../support/beacon-tool.ts';
import { withLab } from '../support/lab.ts';
import { becomeNeighbours, droppedBeacons, LAN_DEVICE, layLan } from '../support/lan.ts';
import { at } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings, startPing } from '../support/ping.ts';
import { supportScript } from '../support/places.ts';
import { within } from '../support/wait.ts';

/** More than are remembered, and prime: each sends beacons of every kind. */
const SOURCES = 401;
const FLOOD_S = 8;
const GROWTH_MAX_KIB = 60 * 1024;

test(
  'a flood of beacons costs little, disturbs nobody, and leaves room for neighbours after it',
  { skip: needsMesh('ratatosk'), timeout: 120_000 },
  withLab(async (lab, t) => {
    const kind = 'ratatosk' as const;
    const nodes = await layLan(lab, [{ kind }, { kind }, { kind }, { kind }]);
    const [a, b, late, stranger] = [at(nodes, 0), at(nodes, 1), at(nodes, 2), at(nodes, 3)];
    await Promise.all([a.start(), b.start()]);
    await becomeNeighbours([a, b]);
    await assertPings(a, b);
    const added = Array.from({ length: SOURCES }, (_, i) => `fe80::5:${i.toString(16)}/64`);
    await stranger.netns.mustRun(['ip', '-batch', '-'], {
      input: added.map((address) => `addr add ${address} dev ${LAN_DEVICE} nodad\n`).join(''),
    });
    const beforeKib = residentKib(a);
    const series = await startPing(lab, a, b, 50);
    const line = [process.execPath, supportScript('beacon-tool.js'), LAN_DEVICE, String(SOURCES), String(FLOOD_S)];
    const flood = stranger.netns.mustRun(line, { limitMs: 60_000 });
    let isOver = false;
    const over = flood.finally(() => {
      isOver = true;
    });
    while (!isOver) await within('an answer from the daemon under the flood', 2_000, a.self());
    const { sent, connections, openAtOnce } = JSON.parse(await over) as FloodReport;
    const { sent: asked, received } = await series.finish();
    const grownKib = residentKib(a) - beforeKib;
    t.diagnostic(`${sent} beacons, ${connections} connections, ${openAtOnce} at once, ${grownKib} KiB more`);
    assert.ok(sent > 5_000, `only ${sent} beacons left`);
    // Two daemons hear it, each with 8 dials at most.
    assert.ok(openAtOnce > 0 && openAtOnce <= 16, `${openAtOnce} connections at once`);
    assert.ok(received >= asked - 1, `${received} of ${asked} echo requests answered`);
    assert.ok(grownKib < GROWTH_MAX_KIB, `${grownKib} KiB more`);
    for (const reason of ['malformed', 'password', 'version', 'rate', 'sources full', 'dials pending']) {
      assert.ok((await droppedBeacons(a, `beacon ${reason}`)) > 0, `no beacon was dropped: ${reason}`);
    }
    await late.start();
    await becomeNeighbours([a, b, late], 40_000);
  }),
);

function residentKib(node: TestNode): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${node.pid}/status`, 'utf8'))?.[1]);
}
