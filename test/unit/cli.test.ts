import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { cut, durationText, roundTripText, sizeText, table } from '../../daemon/cli/text.ts';
import { treeLines } from '../../daemon/cli/tree.ts';
import { findVerb, VERBS } from '../../daemon/cli/verbs.ts';
import { RatatoskError } from '../../daemon/core/error.ts';
import type { FirewallAnswer, StatusAnswer } from '../../daemon/host/answers.ts';
import { ratatoskMain } from '../support/places.ts';
import {
  type Answers,
  keyOf,
  linkedPeer,
  lonelyRouter,
  SELF_KEY,
  startAdmin,
  temporaryFolder,
} from './admin-fixture.ts';

type Outcome = { code: number; out: string; err: string };

const NAMES = VERBS.map(({ name }) => name);
const STATUS: StatusAnswer = {
  api: 1,
  version: '1.2.3',
  uptime: 3700,
  key: '7d'.repeat(32),
  address: '201:81c:718d:b459:af98:65b6:b7be:f17',
  subnet: '301:81c:718d:b459::/64',
  config: '/etc/ratatosk/ratatosk.conf',
  admin: 'unix:///run/ratatosk/ratatosk.sock',
  listening: [],
  peers: { configured: 0, up: 0 },
  tun: { enabled: false, problem: 'no right to open /dev/net/tun '.repeat(5).trim(), remedy: 'run as root' },
  firewall: { inbound: 'deny', closed: false, open: [] },
};

function ratatosk(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 20_000 };
    execFile(process.execPath, [ratatoskMain, ...args], options, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
  });
}

function assertFits(text: string): void {
  for (const line of text.split('\n')) assert.ok([...line].length <= 80, `${line.length} columns: ${line}`);
}

/** Those that show a table of their own, without words. */
async function viewNames(): Promise<string[]> {
  const all = await Promise.all(VERBS.map(async ({ name, load }) => ({ name, verb: await load() })));
  return all.filter(({ verb }) => verb.options.watch !== undefined && verb.words[0] === 0).map(({ name }) => name);
}

test('a slip in a verb, an option or an action is answered with what was meant', async () => {
  const said = async (...args: string[]): Promise<string> => (await ratatosk(args)).err;
  assert.match(
    await said('hlep'),
    /^ratatosk: there is no verb 'hlep'; did you mean help\? \(see ratatosk --help\)\n$/,
  );
  assert.match(await said('Pers'), /did you mean peers\?/);
  assert.match(await said('xyzzy'), /there is no verb 'xyzzy' \(see/);
  assert.match(await said('peers', '--jsn'), /'--jsn'; did you mean --json\? \(see ratatosk peers --help\)\n$/);
  assert.match(await said('peer', 'rm', 'x'), /expected add or remove, found 'rm' \(see ratatosk peer --help\)/);
  const { code, out } = await ratatosk([]);
  assert.deepEqual([code, out.startsWith('Usage: ratatosk VERB')], [2, true]);
  assert.equal((await ratatosk(['help', 'ping'])).out, (await ratatosk(['ping', '--help'])).out);
});

test('help names every verb and fits the terminal', async () => {
  const { code, out } = await ratatosk(['--help']);
  assert.equal(code, 0);
  assertFits(out);
  for (const name of NAMES) assert.match(out, new RegExp(`^  ${name} `, 'm'));
});

test('every verb has a help that fits the terminal', async () => {
  for (const name of NAMES) {
    const verb = await findVerb(name)?.();
    assert.ok(verb !== undefined, name);
    assertFits(`Usage: ratatosk ${name} ${verb.usage}\n${verb.help}`);
  }
  const { code, out } = await ratatosk(['ping', '--help']);
  assert.equal(code, 0);
  assert.match(out, /^Usage: ratatosk ping TARGET/);
});

test('prints its version', async () => {
  assert.match((await ratatosk(['--version'])).out, /^ratatosk \d+\.\d+\.\d+\n$/);
});

test('wrong usage ends with code 2 and one line', async () => {
  for (const args of [
    ['nosuch'],
    ['peers', '--nosuch'],
    ['peers', 'word'],
    ['peer', 'add'],
    ['peer', 'change', 'tcp://a:1'],
    ['ping', 'x', '-c', 'many'],
    ['up', '--log-level', 'loud'],
    ['firewall'],
    ['firewall', 'open', '22'],
    ['firewall', 'show', '22'],
    ['firewall', 'allow'],
    ['firewall', 'allow', 'ssh'],
    ['firewall', 'deny', '22', 'laptop'],
    ['status', '--socket', 'ftp://x'],
  ]) {
    const { code, out, err } = await ratatosk(args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(out, '');
    assert.match(err, /^ratatosk: [^\n]+\n$/);
  }
});

test('says how to help when no daemon answers', async (t) => {
  const path = join(temporaryFolder(t), 'none.sock');
  for (const args of [['status'], ['ping', '200::1'], ['peer', 'add', 'tcp://a:1']]) {
    const { code, err } = await ratatosk([...args, '--socket', path]);
    assert.equal(code, 1);
    assert.match(err, /^ratatosk: no daemon answers on .*none\.sock: .*ratatosk up.*\n$/);
  }
});

test('shows everything within 80 columns, without colour where there is no terminal', async (t) => {
  const long = `tls://${'very-long-name.'.repeat(8)}example:1`;
  const router: Answers = {
    ...lonelyRouter(),
    peers: () => [
      linkedPeer(3),
      linkedPeer(4, { uri: long, isUp: false, lastError: 'why '.repeat(40), lastErrorAgeMs: 5000, link: undefined }),
    ],
    paths: () => [{ key: keyOf(5), ports: Array.from({ length: 60 }, (_, i) => String(i + 1)), seq: 1n }],
    sessions: () => [{ key: keyOf(6), bytesReceived: 5e12, bytesSent: 17, upMs: 9e9, kind: 'e2e', keyAgeMs: 61_000 }],
  };
  const listening = [long, `unix:///${'deep/'.repeat(30)}socket`];
  const config = `/home/${'somebody/'.repeat(10)}ratatosk.conf`;
  const socket = await startAdmin(t, router, { status: async () => ({ ...STATUS, listening, config }) });
  const views = await viewNames();
  assert.ok(views.length >= 6);
  for (const verb of views) {
    const { code, out, err } = await ratatosk([verb, '--socket', socket]);
    assert.equal(code, 0, err);
    assertFits(out);
    assert.ok(!out.includes('\u001b'));
    assert.ok(out.length > 20, verb);
    // What is a reason, or an address of this node, is never cut.
    const whole = out.replaceAll(/\s/g, '');
    if (verb === 'status') for (const text of listening) assert.ok(whole.includes(text), out);
    if (verb === 'peers') assert.ok(whole.includes('why'.repeat(40)), out);
  }
});

test('prints one JSON value with --json', async (t) => {
  const socket = await startAdmin(
    t,
    { ...lonelyRouter(), peers: () => [linkedPeer(3)] },
    { status: async () => STATUS },
  );
  const json = async (verb: string): Promise<Record<string, unknown>> => {
    return JSON.parse((await ratatosk([verb, '--json', '--socket', socket])).out);
  };
  assert.deepEqual(await json('status'), STATUS);
  for (const verb of ['peers', 'tree', 'paths', 'sessions']) assert.deepEqual(Object.keys(await json(verb)), [verb]);
});

test('adds and removes peers, and hands on why not', async (t) => {
  const socket = ['--socket', await startAdmin(t)];
  assert.equal((await ratatosk(['peer', 'add', 'tcp://a:1', ...socket])).code, 0);
  const again = await ratatosk(['peer', 'add', 'tcp://a:1', ...socket]);
  assert.deepEqual([again.code, again.err], [1, 'ratatosk: known already\n']);
  const removed = await ratatosk(['peer', 'remove', 'tcp://a:1', '--json', ...socket]);
  assert.deepEqual(JSON.parse(removed.out), { action: 'remove', uri: 'tcp://a:1' });
});

test('shows and changes who may connect, within 80 columns', async (t) => {
  const status: FirewallAnswer = {
    inbound: 'deny',
    closed: true,
    interface: 'tun0',
    table: 'inet ratatosk-0101010101010101',
    refused: 3,
    rules: [
      { rule: `22 from ${'ab'.repeat(32)}`, prefix: '200:1:2:3:4:5:6:7/128', by: 'configuration', open: true },
      { rule: '80', by: 'command', open: false, problem: 'why '.repeat(40) },
    ],
  };
  const asked: string[] = [];
  const wall = {
    status: () => status,
    latest: () => status,
    allow: (rule: string) => void asked.push(`allow ${rule}`),
    deny: () => {
      throw new RatatoskError('FIREWALL_OPEN', '22 would stay open');
    },
  };
  const socket = ['--socket', await startAdmin(t, lonelyRouter(), { firewall: wall })];
  const shown = await ratatosk(['firewall', 'show', ...socket]);
  assert.equal(shown.code, 0, shown.err);
  assertFits(shown.out);
  assert.match(
    shown.out,
    /tun0 are closed but[\s\S]*STATE[\s\S]*\nopen +22 from abab[\s\S]*\nclosed +80 [\s\S]*\n3 packets refused/,
  );
  assert.equal(shown.out.match(/why/g)?.length, 40, shown.out);
  const allowed = await ratatosk(['firewall', 'allow', '22/udp', 'from', 'laptop', '--json', ...socket]);
  assert.deepEqual(JSON.parse(allowed.out), status);
  assert.deepEqual(asked, ['allow 22/udp from laptop']);
  const denied = await ratatosk(['firewall', 'deny', '22', ...socket]);
  assert.deepEqual([denied.code, denied.err], [1, 'ratatosk: 22 would stay open\n']);
});

test('pings as often as asked, and fails if nothing answers', async (t) => {
  const good = ['--socket', await startAdmin(t)];
  const { code, out } = await ratatosk(['ping', 'laptop', '-c', '3', '-i', '0.1', ...good]);
  assert.equal(code, 0);
  assert.equal(out.match(/seq=\d time=1\.50 ms/g)?.length, 3);
  assert.match(out, /3 sent, 3 answered, 0 % lost\nround trip min\/avg\/max = 1\.50\/1\.50\/1\.50 ms/);
  const json = await ratatosk(['ping', 'laptop', '-c', '1', '--json', ...good]);
  assert.equal(JSON.parse(json.out).answered, 1);

  const silent: Answers = { ...lonelyRouter(), ping: () => ({ isAnswered: false, rttMs: 0 }) };
  const bad = await ratatosk(['ping', 'laptop', '-c', '1', '--socket', await startAdmin(t, silent)]);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /1 sent, 0 answered, 100 % lost/);
});

test('init makes a configuration once', async (t) => {
  const path = join(temporaryFolder(t), 'new/ratatosk.conf');
  const first = await ratatosk(['init', '--config', path]);
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /Address +2\w+:[\s\S]*Subnet +3[\s\S]*Public key +[0-9a-f]{64}[\s\S]*Next: ratatosk up/);
  const second = await ratatosk(['init', '--config', path]);
  assert.equal(second.code, 1);
  assert.match(second.err, /exists already/);
});

test('draws the tree below its root, also where parents are unknown or go in a circle', () => {
  const entry = (key: string, parent: string): Parameters<typeof treeLines>[0][number] => {
    return { address: `a${key}`, key, parent };
  };
  const entries = [entry('3', '1'), entry('1', '1'), entry('2', '1'), entry('4', '2'), entry('9', '8')];
  assert.deepEqual(treeLines(entries, '4'), ['  a1 (root)', '    a3', '    a2', '*     a4', '  a9']);
  assert.deepEqual(treeLines([entry('1', '2'), entry('2', '1')], '1'), []);
  const deep = Array.from({ length: 60 }, (_, i) => entry(String(i), String(Math.max(0, i - 1))));
  assertFits(treeLines(deep, '').join('\n'));
  assert.equal(SELF_KEY.length, 32);
});

test('writes figures for people', () => {
  assert.deepEqual([0, 27, 999, 1000, 1024 * 1.1, 5e9, 5e16].map(sizeText), [
    '0 B',
    '27 B',
    '999 B',
    '1.0 KB',
    '1.1 KB',
    '4.7 GB',
    '45474.7 TB',
  ]);
  assert.deepEqual([0, 59.9, 61, 3600, 90_061].map(durationText), ['0s', '59s', '1m 1s', '1h', '1d 1h']);
  assert.deepEqual([500_000, 12_345_678].map(roundTripText), ['0.50 ms', '12 ms']);
  assert.equal(cut('abcdef', 4), 'abc…');
  assert.deepEqual(
    table(
      ['A', 'B'],
      [
        ['one', 'x'],
        ['3', 'y'],
      ],
    ),
    ['A    B', 'one  x', '3    y'],
  );
});
