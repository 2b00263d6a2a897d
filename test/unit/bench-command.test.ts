import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoRoot } from '../support/places.ts';

const { scripts } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8'));
const benchmarks = Object.entries<string>(scripts).flatMap(([name, line]) => {
  const file = /dist\/bench\/\w+\.js/.exec(line)?.[0];
  return file === undefined ? [] : [{ name, file: join(repoRoot, file) }];
});

for (const { name, file } of benchmarks) {
  test(`npm run ${name} tells its usage, and refuses what it does not know`, () => {
    const run = (...args: string[]) => spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' });
    const help = run('--help');
    assert.deepEqual([help.status, help.stderr], [0, '']);
    assert.ok(help.stdout.startsWith(`Usage: npm run ${name} -- `), help.stdout);
    for (const line of help.stdout.trimEnd().split('\n')) assert.ok(line.length <= 80, line);
    const wrong = run('--nonsense');
    assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
    assert.match(wrong.stderr, /^bench: Unknown option '--nonsense'\nUsage: npm run /);
  });
}

test('a number that is none is refused', () => {
  const net = join(repoRoot, 'dist/bench/net.js');
  const { status, stderr } = spawnSync(process.execPath, [net, '--rounds', 'two'], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /^bench: --rounds: found 'two', expected a number from 1 to 1000\n/);
});
