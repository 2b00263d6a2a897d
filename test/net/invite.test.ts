import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from '../../daemon/host/config.ts';
import { testIdentity } from '../support/identity.ts';
import { type Lab, withLab } from '../support/lab.ts';
import { needs, needsMesh } from '../support/needs.ts';
import type { TestNode } from '../support/node.ts';
import { assertPings } from '../support/ping.ts';
import { ratatoskMain } from '../support/places.ts';
import type { Outcome } from '../support/process.ts';
import { needsQrReader, readQr } from '../support/qr.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needs(needsMesh('ratatosk') || undefined, needsQrReader()), timeout: 120_000 };

type Pair = { a: TestNode; b: TestNode };

/** Two hosts with a cable, and no daemon that knows of the other. */
async function strangers(lab: Lab, listen: readonly string[], config: Record<string, unknown> = {}): Promise<Pair> {
  const [left, right] = [await lab.netns('a'), await lab.netns('b')];
  await lab.cable(left, right);
  const spec = { kind: 'ratatosk', config } as const;
  const a = lab.node('a', { ...spec, netns: left, identity: testIdentity(0), listen });
  return { a, b: lab.node('b', { kind: 'ratatosk', netns: right, identity: testIdentity(1) }) };
}

function verb(node: TestNode, name: string, words: readonly string[] = [], input = ''): Promise<Outcome> {
  const isUp = node.end === undefined && node.isStarted;
  const place = isUp ? ['--socket', node.adminPath] : ['--config', node.configPath];
  const line = [process.execPath, ratatoskMain, name, ...words, ...place];
  return node.netns.run(line, { input, limitMs: 60_000, env: { NO_COLOR: '1' } });
}

/** A configuration that a person wrote, with the members of the node. */
function writeByHand(node: TestNode, head: string): void {
  const members = parseConfig(readFileSync(node.configPath, 'utf8'), 'test').config;
  const lines = [
    `# ${head}`,
    '{',
    `  PrivateKey: ${node.identity.privateKeyHex}  `,
    '  // nobody yet',
    '  Peers: [',
    '    # here',
    '  ]',
    `  AdminListen: "${members.AdminListen}" # kept`,
    `  IfName: ${members.IfName}`,
    '  MulticastInterfaces: []',
    '  Firewall: { Inbound: "allow" }',
    '}',
    '',
  ];
  writeFileSync(node.configPath, lines.join('\n'), { mode: 0o600 });
}

test(
  'who joins is linked within seconds, again after a restart, and stands in the configuration once',
  options,
  withLab(async (lab) => {
    const { a, b } = await strangers(lab, ['tcp://[::]:9001', 'udp://[::]:9002'], { Name: 'anna' });
    writeByHand(b, 'by hand');
    const before = readFileSync(b.configPath, 'utf8');
    await Promise.all([a.start(), b.start()]);
    const invited = await verb(a, 'invite', ['--qr']);
    assert.equal(invited.code, 0, invited.stderr);
    const string = /^ratatosk1\w+$/m.exec(invited.stdout)?.[0] ?? '';
    assert.equal((await readQr(invited.stdout)).toLowerCase(), string);
    assert.match(invited.stderr, /tcp:\/\/10\.99\.0\.1:9001/);
    assert.doesNotMatch(invited.stderr, /SECRET/);

    const joined = await verb(b, 'join', [string, '--wait', '30']);
    assert.equal(joined.code, 0, joined.stdout + joined.stderr);
    assert.match(joined.stdout, /from anna[\s\S]*Written into[\s\S]*\nLinked: /);
    await assertPings(b, a);
    const named = await verb(b, 'ping', ['anna', '-c', '1']);
    assert.equal(named.code, 0, named.stdout);

    const after = readFileSync(b.configPath, 'utf8');
    const kept = new Set(after.split('\n'));
    for (const line of before.split('\n')) assert.ok(kept.has(line), line);
    const { config } = parseConfig(after, 'test');
    assert.deepEqual(config.Names, { anna: a.identity.publicKeyHex });
    assert.equal(config.Peers.length, 4);
    const again = await verb(b, 'join', [string]);
    assert.match(again.stdout, /In Peers already: [\s\S]*\nLinked: /);
    assert.equal(readFileSync(b.configPath, 'utf8'), after);

    await b.terminate();
    await b.start();
    await waitFor('the link after a restart', () => b.hasPeer(a.identity));
    await assertPings(b, a);
  }),
);

test(
  'who joins while no daemon runs is linked when one does, with the passwords of the network',
  options,
  withLab(async (lab) => {
    const listen = ['tcp://10.99.0.1:9001?password=open%20sesame'];
    const { a, b } = await strangers(lab, listen, { GroupPassword: 'group', Name: '' });
    await a.start();
    const invited = await verb(a, 'invite', ['--config', a.configPath]);
    assert.equal(invited.code, 0, invited.stderr);
    assert.match(invited.stderr, /A SECRET/);
    assert.doesNotMatch(invited.stderr, /sesame/);
    const open = await verb(a, 'invite', ['--no-secrets']);
    assert.doesNotMatch(open.stderr, /A SECRET/);
    assert.ok(open.stdout.length < invited.stdout.length);

    const joined = await verb(b, 'join', ['--json'], `${invited.stdout.slice(0, 60)}\n${invited.stdout.slice(60)}`);
    assert.equal(joined.code, 0, joined.stdout + joined.stderr);
    const done = JSON.parse(joined.stdout);
    assert.deepEqual([done.daemon, done.linked, done.added], [false, false, ['tcp://10.99.0.1:9001']]);
    assert.doesNotMatch(joined.stdout, /sesame/);
    await b.start();
    await waitFor('the link', () => b.hasPeer(a.identity));
    await assertPings(b, a);
  }),
);

test(
  'a string that is mistyped, or our own, and a configuration that cannot be changed are said in one line',
  options,
  withLab(async (lab) => {
    const { a, b } = await strangers(lab, ['tcp://[::]:9001']);
    await Promise.all([a.start(), b.start()]);
    const string = (await verb(a, 'invite')).stdout.trim();
    const wrong = await verb(b, 'join', [string.replace(/.$/, (digit) => (digit === 'q' ? 'p' : 'q'))]);
    assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
    assert.match(wrong.stderr, /^ratatosk: this invitation cannot be used: its checksum is wrong[^\n]*\n$/);
    const own = await verb(a, 'join', [string]);
    assert.match(own.stderr, /^ratatosk: this invitation was made by this very node[^\n]*\n$/);
    assert.match((await verb(b, 'invite')).stderr, /^ratatosk: this node listens nowhere: [^\n]*\n$/);

    const utf16 = Buffer.from(`\ufeff${readFileSync(b.configPath, 'utf8')}`, 'utf16le');
    writeFileSync(b.configPath, utf16);
    const pasted = await verb(b, 'join', [string, '--wait', '30']);
    assert.equal(pasted.code, 1);
    assert.match(pasted.stdout, /NOT WRITTEN[\s\S]*\n {2}Peers: \[\n {4}"tcp:[\s\S]*\nLinked: /);
    assert.deepEqual(readFileSync(b.configPath), utf16);
  }),
);
