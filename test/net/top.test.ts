/** The dashboard in front of a person: real terminals, by tmux, and real daemons. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Lab, withLab } from '../support/lab.ts';
import { at, layMesh, settle } from '../support/mesh.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import { ratatoskMain } from '../support/places.ts';
import { run } from '../support/process.ts';
import { Terminal } from '../support/tmux.ts';
import { modelOf, TestScreen } from '../support/top-screen.ts';
import { sessionEntries } from '../support/top-session.ts';
import { waitFor } from '../support/wait.ts';

const skip = needs(needsTool('tmux'));
const SIZES = [
  [80, 24],
  [120, 40],
  [200, 60],
] as const;
const TERMS = ['xterm-256color', 'tmux-256color', 'linux'] as const;

const top = (...more: readonly string[]): string[] => [process.execPath, ratatoskMain, 'top', ...more];

/** A file as --record writes it; shown at once, it stands still. */
function recordedTop(lab: Lab, ...more: readonly string[]): string[] {
  const path = join(lab.folder, 'session.jsonl');
  writeFileSync(
    path,
    sessionEntries()
      .map((entry) => `${JSON.stringify(entry)}\n`)
      .join(''),
  );
  return top('--replay', path, '--speed', '0', ...more);
}

const plain = (screen: string): string =>
  screen
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd();

for (const term of TERMS) {
  test(
    `under TERM=${term} every view is on the screen as it was drawn, at all sizes`,
    { skip, timeout: 240_000 },
    (t) =>
      withLab(async (lab) => {
        const model = modelOf(sessionEntries());
        const terminal = await Terminal.open(lab, recordedTop(lab), { width: 80, height: 24, term });
        await terminal.shows('q quit');
        for (const [width, height] of SIZES) {
          await terminal.resize(width, height);
          for (const view of '01234567') {
            const drawn = new TestScreen(model, { width, height, isAscii: term === 'linux' }).press(view).text;
            await terminal.press(view);
            await waitFor(
              `view ${view} at ${width}×${height}`,
              async () => plain(await terminal.screen()) === plain(drawn),
            ).catch(async () => assert.equal(plain(await terminal.screen()), plain(drawn)));
          }
        }
      })(t),
  );
}

test(
  'a terminal that is pulled about shows the same as one that always had its size',
  { skip, timeout: 120_000 },
  (t) =>
    withLab(async (lab) => {
      const model = modelOf(sessionEntries());
      const terminal = await Terminal.open(lab, recordedTop(lab), { width: 120, height: 40, term: 'tmux-256color' });
      await terminal.shows('q quit');
      for (const [width, height] of [
        [50, 20],
        [10, 4],
        [133, 17],
        [61, 50],
        [80, 24],
      ] as const) {
        await terminal.resize(width, height);
        const drawn = plain(new TestScreen(model, { width, height }).text);
        await waitFor(`${width}×${height}`, async () => plain(await terminal.screen()) === drawn);
      }
    })(t),
);

/** What a person would notice after the dashboard. */
async function assertClean(terminal: Terminal, before: string): Promise<void> {
  const ask = '#{alternate_on} #{cursor_flag} #{keypad_cursor_flag} #{scroll_region_upper} #{mouse_any_flag}';
  await waitFor('the terminal to be as before', async () => (await terminal.ask(ask)) === '0 1 0 0 0');
  const [lower, height] = (await terminal.ask('#{scroll_region_lower} #{pane_height}')).split(' ').map(Number);
  assert.equal(lower, (height ?? 0) - 1, 'the whole screen scrolls');
  assert.ok((await terminal.screen()).includes(before), 'what was on the screen is there again');
  await terminal.type('stty -a | grep -o "[-]*icanon\\|[-]*echo " | tr -d "\\n"; echo =set');
  await terminal.shows(/^icanonecho *=set/m);
}

test('quit, a signal, a fault and a lost shell leave the terminal clean', { skip, timeout: 240_000 }, (t) =>
  withLab(async (lab) => {
    const size = { width: 90, height: 30, term: 'xterm-256color' };
    const terminal = await Terminal.open(lab, [], size);
    const line = recordedTop(lab).join(' ');
    const fault = "data:text/javascript,setTimeout(()=>{throw(new(Error)('fault-of-ours'))},4000)";
    const begin = async (mark: string, env = ''): Promise<void> => {
      await terminal.type(`clear; echo mark-${mark}; ${env} ${line}; echo code-${mark}-$?`);
      await terminal.shows('q quit');
    };
    await begin('quit');
    await terminal.resize(70, 22);
    await terminal.press('3', 'q');
    await terminal.shows('code-quit-0');
    await assertClean(terminal, 'mark-quit');
    await begin('break');
    await terminal.press('/', 'a', 'C-c');
    await terminal.shows('code-break-0');
    await assertClean(terminal, 'mark-break');
    await begin('term');
    const pid = (await terminal.ask('#{pane_pid}')).trim();
    const child = (await run(['ps', '-o', 'pid=', '--ppid', pid])).stdout.trim();
    await run(['kill', '-TERM', child]);
    await terminal.shows('code-term-0');
    await assertClean(terminal, 'mark-term');
    await begin('fault', `NODE_OPTIONS='--import "${fault}"'`);
    await terminal.shows('code-fault-1');
    await terminal.shows('fault-of-ours');
    await assertClean(terminal, 'mark-fault');
    await begin('stop');
    await terminal.press('C-z');
    await terminal.shows(/Stopped|suspended/i);
    await terminal.type('fg');
    await terminal.shows('q quit');
    await terminal.press('q');
    await terminal.shows('code-stop-');
  })(t),
);

test('NO_COLOR has no colours, and no terminal is one line', { skip, timeout: 60_000 }, (t) =>
  withLab(async (lab) => {
    const options = { width: 80, height: 24, term: 'xterm-256color', env: { NO_COLOR: '1' } };
    const terminal = await Terminal.open(lab, recordedTop(lab), options);
    await terminal.shows('q quit');
    const codes = (await terminal.screen('-e')).split('\u001b[').slice(1);
    assert.ok(codes.length > 5);
    for (const code of codes) assert.match(code, /^(?:0|1|7|39|49)?(?:;(?:1|7))*m/);
    const piped = await run(recordedTop(lab));
    assert.deepEqual([piped.code, piped.stdout], [2, '']);
    assert.match(piped.stderr, /^ratatosk: top wants a terminal: [^\n]+\n$/);
    const once = await run(recordedTop(lab, '--once', '--ascii'));
    assert.match(once.stdout, /\+- Peers 6 -/);
    const state = JSON.parse((await run(recordedTop(lab, '--once', '--json'))).stdout);
    assert.equal(state.peers.rows.length, 6);
  })(t),
);

test(
  'six daemons: a link is cut, and the person in front of it sees what, follows it, and steers',
  {
    skip: needs(needsMesh('ratatosk') || undefined, needsTool('tmux')),
    timeout: 240_000,
  },
  (t) =>
    withLab(async (lab) => {
      const kinds = Array.from({ length: 6 }, () => 'ratatosk' as const);
      const { nodes, cables } = await layMesh(lab, { kinds, isRing: true });
      for (const node of nodes) node.launch();
      await Promise.all(nodes.map((node) => node.ready(90_000)));
      await settle(nodes, 60_000);
      const [a, b] = [at(nodes, 0), at(nodes, 1)];
      const record = join(lab.folder, 'live.jsonl');
      const line = a.netns.line(top('--control', '--record', record, '--socket', a.adminPath));
      const terminal = await Terminal.open(lab, line, { width: 120, height: 40, term: 'tmux-256color' });
      await terminal.shows(/● .*2 links/);
      await terminal.shows(/Peers 2/);

      await at(cables, 0).cut();
      type Event = { time: number; kind: string; text: string };
      const screen = await terminal.shows(/▲ (?:not connected any more|link ended)|peer is gone/, 60_000);
      const seenMs = Date.now();
      const { events } = await a.admin<{ events: Event[] }>('getevents', { most: '50' });
      const gone = events.findLast(({ text }) => /not connected any more|link ended|peer is gone/.test(text));
      t.diagnostic(
        `the event was on the screen ${Math.round(seenMs - (gone?.time ?? 0) * 1_000)} ms after it happened`,
      );
      assert.ok(screen.includes('Events'));
      await terminal.shows(/● .*1 link /);

      await terminal.press('6', '/');
      await terminal.type('gone');
      await terminal.shows(/Events \d+ of \d+/);
      await terminal.press('Escape', '4');
      await terminal.shows('this node');
      await terminal.type(':peers');
      await terminal.shows(/─ peers ─.* done ─/);
      await terminal.press('Escape', '7', 'a');
      await terminal.type('8080');
      await terminal.shows(/firewall allow 8080/);

      await at(cables, 0).restore();
      await terminal.press('Escape', '1');
      await terminal.shows(/Peers 2.*● 2 up/, 90_000);
      await terminal.press('/');
      await terminal.type(b.address.slice(0, 12));
      await terminal.press('Enter');
      await terminal.shows(/state +● up/);

      await a.kill();
      await terminal.shows('disconnected, retrying');
      await a.start(90_000);
      await terminal.press('Escape', 'Escape', '0');
      await terminal.shows(/● .* links? /);
      await terminal.press('q');
      await terminal.shows('prompt>');

      const replay = await Terminal.open(lab, top('--replay', record, '--speed', '0'), {
        width: 100,
        height: 30,
        term: 'linux',
      });
      await replay.shows(/\* .* links? /);
      await replay.press('6');
      await replay.shows('peer is gone');
    })(t),
);
