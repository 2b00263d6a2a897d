import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig, OWN_MARK } from '../../daemon/host/config.ts';
import { configText } from '../../daemon/host/init.ts';
import { newIdentity } from '../../daemon/host/keys.ts';
import { createSecretFile, readSecretFile } from '../../daemon/host/secret-file.ts';
import { asNobody, NOBODY, needsOtherUser } from '../support/nobody.ts';

const isRoot = process.geteuid?.() === 0;
const needsRoot = isRoot ? false : 'needs root, to give files away';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-file-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

test('makes a file that only its owner can read, whatever the umask', (t) => {
  const path = join(folderOf(t), 'deep/er/ratatosk.conf');
  const before = process.umask(0o000);
  t.after(() => process.umask(before));
  createSecretFile(path, 'secret');
  assert.equal(modeOf(path), 0o600);
  assert.equal(readFileSync(path, 'utf8'), 'secret');
});

test('never replaces a file, and leaves nothing behind when it does not', (t) => {
  const folder = folderOf(t);
  const path = join(folder, 'ratatosk.conf');
  writeFileSync(path, 'old');
  assert.throws(() => createSecretFile(path, 'new'), { code: 'FILE_EXISTS' });
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(folder), ['ratatosk.conf']);
});

test('does not write through a symbolic link that waits in place of the file', (t) => {
  const folder = folderOf(t);
  const path = join(folder, 'ratatosk.conf');
  symlinkSync(join(folder, 'elsewhere'), path);
  assert.throws(() => createSecretFile(path, 'new'), { code: 'FILE_EXISTS' });
  assert.deepEqual(readdirSync(folder), ['ratatosk.conf']);
});

test('says what could not be written', (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, 'file'), '');
  assert.throws(() => createSecretFile(join(folder, 'file/ratatosk.conf'), 'x'), { code: 'FILE_WRITE' });
});

test('repairs the mode of a file of its own making, with a warning', (t) => {
  const path = join(folderOf(t), 'ratatosk.conf');
  createSecretFile(path, configText(newIdentity()));
  assert.ok(readFileSync(path, 'utf8').startsWith(OWN_MARK));
  chmodSync(path, 0o644);
  assert.match(loadConfig(path).warnings[0] ?? '', /0644.*0600/);
  assert.equal(modeOf(path), 0o600);
  assert.deepEqual(loadConfig(path).warnings, []);
});

test('leaves the mode of a file of others as it is, with a warning', (t) => {
  const path = join(folderOf(t), 'yggdrasil.conf');
  writeFileSync(path, '{}');
  chmodSync(path, 0o640);
  assert.match(loadConfig(path).warnings[0] ?? '', /its group can read: chmod 600/);
  chmodSync(path, 0o644);
  assert.match(loadConfig(path).warnings[0] ?? '', /every user of this machine can read/);
  assert.equal(modeOf(path), 0o644);
});

test('refuses a symbolic link, a folder, and a file that is missing or too large', (t) => {
  const folder = folderOf(t);
  const read = (name: string): unknown => readSecretFile(join(folder, name), () => false);
  writeFileSync(join(folder, 'real'), '{}', { mode: 0o600 });
  symlinkSync('real', join(folder, 'link'));
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'large'), Buffer.alloc(1024 * 1024 + 1), { mode: 0o600 });
  assert.throws(() => read('link'), { code: 'FILE_SYMLINK' });
  assert.throws(() => read('folder'), { code: 'FILE_KIND' });
  assert.throws(() => read('none'), { code: 'FILE_MISSING' });
  assert.throws(() => read('large'), { code: 'FILE_SIZE' });
});

test("refuses a stranger's file", { skip: needsRoot }, (t) => {
  const path = join(folderOf(t), 'ratatosk.conf');
  writeFileSync(path, '{}', { mode: 0o600 });
  chownSync(path, NOBODY, NOBODY);
  assert.throws(() => readSecretFile(path, () => false), { code: 'FILE_OWNER' });
});

test('behind sudo takes the file of the user who called it', { skip: needsRoot }, (t) => {
  const path = join(folderOf(t), 'ratatosk.conf');
  writeFileSync(path, '{}', { mode: 0o600 });
  chownSync(path, NOBODY, NOBODY);
  process.env.SUDO_UID = String(NOBODY);
  t.after(() => delete process.env.SUDO_UID);
  assert.equal(readSecretFile(path, () => false).octets.toString(), '{}');
});

test('as a service without root takes a file of root that its group may read', {
  skip: needsOtherUser(),
}, async (t) => {
  const folder = folderOf(t);
  const path = join(folder, 'ratatosk.conf');
  chmodSync(folder, 0o755);
  writeFileSync(path, '{}');
  chownSync(path, 0, NOBODY);
  chmodSync(path, 0o640);
  await asNobody(() => assert.deepEqual(readSecretFile(path, () => true).warnings, []));
});
