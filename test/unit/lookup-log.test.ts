import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressForKey } from '../../daemon/core/identity.ts';
import { LookupLog } from '../../daemon/core/routing/lookup-log.ts';
import { addressText, hexText } from '../../daemon/host/address.ts';
import { adminRequest } from '../support/admin.ts';
import { contextOf, identity, nameless, pathOf } from '../support/core.ts';
import { Mesh, us } from '../support/core-mesh.ts';
import { keyOf, lonelyRouter, startAdmin } from './admin-fixture.ts';

const far = identity(8).key;

test('keeps who has looked for a node, with its latest place, if that is wanted', () => {
  const mesh = new Mesh({ logsLookups: true });
  mesh.parent.lookup(far, us.key, pathOf(3));
  mesh.world.run(2_000);
  mesh.parent.lookup(far, us.key, pathOf(4, 5));
  const rows = mesh.host.node.lookups();
  assert.deepEqual(rows, [{ key: far, coords: pathOf(4, 5), ageMs: 0 }]);
  mesh.world.run(3_602_000);
  assert.deepEqual(mesh.host.node.lookups(), []);
});

test('keeps nothing by default', () => {
  const mesh = new Mesh();
  mesh.parent.lookup(far, us.key, pathOf(3));
  assert.equal(mesh.host.node.lookups(), undefined);
});

test('1 024 sources are kept, and for one more the oldest goes', () => {
  const log = new LookupLog(contextOf(us, { logsLookups: true }));
  for (let i = 0; i < 1_024; i++) log.seen({ source: nameless(i).key, dest: us.key, from: pathOf(1) });
  assert.equal(log.rows()?.length, 1_024);
  log.seen({ source: far, dest: us.key, from: pathOf(1) });
  const keys = log.rows()?.map(({ key }) => hexText(key)) ?? [];
  assert.deepEqual([keys.length, keys.includes(hexText(nameless(0).key)), keys.at(-1)], [1_024, false, hexText(far)]);
});

test('the request has the form of Yggdrasil, and says when nothing is kept', async (t) => {
  const seen = { key: keyOf(9), coords: pathOf(1, 2) as never, ageMs: 5_000 };
  const path = await startAdmin(t, { ...lonelyRouter(), lookups: () => [seen] });
  const { infos } = await adminRequest<{ infos: { addr: string; key: string; path: number[]; time: number }[] }>(
    path,
    'lookups',
  );
  const [info] = infos;
  assert.deepEqual(
    [info?.addr, info?.key, info?.path],
    [addressText(addressForKey(keyOf(9))), hexText(keyOf(9)), [1, 2]],
  );
  assert.ok(Math.abs((info?.time ?? 0) - (Date.now() / 1000 - 5)) < 600);
  const off = await startAdmin(t, { ...lonelyRouter(), lookups: () => undefined });
  await assert.rejects(adminRequest(off, 'lookups'), /LogLookups/);
});
