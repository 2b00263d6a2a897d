import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Carrier } from '../../daemon/links/link.ts';
import { dialTo, listenOn } from '../support/dial-suite.ts';
import { type Connect, linkSuite, started, until } from '../support/link-suite.ts';
import { serveFile } from '../support/proxies.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'rtsk-unix-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const connectOverFile: Connect = async (t) => {
  const accepted: Carrier[] = [];
  const { uri } = await listenOn(t, `unix://${folder(t)}/peer.sock`, (carrier) => accepted.push(carrier));
  const dialled = await dialTo(t, uri);
  await until('the accepted end', () => accepted.length === 1);
  return [dialled, accepted[0] as Carrier];
};

linkSuite('unix', connectOverFile);

test('both ends are called by the path, and have no address', async (t) => {
  const path = `${folder(t)}/peer.sock`;
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, `unix://${path}?priority=3&password=pw`, (carrier) => accepted.push(carrier));
  const dialled = await dialTo(t, `unix://${path}?password=pw`);
  await until('the accepted end', () => accepted.length === 1);
  const [far] = accepted as [Carrier];
  assert.deepEqual([listener.uri, dialled.facts.uri, far.facts.uri], new Array(3).fill(`unix://${path}`));
  assert.deepEqual([dialled.remoteHost, far.remoteHost, far.facts.boundKey], ['', '', undefined]);
  assert.deepEqual([far.facts.priority, Buffer.from(far.facts.password).toString()], [3, 'pw']);
});

test('a path may hold what is encoded', async (t) => {
  const path = `${folder(t)}/my peer+ä.sock`;
  const listener = await listenOn(t, `unix://${path.replaceAll(' ', '%20')}`);
  assert.ok(lstatSync(path).isSocket());
  await dialTo(t, listener.uri);
});

test('the file has the mode that the mask leaves', async (t) => {
  const path = `${folder(t)}/peer.sock`;
  const before = process.umask(0o027);
  t.after(() => process.umask(before));
  await listenOn(t, `unix://${path}`);
  assert.equal(lstatSync(path).mode & 0o777, 0o750);
});

test('a closed listener takes its file with it, and leaves its links', async (t) => {
  const path = `${folder(t)}/peer.sock`;
  const accepted: Carrier[] = [];
  const listener = await listenOn(t, `unix://${path}`, (carrier) => accepted.push(carrier));
  const ear = started(await dialTo(t, listener.uri));
  await until('the accepted end', () => accepted.length === 1);
  await listener.close();
  assert.equal(existsSync(path), false);
  accepted[0]?.write(Uint8Array.of(7));
  await ear.heard(1);
});

test('a file that a crash has left is replaced', async (t) => {
  const path = `${folder(t)}/peer.sock`;
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', code]);
  assert.ok(lstatSync(path).isSocket());
  const { uri } = await listenOn(t, `unix://${path}`);
  await dialTo(t, uri);
});

test('a socket that somebody answers on stays', async (t) => {
  const path = `${folder(t)}/peer.sock`;
  await serveFile(t, path, (socket) => socket.end());
  await assert.rejects(listenOn(t, `unix://${path}`), {
    code: 'LISTEN_FAILED',
    message: `Cannot listen on unix://${path}: another process answers there`,
  });
  assert.ok(lstatSync(path).isSocket());
});

test('a file that is no socket stays', async (t) => {
  const path = `${folder(t)}/notes.txt`;
  writeFileSync(path, 'dear diary');
  await assert.rejects(listenOn(t, `unix://${path}`), {
    code: 'LISTEN_FAILED',
    message: /something else has this name/,
  });
  assert.ok(existsSync(path));
});

test('a folder that is not there is an error with a remedy', async (t) => {
  const uri = `unix://${folder(t)}/none/peer.sock`;
  await assert.rejects(listenOn(t, uri), {
    code: 'LISTEN_FAILED',
    message: `Cannot listen on ${uri}: its folder is not there, or not ours`,
  });
});

test('a path where nobody listens is an error that names it', async (t) => {
  const path = `${folder(t)}/peer.sock`;
  await assert.rejects(dialTo(t, `unix://${path}`), { code: 'DIAL_FAILED', message: `connect ENOENT ${path}` });
});

test('a path of 107 octets works at both ends', async (t) => {
  const start = folder(t);
  const path = `${start}/${'x'.repeat(106 - start.length)}`;
  const { uri } = await listenOn(t, `unix://${path}`);
  assert.ok(lstatSync(path).isSocket());
  await dialTo(t, uri);
});
