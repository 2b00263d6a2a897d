import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import Hjson from 'hjson';
import { parseConfig } from '../../daemon/host/config.ts';
import { addToConfig, withAdditions } from '../../daemon/host/config-edit.ts';
import { configText } from '../../daemon/host/init.ts';
import { newIdentity } from '../../daemon/host/keys.ts';

const URI = 'tls://192.0.2.1:9001?key=ab#';
const one = { peers: [URI] };

function edited(text: string, additions: Parameters<typeof withAdditions>[1] = one): string {
  const changed = withAdditions(text, additions);
  assert.ok(changed !== undefined, text);
  return changed;
}

test('adds to the configuration that init makes, and every comment stays', () => {
  const text = configText(newIdentity());
  const additions = { peers: [URI, 'tcp://b:1'], name: ['laptop', '00'.repeat(32)], groupPassword: 'x"y' } as const;
  const changed = edited(text, additions);
  const { config } = parseConfig(changed, 'test');
  assert.deepEqual(config.Peers, additions.peers);
  assert.deepEqual(config.Names, { laptop: '00'.repeat(32) });
  assert.equal(config.GroupPassword, 'x"y');
  const lines = new Set(changed.split('\n'));
  for (const line of text.split('\n')) if (!line.includes('Names: {}')) assert.ok(lines.has(line), line);
  assert.match(changed, /\n {2}Peers: \[\n {4}"tls:[^\n]*",\n {4}"tcp:\/\/b:1"\n {2}\]\n/);
  // Again: what is there stays there.
  assert.deepEqual(parseConfig(edited(changed, { peers: ['tcp://c:1'] }), 'test').config.Peers.length, 3);
});

const Q = JSON.stringify(URI);
const FORMS: readonly [name: string, before: string, after: string][] = [
  ['an empty file', '', `Peers: [\n  ${Q}\n]\n`],
  ['no braces', 'IfName: none\n', `Peers: [\n  ${Q}\n]\nIfName: none\n`],
  ['braces on one line', '{}', `{\n  "Peers": [\n    ${Q}\n  ]\n}`],
  ['JSON without Peers', '{\n  "IfName": "none"\n}\n', `{\n  "Peers": [\n    ${Q}\n  ],\n  "IfName": "none"\n}\n`],
  ['an empty list on one line', '{\n  Peers: []\n}', `{\n  Peers: [\n    ${Q}\n  ]\n}`],
  ['a list on one line', '{ "Peers": ["tcp://a:1"], "x": 1 }', `{ "Peers": ["tcp://a:1", ${Q}], "x": 1 }`],
  ['a list on one line, a comma behind', '{ Peers: [ "tcp://a:1", ] }', `{ Peers: [ "tcp://a:1", ${Q} ] }`],
  [
    'items without quotes',
    '{\n  Peers: [\n    tcp://a:1\n    tcp://b:1?x=1,2 # no comment\n  ]\n}',
    `{\n  Peers: [\n    tcp://a:1\n    tcp://b:1?x=1,2 # no comment\n    ${Q}\n  ]\n}`,
  ],
  [
    'a comment behind the last item',
    '{\n\tPeers: [\n\t\t"tcp://a:1" # home\n\t\t// end\n\t]\n}',
    `{\n\tPeers: [\n\t\t"tcp://a:1", # home\n\t\t// end\n\t\t${Q}\n\t]\n}`,
  ],
  ['another case', '{\n  peers: [\n  ]\n}', `{\n  peers: [\n    ${Q}\n  ]\n}`],
  ['a comment with a bracket', '{ Peers: [ /* ] */ ] }', `{ Peers: [ /* ] */\n  ${Q}\n] }`],
  [
    'the name in a text before',
    "{\n  Name: '''\nPeers: [\n]'''\n  Peers: [\n  ]\n}",
    `{\n  Name: '''\nPeers: [\n]'''\n  Peers: [\n    ${Q}\n  ]\n}`,
  ],
  ['lines of Windows', '{\r\n  Peers: [\r\n  ]\r\n}\r\n', `{\r\n  Peers: [\r\n    ${Q}\r\n  ]\r\n}\r\n`],
];

for (const [name, before, after] of FORMS) {
  test(`writes as a person would: ${name}`, () => {
    assert.equal(edited(before), after);
    if (before.startsWith('{\n  "')) JSON.parse(after);
  });
}

test('what cannot be changed safely is left alone', () => {
  for (const text of ['[]', '{ Peers: tcp://a }', '{ Peers: { a: 1 } }', '{ Peers: [', '{ Peers: [] Peers: ', 'x']) {
    assert.equal(withAdditions(text, one), undefined, text);
  }
});

test('of a member that stands there twice the last counts', () => {
  const changed = edited('{\n  Peers: [ "tcp://a:1" ]\n  PEERS: [\n    "tcp://b:1"\n  ]\n}');
  assert.deepEqual(parseConfig(changed, 'test').config.Peers, ['tcp://b:1', URI]);
});

const member = fc.oneof(
  fc.tuple(
    fc.constantFrom('Peers', 'peers', 'Names', 'IfName', '"a b"', 'x'),
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('', ',', ' # c', ' /* ] */'),
  ),
);

test('any text either stays as it was or gains what was wanted and nothing else', () => {
  const text = fc.array(member, { maxLength: 5 }).map((members) => {
    const lines = members.map(([name, value, end]) => `  ${name}: ${JSON.stringify(value, undefined, 1)}${end}`);
    return `{\n${lines.join('\n')}\n}\n`;
  });
  const check = (some: string): void => {
    const changed = withAdditions(some, one);
    if (changed === undefined) return;
    const value: Record<string, unknown> = some.trim() === '' ? {} : Hjson.parse(some);
    const after: Record<string, unknown> = Hjson.parse(changed);
    const grown = Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(value[name]));
    assert.equal(grown.length, 1);
    assert.deepEqual(after[grown[0] as string], [...((value[grown[0] as string] as string[] | undefined) ?? []), URI]);
  };
  fc.assert(fc.property(text, check), { numRuns: 500 });
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\'#/*\n aP'), maxLength: 30 }), check), {
    numRuns: 500,
  });
});

function file(t: TestContext, text: string | Buffer, mode = 0o600): { folder: string; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'rtsk-edit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'node.conf');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return { folder, path };
}

test('a file keeps its mode and its owner, and nothing else is left in its folder', (t) => {
  const { folder, path } = file(t, '{ Peers: [] }', 0o640);
  if (process.geteuid?.() === 0) chownSync(path, 0, 65_534);
  const before = statSync(path);
  assert.equal(addToConfig(path, one), true);
  const after = statSync(path);
  assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
  assert.notEqual(after.ino, before.ino);
  assert.deepEqual(readdirSync(folder), ['node.conf']);
  assert.equal(addToConfig(file(t, '{}').path, one), true);
});

test('a file is left as it is when the result would be no configuration, or is no UTF-8', (t) => {
  const { path } = file(t, '{ Peers: [], IfMTU: "no" }');
  assert.throws(() => addToConfig(path, one), { code: 'CONFIG_INVALID' });
  assert.equal(readFileSync(path, 'utf8'), '{ Peers: [], IfMTU: "no" }');
  const utf16 = Buffer.from('\ufeff{ Peers: [] }', 'utf16le');
  const other = file(t, utf16).path;
  assert.equal(addToConfig(other, one), false);
  assert.deepEqual(readFileSync(other), utf16);
});
