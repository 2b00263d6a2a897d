/** Whatever goes wrong between a verb and its daemon: one line that says what and what to do, and the right exit code. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EXIT_FAILED, EXIT_USAGE, type Verb } from '../../daemon/cli/verb.ts';
import { findVerb, mainHelp } from '../../daemon/cli/verbs.ts';
import { needs, needsOpenFolder, needsTool } from '../support/needs.ts';
import { ratatoskMain } from '../support/places.ts';
import { type Outcome, run } from '../support/process.ts';
import { temporaryFolder } from './admin-fixture.ts';

const TARGET = '200::1';
const INVITATION = 'ratatosk1q97l3cuujt5egx0xjffpqlp6x7a4crge6wjpwc53uxxcxj9ytflxcqg8qy3jnsqqqgqsknfrkz';
/** What makes a right call of those verbs that want words, or have more ways to ask than one. */
const CALLS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  events: [[], ['--follow']],
  firewall: [['show'], ['allow', '22'], ['deny', '22', '--json']],
  join: [[INVITATION]],
  peer: [
    ['add', 'tcp://192.0.2.1:1'],
    ['remove', 'tcp://192.0.2.1:1'],
  ],
  ping: [[TARGET, '-c', '1']],
  trace: [[TARGET], [TARGET, '--json']],
  why: [[TARGET], [TARGET, '--json']],
  status: [[], ['--json'], ['--watch']],
  top: [['--once'], ['--once', '--json']],
};
/** They take a socket and work without anybody on it; their own tests say how. */
const ALONE: readonly string[] = ['doctor', 'report'];

type Call = { readonly name: string; readonly args: readonly string[] };

const verbs = await Promise.all(
  [...mainHelp().matchAll(/^ {2}(\S+)/gm)].flatMap(([, name = '']) => {
    const load = findVerb(name);
    return load === undefined ? [] : [load().then((verb): [string, Verb] => [name, verb])];
  }),
);
const asking: Call[] = verbs
  .filter(([name, verb]) => 'socket' in verb.options && !ALONE.includes(name))
  .flatMap(([name, verb]) => {
    const calls = CALLS[name] ?? (verb.words[0] === 0 ? [[]] : undefined);
    assert.ok(calls !== undefined, `add a right call of ${name} to CALLS`);
    return calls.map((args) => ({ name, args }));
  });

/** A few at once: each is a process. */
async function each<T>(all: readonly T[], act: (one: T) => Promise<void>, atOnce = 4): Promise<void> {
  const rest = [...all];
  const worker = async (): Promise<void> => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await act(one);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function ratatosk(args: readonly string[], as: readonly string[] = []): Promise<Outcome> {
  return run([...as, process.execPath, ratatoskMain, ...args], { limitMs: 100_000 });
}

function assertFails({ code, stdout, stderr }: Outcome, what: string, expected: number, says: RegExp): void {
  assert.match(stderr, /^ratatosk: [^\n]+\n$/, what);
  assert.match(stderr, says, what);
  assert.equal(code, expected, `${what}: ${stderr}`);
  assert.equal(stdout, '', what);
}

/** Whoever connects to the socket is dealt with so. */
async function startSocket(t: TestContext, serve: (socket: Socket) => void): Promise<string> {
  const path = join(temporaryFolder(t), 'admin.sock');
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen({ path }, resolve));
  t.after(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return path;
}

async function assertAllFail(socket: string, says: RegExp, atOnce?: number, calls = asking): Promise<void> {
  await each(
    calls,
    async ({ name, args }) => {
      const outcome = await ratatosk([name, ...args, '--socket', socket]);
      assertFails(outcome, [name, ...args].join(' '), EXIT_FAILED, says);
    },
    atOnce,
  );
}

test('an option that a verb does not know is wrong usage', async () => {
  await each(verbs, async ([name]) => {
    assertFails(await ratatosk([name, '--no-such']), name, EXIT_USAGE, /--no-such/);
  });
});

test('a word too few or too many is wrong usage', async () => {
  await each(verbs, async ([name, { words }]) => {
    const [least, most] = words;
    if (least > 0) assertFails(await ratatosk([name]), name, EXIT_USAGE, /missing/);
    if (most === Number.POSITIVE_INFINITY) return;
    const many = Array.from({ length: most + 1 }, (_, i) => `word${i}`);
    assertFails(await ratatosk([name, ...many]), name, EXIT_USAGE, /unexpected argument/);
  });
});

test('without a daemon it is said how to start one', async (t) => {
  await assertAllFail(join(temporaryFolder(t), 'none.sock'), /no daemon answers on .*none\.sock: .*ratatosk up/);
});

test('a socket that is left from a crash is no daemon', async (t) => {
  const path = join(temporaryFolder(t), 'admin.sock');
  const script = `require('node:net').createServer().listen({ path: ${JSON.stringify(path)} }, () => process.kill(process.pid, 'SIGKILL'))`;
  await run([process.execPath, '-e', script]);
  await assertAllFail(path, /no daemon answers on/);
});

test('without the right to the socket it is said how to get it', {
  skip: needs(needsTool('setpriv'), await needsOpenFolder()),
}, async (t) => {
  const path = await startSocket(t, (socket) => socket.destroy());
  chmodSync(path, 0o600);
  if (process.getuid?.() !== 0) return assertAllFail(path, /no right to use|cannot be read/);
  chmodSync(join(path, '..'), 0o755);
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
  await each(asking, async ({ name, args }) => {
    const outcome = await ratatosk([name, ...args, '--socket', path], nobody);
    assertFails(outcome, name, EXIT_FAILED, /no right to use .*: use sudo, or join the group ratatosk/);
  });
});

test('a daemon that ends before its answer, or in the middle of it', async (t) => {
  const early = await startSocket(t, (socket) => socket.once('data', () => socket.end()));
  await assertAllFail(early, /closed the connection/);
  const middle = await startSocket(t, (socket) => {
    socket.once('data', () => socket.end('{"status":"success","response":{"peers":[{"key":"00'));
  });
  await assertAllFail(middle, /ended in the middle of its answer/);
  const full = await startSocket(t, (socket) => socket.destroy());
  await assertAllFail(full, /closed the connection|cannot be asked/);
});

test('who answers something else is no daemon', async (t) => {
  const web = await startSocket(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  );
  await assertAllFail(web, /is no daemon of Ratatosk or Yggdrasil/);
  const other = await startSocket(t, (socket) => socket.once('data', () => socket.end('[1, 2, 3]\n')));
  await assertAllFail(other, /is no daemon of Ratatosk or Yggdrasil/);
  const hollow = await startSocket(t, (socket) => {
    socket.once('data', () => socket.end('{"status":"success","response":7}\n'));
  });
  await assertAllFail(hollow, /is no daemon of Ratatosk or Yggdrasil/);
});

test('an answer without what is in it today is not understood', async (t) => {
  const other = await startSocket(t, (socket) => {
    socket.once('data', () => socket.end('{"status":"success","response":{}}\n'));
  });
  // Nothing is what `peer` needs to be told.
  const reading = asking.filter(({ name }) => name !== 'peer');
  await assertAllFail(other, /cannot be read: it has no '\w+': is the daemon of another version\?/, undefined, reading);
});

test('a daemon that does not answer is given up', async (t) => {
  const silent = await startSocket(t, () => undefined);
  // Each mostly waits.
  await assertAllFail(silent, /does not answer/, asking.length);
});
