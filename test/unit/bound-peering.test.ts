/** Nodes that ask for proof of keys, over real links. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { identity } from '../support/core.ts';
import { pair, setting, shell, until } from '../support/shell.ts';

const [a, b, c] = [0, 1, 2].map((number) => identity(number).key);
const hexOf = (key: Uint8Array | undefined): string => Buffer.from(key ?? []).toString('hex');

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-bound-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return `unix://${folder}/peer.sock`;
}

test('over tls both ends are bound, over tcp and unix neither is', async (t) => {
  const overTls = await pair(t, 'tls');
  assert.deepEqual(
    [...overTls.a.rows(), ...overTls.b.rows()].map(({ link }) => link?.isBound),
    [true, true],
  );
  const overTcp = await pair(t, 'tcp');
  assert.deepEqual(
    [...overTcp.a.rows(), ...overTcp.b.rows()].map(({ link }) => link?.isBound),
    [false, false],
  );
  const uri = file(t);
  const [near, far] = [shell(t, 0), shell(t, 1)];
  await far.peering.reload([], [uri]);
  await near.peering.reload([setting(uri)], []);
  await until('the link', () => near.rows()[0]?.isUp === true && far.rows()[0]?.isUp === true);
  assert.deepEqual(
    [...near.rows(), ...far.rows()].map(({ link }) => link?.isBound),
    [false, false],
  );
});

test('of those who come in over tls only the allowed ones stay', async (t) => {
  const far = shell(t, 1, { allowedKeys: [a as never] });
  await far.peering.reload([], ['tls://127.0.0.1:0']);
  const uri = far.peering.listening[0] as string;
  const [allowed, other] = [shell(t, 0), shell(t, 2)];
  await other.peering.reload([setting(uri)], []);
  await until('the refusal', () => other.peers()[0]?.lastError !== undefined);
  await allowed.peering.reload([setting(uri)], []);
  await until('the link', () => allowed.peers()[0]?.isUp === true && far.rows()[0]?.isUp === true);
  assert.deepEqual(
    far.rows().map(({ link }) => hexOf(link?.key)),
    [hexOf(a)],
  );
  assert.ok(
    far.reports.every((line) => !line.startsWith('warn')),
    'nothing is unproven there',
  );
});

test('a pinned key is what a peer over tls must have', async (t) => {
  const [near, far] = [shell(t, 0), shell(t, 1)];
  await far.peering.reload([], ['tls://127.0.0.1:0']);
  const uri = far.peering.listening[0] as string;
  await near.peering.reload([setting(`${uri}?key=${hexOf(c)}`)], []);
  await until('the refusal', () => /key not pinned/.test(near.peers()[0]?.lastError ?? ''));
  await near.peering.reload([setting(`${uri}?key=${hexOf(b)}`)], []);
  await until('the link', () => near.peers()[0]?.isUp === true);
  const warnings = near.reports.filter((line) => line.startsWith('warn'));
  assert.deepEqual([warnings.length, /^warn not connected .*key not pinned/.test(warnings[0] ?? '')], [1, true]);
});

test('RequireBound: links over tls come up, others do not, whoever dials', async (t) => {
  const [strict, easy] = [shell(t, 0, { requiresBound: true }), shell(t, 1)];
  await easy.peering.reload([], ['tls://127.0.0.1:0', 'tcp://127.0.0.1:0']);
  await strict.peering.reload([], ['tcp://127.0.0.1:0']);
  const [tls, tcp] = easy.peering.listening.map((uri) => setting(uri));
  await strict.peering.reload([tcp as never, tls as never], ['tcp://127.0.0.1:0']);
  await until('the error', () => strict.peers().some(({ lastError }) => /link not bound/.test(lastError ?? '')));
  await until('the link', () => strict.peers().some(({ isUp, link }) => isUp && link?.isBound === true));
  easy.peering.add(setting(strict.peering.listening[0] as string));
  await until('the refusal', () => easy.peers()[0]?.lastError !== undefined);
  assert.deepEqual(
    strict.reports.filter((line) => /^warn tcp/.test(line)).map((line) => line.replace(/:\d+/, '')),
    [
      'warn tcp://127.0.0.1: RequireBound refuses every link over tcp://; use tls://',
      'warn tcp://127.0.0.1: RequireBound refuses every link over tcp://; use tls://',
    ],
  );
});

for (const scheme of ['tcp', 'ws']) {
  test(`keys named for links over ${scheme} are warned of, once for each peer and listener`, async (t) => {
    const [near, far] = [shell(t, 0), shell(t, 1, { allowedKeys: [a as never] })];
    await far.peering.reload([], [`${scheme}://127.0.0.1:0`]);
    const uri = far.peering.listening[0] as string;
    const pinned = [setting(`${uri}?key=${hexOf(b)}`)];
    await near.peering.reload(pinned, []);
    await near.peering.reload(pinned, []);
    await until('the link', () => near.peers()[0]?.isUp === true);
    const warnings = [...near.reports, ...far.reports].filter((line) => line.startsWith('warn'));
    assert.deepEqual(warnings, [
      `warn ${uri}: key= is checked against what the other side claims; only over tls:// is it proven`,
      `warn ${scheme}://127.0.0.1:0: AllowedPublicKeys is checked against what the other side claims; only over tls:// is it proven`,
    ]);
  });
}

test('peers and listeners that name no key are not warned of', async (t) => {
  const { a: near, b: far } = await pair(t, 'tcp');
  assert.ok([...near.reports, ...far.reports].every((line) => !line.startsWith('warn')));
});
