import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { startPair } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { ratatoskMain } from '../support/places.ts';
import { waitFor } from '../support/wait.ts';

type Event = { seq: number; kind: string; text: string; fields: Record<string, string> };

test(
  'events are pushed when they happen, kept over a crash, and shown to who asks',
  { skip: needsMesh('ratatosk'), timeout: 60_000 },
  withLab(async (lab) => {
    const { a, b } = await startPair(lab, ['ratatosk', 'ratatosk']);
    await waitFor('the link', () => a.hasPeer(b.identity));
    const events = (...more: string[]): string[] => {
      return [process.execPath, ratatoskMain, 'events', '--socket', a.adminPath, ...more];
    };
    const following = lab.adopt(a.netns.start(events('--follow', '--json')));
    await following.says('peer is up');
    await b.kill();
    await waitFor('the push', () => /"text":"peer is gone"/.test(following.output));
    const shown = await a.netns.mustRun(events('--kind', 'peer,tree'));
    assert.match(shown, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {3}peer {5}peer is up key=[0-9a-f]{64}/m);
    assert.match(shown, /^.{20} {2}tree {5}this node is the root of the tree$/m);
    assert.doesNotMatch(shown, /^.{20} .link /m);

    const logged = (await a.admin<{ events: Event[] }>('getevents')).events;
    const file = join(a.stateFolder, 'events', a.identity.publicKeyHex, 'events.jsonl');
    await waitFor('the file', () => readFileSync(file, 'utf8').trim().split('\n').length >= logged.length);
    await a.kill();
    await a.start();
    const all = (await a.admin<{ events: Event[] }>('getevents')).events;
    const earlier = all.filter(({ seq }) => seq === 0);
    assert.deepEqual(
      earlier.slice(0, logged.length).map(({ text }) => text),
      logged.map(({ text }) => text),
    );
    assert.match(all[earlier.length]?.text ?? '', /^ratatosk .* starts$/);
    const wrong = await a.netns.run(events('--since', 'yesterday'));
    assert.deepEqual([wrong.code, wrong.stderr.trim().split('\n').length], [2, 1]);
  }),
);
