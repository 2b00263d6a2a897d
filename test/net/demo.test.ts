import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ratatoskMain } from '../support/places.ts';
import { Running } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const LIMIT_MS = 150_000;
const options = { timeout: 3 * LIMIT_MS };

/** A folder for temporary files of its own, whose processes end with the test. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-demo-'));
  t.after(() => {
    for (const pid of processesIn(folder)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isOf(name, folder))
    .map(Number);
}

function isOf(pid: string, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`${folder}/`);
  } catch {
    return false;
  }
}

function demo(folder: string, ...args: string[]): Running {
  return new Running([process.execPath, ratatoskMain, 'demo', ...args], { env: { TMPDIR: folder } });
}

function assertNothingLeft(folder: string): void {
  assert.deepEqual(readdirSync(folder), []);
  assert.deepEqual(processesIn(folder), []);
}

test('a mesh with links of every kind carries pings, and nothing of it is left', options, async (t) => {
  const folder = folderOf(t);
  const running = demo(folder, '--seconds', '3');
  const { code } = await running.ended(LIMIT_MS);
  assert.equal(code, 0, running.output);
  for (const kind of ['tcp', 'tls', 'udp', 'ws', 'unix']) assert.match(running.stdout, new RegExp(` ${kind} to `));
  assert.match(
    running.stdout,
    /\nup +in +(tcp|tls):[\s\S]*\(root\)[\s\S]*\n[1-9]\d* pings? sent across the mesh, [1-9]/,
  );
  for (const line of running.stdout.split('\n')) if (!line.includes(folder)) assert.ok([...line].length <= 80, line);
  assertNothingLeft(folder);
});

test('Ctrl-C at any time takes everything away', options, async (t) => {
  const folder = folderOf(t);
  const early = demo(folder);
  await early.says('1 of 5', LIMIT_MS);
  early.signal('SIGINT');
  assert.equal((await early.ended(LIMIT_MS)).code, 0, early.output);
  assertNothingLeft(folder);
  const late = demo(folder, '--seconds', '600');
  await late.says('(root)', LIMIT_MS);
  late.signal('SIGINT');
  assert.equal((await late.ended(LIMIT_MS)).code, 0, late.output);
  assertNothingLeft(folder);
});

test('what a crash has left goes with the next start', options, async (t) => {
  const folder = folderOf(t);
  const crashed = demo(folder, '--seconds', '600');
  await crashed.says('2 of 5', LIMIT_MS);
  await crashed.stop('SIGKILL');
  await waitFor('the daemons that nobody ended', () => processesIn(folder).length >= 2);
  const running = demo(folder, '--seconds', '1');
  const { code } = await running.ended(LIMIT_MS);
  assert.equal(code, 0, running.output);
  assert.match(running.stdout, /^Removed what 1 earlier demo has left behind\.$/m);
  assertNothingLeft(folder);
});
