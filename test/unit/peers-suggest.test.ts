import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { peersIn } from '../../daemon/cli/peer-lists.ts';
import { bestOf, type Candidate, ranked, suggestionLines } from '../../daemon/cli/peers-suggest.ts';
import { parseConfig } from '../../daemon/host/config.ts';
import { configText } from '../../daemon/host/init.ts';
import { newIdentity } from '../../daemon/host/keys.ts';
import { parseUri } from '../../daemon/links/uri.ts';
import { identity } from '../support/core.ts';
import { ratatoskMain } from '../support/places.ts';
import { type Outcome, run } from '../support/process.ts';
import { counter, shell } from '../support/shell.ts';
import { temporaryFolder } from './admin-fixture.ts';

const KEY = 'ab'.repeat(32);

test('finds the peers of a list, whatever it was published in', () => {
  const expected = ['tls://a.example:9001', `tcp://192.0.2.1:9001?key=${KEY}&priority=2`, 'wss://b.example/mesh'];
  const [a = '', b = '', c = ''] = expected;
  const lists = {
    text: `${a}\n${b}\n${c}.\n`,
    Markdown: `* \`${a}\`\n* <${b}>, [c](${c})\n| ${a} | up |`,
    HTML: `<td id="address">${a}</td><a href='https://x.example/'>${b.replace('&', '&amp;')}</a><br>"${c}"`,
    JSON: JSON.stringify({ 'x.md': { [a]: { up: true }, [b]: {}, [c]: null } }),
    'escaped JSON': JSON.stringify([a, b, c]).replaceAll('/', '\\/'),
    HJSON: `Peers: [\n  ${a}\n  ${b} # near\n  ${c}\n]`,
  };
  for (const [name, text] of Object.entries(lists)) assert.deepEqual(peersIn(text).uris, expected, name);
  const ipv6 = 'tcp://[2001:db8::1]:9001';
  assert.deepEqual(peersIn(`(${ipv6}), ${ipv6}?x=1`).uris, [ipv6]);
});

test('passes over what is not measured or no URI, and counts it', () => {
  const { uris, skipped } = peersIn(
    'quic://a:1 quic://a:1 quic://b:1 udp://c:1 unix:///x https://d/ tcp://e tls://f:99999 tcp://g:1',
  );
  assert.deepEqual(uris, ['tcp://g:1']);
  assert.deepEqual(
    [...skipped],
    [
      ['quic', 2],
      ['udp', 1],
      ['tcp', 1],
      ['tls', 1],
    ],
  );
});

test('takes so many candidates of a list and no more, of any text only URIs that can be dialled', () => {
  const many = Array.from({ length: 2_001 }, (_, i) => `tcp://h${i}.example:1`).join(' ');
  assert.equal(peersIn(many).uris.length, 2_000);
  const word = fc.constantFrom(
    'tcp://',
    'tls',
    '://',
    '[',
    ']',
    '::1',
    'a.b',
    ':9',
    '?key=',
    '&',
    '/',
    ' ',
    '"',
    '\\/',
    '@',
    '#',
    '%',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      for (const uri of peersIn(words.join('')).uris) parseUri(uri, 'dial');
    }),
    { numRuns: 500 },
  );
});

function candidate(number: number, greetingMs: number | undefined, more: Partial<Candidate> = {}): Candidate {
  const uri = `tls://${'very-long-name.'.repeat(6)}${number}.example:${9000 + number}`;
  const { key } = identity(number);
  const probe = greetingMs === undefined ? undefined : { connectMs: 2 * greetingMs, greetingMs, key };
  const problem = greetingMs === undefined ? `Cannot connect to 192.0.2.${number}: refused` : undefined;
  return { uri, isConfigured: false, probe, problem, ...more };
}

test('ranks by round trip and takes each node once, none that is configured by any of its URIs', () => {
  const near = candidate(1, 5);
  const twin = { ...candidate(1, 6), uri: 'tcp://twin:1' };
  const known = candidate(2, 1, { isConfigured: true });
  const other = { ...candidate(2, 2), uri: 'tcp://other-name-of-2:1' };
  const all = ranked([candidate(9, undefined), twin, candidate(3, 50), near, other, known]);
  assert.deepEqual(
    all.map(({ probe }) => probe?.greetingMs),
    [1, 2, 5, 6, 50, undefined],
  );
  assert.deepEqual(bestOf(all, 5), [near.uri, candidate(3, 50).uri]);
  assert.deepEqual(bestOf(all, 1), [near.uri]);
  const lines = suggestionLines(
    [...all, ...Array.from({ length: 30 }, (_, i) => candidate(10 + i, 100 + i))],
    peersIn('quic://a:1'),
  );
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.match(
    lines.join('\n'),
    /in Peers[\s\S]* as 3 [\s\S]*\n15 more answered[\s\S]*1 of 36 did not answer: 1 refused\nNot measured: 1 quic/,
  );
});

function suggest(folder: string, args: readonly string[], input = ''): Promise<Outcome> {
  const env = { RUNTIME_DIRECTORY: folder, CONFIGURATION_DIRECTORY: folder, STATE_DIRECTORY: folder };
  return run([process.execPath, ratatoskMain, 'peers', 'suggest', ...args], { env, input, limitMs: 60_000 });
}

test('measures listeners of every kind, tells others apart, and writes the best into the configuration', async (t) => {
  const [a, b] = [shell(t, 0), shell(t, 1)];
  await a.peering.reload([], ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0']);
  await b.peering.reload([], ['tls://127.0.0.1:0']);
  const web = await counter(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const silent = await counter(t, () => undefined);
  const folder = temporaryFolder(t);
  const config = join(folder, 'ratatosk.conf');
  writeFileSync(config, configText(newIdentity()), { mode: 0o600 });
  const others = [
    `tcp://127.0.0.1:${web.port}`,
    `tcp://127.0.0.1:${silent.port}`,
    'tcp://127.0.0.1:1',
    'quic://127.0.0.1:2',
  ];
  const uris = [...a.peering.listening, ...b.peering.listening];
  const list = [...uris, ...others].join('\n');

  const told = await suggest(folder, ['--from', '-', '--json', '--timeout', '3'], list);
  assert.equal(told.code, 0, told.stderr);
  const { peers, skipped } = JSON.parse(told.stdout);
  assert.deepEqual(skipped, { quic: 1 });
  const up = peers.filter((peer: { up: boolean }) => peer.up);
  assert.deepEqual(new Set(up.map(({ uri }: { uri: string }) => uri)), new Set(uris));
  assert.deepEqual(
    new Set(up.map(({ key }: { key: string }) => key)),
    new Set([0, 1].map((number) => Buffer.from(identity(number).key).toString('hex'))),
  );
  const problems = peers
    .flatMap(({ problem }: { problem?: string }) => problem ?? [])
    .sort()
    .join('\n');
  assert.match(problems, /refused[\s\S]*no answer within 3 s[\s\S]*no Yggdrasil or Ratatosk node/i);
  // Who is measured gets no link and learns no key.
  assert.deepEqual([a.rows(), b.rows()], [[], []]);

  const file = join(folder, 'list.md');
  writeFileSync(file, list);
  const added = await suggest(folder, ['--from', file, '--add', '5', '--timeout', '3']);
  assert.equal(added.code, 0, added.stderr);
  assert.match(added.stdout, /RTT[\s\S]*Written into .*: 2 peers\./);
  const written = parseConfig(readFileSync(config, 'utf8'), 'test').config.Peers;
  assert.equal(written.length, 2);
  assert.ok(written.every((uri) => uris.includes(uri)));
  const again = await suggest(folder, ['--from', file, '--add', '5', '--timeout', '3']);
  assert.match(again.stdout, /in Peers/);
  assert.equal(parseConfig(readFileSync(config, 'utf8'), 'test').config.Peers.length, 2);
});

test('fails in one line where there is nothing to measure or nobody answers', async (t) => {
  const folder = temporaryFolder(t);
  const said = async (code: number, args: readonly string[], input = ''): Promise<string> => {
    const outcome = await suggest(folder, args, input);
    assert.equal(outcome.code, code, outcome.stderr);
    return outcome.stderr;
  };
  assert.match(await said(2, []), /^ratatosk: peers suggest needs candidates[^\n]*\n$/);
  assert.match(await said(2, ['--from', '-', '--add', '9']), /^ratatosk: --add: found '9'[^\n]*\n$/);
  assert.match(await said(1, ['--from', join(folder, 'none')]), /^ratatosk: --from [^\n]*ENOENT\n$/);
  assert.match(await said(1, ['--from', '-'], 'quic://a:1'), /^ratatosk: no peer URI is in it \(but 1 quic[^\n]*\n$/);
  assert.equal(await said(1, ['--from', '-'], 'tcp://127.0.0.1:1'), '');
});
