import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { repoRoot } from '../support/places.ts';

/** A small project with this one's compiler and setup, and nothing to install. */
function project(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'rtsk-setup-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'daemon'));
  copyFileSync(join(repoRoot, 'daemon/setup.mjs'), join(root, 'daemon/setup.mjs'));
  for (const name of ['package.json', 'tsconfig.json']) copyFileSync(join(repoRoot, name), join(root, name));
  writeFileSync(join(root, 'package-lock.json'), '{"packages":{}}');
  symlinkSync(join(repoRoot, 'node_modules'), join(root, 'node_modules'));
  writeFileSync(join(root, 'daemon/one.ts'), 'export const one: number = 1;\n');
  return root;
}

function setup(root: string, env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  const options = { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 60_000 } as const;
  return spawnSync(process.execPath, [join(root, 'daemon/setup.mjs')], options);
}

test('compiles what is stale, and says nothing and does nothing when all is fresh', (t) => {
  const root = project(t);
  const first = setup(root);
  assert.equal(first.status, 0, first.stdout + first.stderr);
  assert.match(first.stdout, /Compiling/);
  assert.ok(existsSync(join(root, 'dist/daemon/one.js')));
  assert.equal(setup(root).stdout, '');

  writeFileSync(join(root, 'daemon/one.ts'), 'export const one: number = 1000;\n');
  assert.match(setup(root).stdout, /Compiling/);
  assert.match(readFileSync(join(root, 'dist/daemon/one.js'), 'utf8'), /1000/);
});

test('takes away what was compiled from a source that is gone', (t) => {
  const root = project(t);
  writeFileSync(join(root, 'daemon/two.ts'), 'export const two = 2;\n');
  assert.equal(setup(root).status, 0);
  rmSync(join(root, 'daemon/two.ts'));
  assert.equal(setup(root).status, 0);
  assert.equal(existsSync(join(root, 'dist/daemon/two.js')), false);
  assert.equal(existsSync(join(root, 'dist/daemon/one.js')), true);
});

test('stops at a source that does not compile, each time', (t) => {
  const root = project(t);
  writeFileSync(join(root, 'daemon/one.ts'), "export const one: number = 'text';\n");
  for (let round = 0; round < 2; round++) {
    const { status, stderr } = setup(root);
    assert.equal(status, 1);
    assert.match(stderr, /do not compile/);
  }
});

test('goes on without the addon and names the one command that helps', (t) => {
  const root = project(t);
  mkdirSync(join(root, 'native-bindings'));
  writeFileSync(
    join(root, 'native-bindings/build.mjs'),
    `export const missingTools = () => ['g++', 'Node headers'];
     export const buildAddon = () => ({ state: 'missing', problem: 'x' });\n`,
  );
  // As on a system with apt, whoever runs this.
  const tools = join(root, 'tools');
  mkdirSync(tools);
  symlinkSync('/bin/true', join(tools, 'apt-get'));
  const { status, stdout } = setup(root, { PATH: tools });
  assert.equal(status, 0);
  assert.match(stdout, /apt-get install -y g\+\+ libnode-dev libssl-dev\n/);
});

test('installs what the lock file says and is not there', (t) => {
  const root = project(t);
  // Nothing here may come near the real modules.
  rmSync(join(root, 'node_modules'));
  writeFileSync(join(root, 'package-lock.json'), '{"packages":{"node_modules/x":{"version":"1.0.0"}}}');
  const tools = join(root, 'tools');
  mkdirSync(tools);
  writeFileSync(join(tools, 'npm'), '#!/bin/sh\necho "npm $*"\nexit 1\n', { mode: 0o755 });
  const { status, stdout, stderr } = setup(root, { PATH: `${tools}:/bin:/usr/bin` });
  assert.equal(status, 1);
  assert.match(stdout, /npm ci --ignore-scripts/);
  assert.match(stderr, /could not be installed/);
});
