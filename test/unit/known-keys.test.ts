import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KnownKeysFile } from '../../daemon/host/known-keys.ts';

const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number, 30).fill(number >> 8, 0, 2);

function inFolder(act: (folder: string, path: string) => void): () => void {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'known-keys-'));
    try {
      act(folder, join(folder, 'deeper', 'e2e-peers'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

const noWarning = (message: string) => assert.fail(message);

test(
  'what was added is there again, the least recent first',
  inFolder((_, path) => {
    const file = new KnownKeysFile(path, noWarning);
    file.add(keyOf(1), 1_700_000_000_000);
    file.add(keyOf(2), 1_700_000_001_000);
    file.add(keyOf(3), 1_700_000_002_000);
    file.add(keyOf(1), 1_700_000_003_000);
    file.delete(keyOf(2));
    file.close();
    assert.deepEqual(new KnownKeysFile(path, noWarning).keys, [
      { key: keyOf(3), unixMs: 1_700_000_002_000 },
      { key: keyOf(1), unixMs: 1_700_000_003_000 },
    ]);
    assert.deepEqual(readdirSync(join(path, '..')), ['e2e-peers'], 'nothing else is left behind');
  }),
);

test(
  'at most 4096 keys are kept, the least recent goes',
  inFolder((_, path) => {
    const file = new KnownKeysFile(path, noWarning);
    for (let i = 0; i < 4_097; i++) file.add(keyOf(i), i * 1_000);
    file.close();
    const { keys } = new KnownKeysFile(path, noWarning);
    assert.equal(keys.length, 4_096);
    assert.deepEqual(keys[0]?.key, keyOf(1));
  }),
);

test(
  'lines that are none are passed over',
  inFolder((folder) => {
    const path = join(folder, 'file');
    writeFileSync(path, `nonsense\n${'ab'.repeat(32)} 5\n${'cd'.repeat(31)} 5\n${'ef'.repeat(32)} -1\n\0\0\0`);
    assert.deepEqual(
      new KnownKeysFile(path, noWarning).keys.map(({ unixMs }) => unixMs),
      [5_000],
    );
  }),
);

test(
  'a folder that cannot be is a warning',
  inFolder((folder) => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '');
    const warnings: string[] = [];
    const file = new KnownKeysFile(join(blocked, 'file'), (message) => warnings.push(message));
    file.add(keyOf(1), 0);
    file.close();
    assert.match(warnings.join(), /cannot keep .*file/);
    assert.equal(readFileSync(blocked, 'utf8'), '');
  }),
);

test(
  'nothing is written when nothing has changed',
  inFolder((folder, path) => {
    new KnownKeysFile(path, noWarning).close();
    assert.deepEqual(readdirSync(folder), []);
  }),
);
