import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { testIdentity } from '../support/identity.ts';
import { withLab } from '../support/lab.ts';
import { startPair } from '../support/mesh.ts';
import { needs, needsMesh, needsRatatosk } from '../support/needs.ts';
import { privateFolders } from '../support/node.ts';
import { assertPings, startPing } from '../support/ping.ts';
import { ratatoskMain } from '../support/places.ts';
import { run } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const key = testIdentity(0).privateKeyHex;
const otherHalf = testIdentity(1).publicKeyHex;

/** What is wrong, the text of the file, and what the message must name. */
const WRONG: readonly (readonly [string, string, RegExp])[] = [
  ['an open brace', `{ "PrivateKey": "${key}", "Peers": [`, /:|line|position|end/i],
  ['a private key of another length', '{ "PrivateKey": "abcd" }', /PrivateKey/],
  ['a private key that is no hexadecimal', `{ "PrivateKey": "${'z'.repeat(128)}" }`, /PrivateKey/],
  ['a private key whose halves differ', `{ "PrivateKey": "${key.slice(0, 64)}${otherHalf}" }`, /PrivateKey/],
  ['a list of peers that is none', `{ "PrivateKey": "${key}", "Peers": "tcp://127.0.0.1:1" }`, /Peers/],
  ['an MTU in words', `{ "PrivateKey": "${key}", "IfMTU": "large" }`, /IfMTU/],
  [
    'an allowed key of another length',
    `{ "PrivateKey": "${key}", "AllowedPublicKeys": ["abcd"] }`,
    /AllowedPublicKeys/,
  ],
  ['a list instead of an object', '[]', /./],
];

describe('a wrong configuration is refused with a line that names its member', { concurrency: 2 }, () => {
  for (const [what, text, named] of WRONG) {
    test(
      what,
      { skip: needs(needsRatatosk()), timeout: 60_000 },
      withLab(async (lab) => {
        const path = join(lab.folder, 'wrong.conf');
        writeFileSync(path, text, { mode: 0o600 });
        const outcome = await run([process.execPath, ratatoskMain, 'up', '--config', path, '--no-tun'], {
          limitMs: 50_000,
          env: privateFolders(lab.folder),
        });
        assert.equal(outcome.code, 1, outcome.stdout + outcome.stderr);
        // A line for the file, and one for what is wrong in it.
        assert.ok(outcome.stderr.trim().split('\n').length <= 2, outcome.stderr);
        assert.match(outcome.stderr, named);
        assert.ok(!outcome.stderr.includes(key), 'the message repeats the private key');
      }),
    );
  }
});

test(
  'a wrong configuration at SIGHUP changes nothing in a running daemon, a right one is taken over',
  { skip: needsMesh('ratatosk'), timeout: 60_000 },
  withLab(async (lab) => {
    const { a, b } = await startPair(lab, ['ratatosk', 'ratatosk']);
    await assertPings(a, b);
    const series = await startPing(lab, a, b, 20);
    const before = b.log.length;
    b.writeConfig({ Peers: 'not a list' });
    b.signal('SIGHUP');
    await waitFor('a complaint about Peers', () => /Peers/.test(b.log.slice(before)));
    const added = 'tcp://127.0.0.1:1';
    b.writeConfig({ Peers: [...b.configuredPeers, added] });
    b.signal('SIGHUP');
    await waitFor('the new peer', async () => (await b.peers()).some((peer) => peer.remote === added));
    assert.ok(await b.hasPeer(a.identity), 'the old peer is still there');
    const report = await series.finish();
    assert.equal(report.received, report.sent, 'echo requests without an answer');
  }),
);
