import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RatatoskError } from '../../daemon/core/error.ts';
import { Supervisor } from '../../daemon/host/notify.ts';
import { findAddon } from '../../native-bindings/addon.ts';
import { listenDatagrams } from '../support/datagrams.ts';
import { needs, needsTool } from '../support/needs.ts';
import { ratatoskMain } from '../support/places.ts';
import { waitFor } from '../support/wait.ts';
import { temporaryFolder } from './admin-fixture.ts';

const needsAddon = findAddon().addon === undefined ? 'needs the addon (npm run build:native)' : undefined;
const skip = needs(needsTool('python3'), needsAddon);

/** A supervisor whose datagrams are kept. */
function supervisor(env: NodeJS.ProcessEnv) {
  const sent: string[] = [];
  return { sent, it: new Supervisor(env, (socket, text) => sent.push(`${socket} ${text}`), 7) };
}

test('says that it is ready and that it ends, to whom the environment names', () => {
  const env = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8', OTHER: '1' };
  const { sent, it } = supervisor(env);
  it.ready(() => assert.fail('the watchdog is for another process'));
  it.stopping();
  assert.deepEqual(sent, ['/run/x READY=1', '/run/x STOPPING=1']);
  assert.deepEqual(env, { OTHER: '1' });
});

test('says nothing where no supervisor is, or one that we cannot reach', () => {
  for (const NOTIFY_SOCKET of [undefined, '', '/', 'vsock:2:1234', 'relative/path']) {
    const { sent, it } = supervisor({ NOTIFY_SOCKET, WATCHDOG_USEC: '1000' });
    it.ready(() => Promise.resolve());
    it.stopping();
    assert.deepEqual(sent, []);
  }
});

test('feeds the watchdog twice in its time while the daemon answers, and not when it hangs', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { sent, it } = supervisor({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' });
  let asked = 0;
  let answer: Promise<unknown> = Promise.resolve();
  it.ready(() => {
    asked++;
    return answer;
  });
  t.mock.timers.tick(30_000);
  return Promise.resolve().then(() => {
    assert.deepEqual([asked, sent], [2, ['@x READY=1', '@x WATCHDOG=1', '@x WATCHDOG=1']]);
    answer = new Promise(() => undefined);
    t.mock.timers.tick(60_000);
    return Promise.resolve().then(() => {
      assert.deepEqual([asked, sent.length], [6, 3]);
      it.stopping();
      t.mock.timers.tick(60_000);
      assert.deepEqual([asked, sent.at(-1)], [6, '@x STOPPING=1']);
    });
  });
});

test('says nothing of being alive once it has said that it ends', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { sent, it } = supervisor({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '30000000' });
  // It settles behind the call that ends the watch.
  const answer = Promise.resolve();
  it.ready(() => answer);
  t.mock.timers.tick(15_000);
  it.stopping();
  await answer;
  assert.deepEqual(sent, ['@x READY=1', '@x STOPPING=1']);
});

test('fails where the supervisor cannot be told that we are ready, and is silent later', () => {
  let isBroken = true;
  const it = new Supervisor({ NOTIFY_SOCKET: '/run/x' }, () => {
    if (isBroken) throw new RatatoskError('DATAGRAM_SEND', 'nobody there');
  });
  assert.throws(() => it.ready(() => Promise.resolve()), { code: 'DATAGRAM_SEND' });
  isBroken = false;
  it.ready(() => Promise.resolve());
  isBroken = true;
  it.stopping();
});

test('a daemon tells its supervisor when it is ready, alive and ending', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const NOTIFY_SOCKET = join(folder, 'notify');
  const all = await listenDatagrams(t, NOTIFY_SOCKET);
  const folders = { CONFIGURATION_DIRECTORY: folder, STATE_DIRECTORY: folder, RUNTIME_DIRECTORY: folder };
  const env = { PATH: process.env.PATH, ...folders, NOTIFY_SOCKET, WATCHDOG_USEC: '200000' };
  writeFileSync(join(folder, 'ratatosk.conf'), '{ MulticastInterfaces: [] }', { mode: 0o600 });
  const daemon = spawn(process.execPath, [ratatoskMain, 'up', '--no-tun'], { env, stdio: 'ignore' });
  t.after(() => daemon.kill('SIGKILL'));
  const says = (text: string) => waitFor(text, () => all.heard.includes(`[${text}]`), { limitMs: 30_000 });
  await says('READY=1');
  await says('WATCHDOG=1');
  daemon.kill('SIGTERM');
  await says('STOPPING=1');
  assert.match(all.heard, /^ready\n\[READY=1\]\n(\[WATCHDOG=1\]\n)+\[STOPPING=1\]\n$/);
});
