/** Golden screens: every view at three sizes. `UPDATE_GOLDEN=1` writes them anew; look at them before you commit. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { VIEWS } from '../../tui/views/all.ts';
import { repoRoot } from '../support/places.ts';
import { modelOf, TestScreen } from '../support/top-screen.ts';
import { sessionEntries } from '../support/top-session.ts';

const FOLDER = join(repoRoot, 'test/vectors/top');
const model = modelOf(sessionEntries());

type Scene = { readonly name: string; readonly keys: readonly string[] };

const SCENES: readonly Scene[] = [
  ...VIEWS.map(({ tab }, number) => ({ name: tab.toLowerCase(), keys: [`${number}`] })),
  { name: 'details of a peer', keys: ['1', 'down', 'down', 'down', 'enter'] },
  { name: 'details of a session', keys: ['3', 'enter'] },
  { name: 'filtered, without addresses', keys: ['3', '/', 'e', '2', 'e', 'enter', 'S-p'] },
  { name: 'keys', keys: ['?'] },
];

const SIZES = [
  { file: '80x24', width: 80, height: 24 },
  { file: '120x40', width: 120, height: 40 },
  { file: '200x60', width: 200, height: 60 },
  { file: '80x24-ascii', width: 80, height: 24, isAscii: true },
  { file: '50x20', width: 50, height: 20 },
];

for (const { file, ...size } of SIZES) {
  test(`draws every view as before at ${file}`, () => {
    const scenes = SCENES.map(({ name, keys }) => `=== ${name}\n${new TestScreen(model, size).press(...keys).text}\n`);
    golden(`${file}.txt`, squeezed(scenes.join('')));
  });
}

test('no line is wider than the terminal, at any size', () => {
  for (let width = 1; width < 230; width += 9) {
    for (let height = 1; height < 70; height += 7) {
      for (const { keys } of SCENES) {
        const canvas = new TestScreen(model, { width, height }).press(...keys).draw();
        assert.equal(canvas.width, width);
        assert.ok(canvas.lines().every((line) => line.length <= width));
      }
    }
  }
});

test('ASCII is only ASCII', () => {
  for (const { keys } of SCENES) {
    assert.match(new TestScreen(model, { width: 120, height: 40, isAscii: true }).press(...keys).text, /^[\n -~]*$/);
  }
});

test('every view can be filtered, sorted, walked and opened', () => {
  for (const [number] of VIEWS.entries()) {
    const screen = new TestScreen(model, { width: 120, height: 40 }).press(`${number}`);
    const before = screen.text;
    screen.press('/', 'z', 'q', 'z', 'enter');
    assert.match(screen.text, /nothing matches 'zqz'/);
    screen.press('escape');
    assert.equal(screen.text, before);
    screen.press('s');
    assert.notEqual(screen.text, before);
    screen.press('r', 'end', 'enter');
    assert.equal(screen.ui.mode.kind, 'details');
    screen.press('escape', 'home');
    assert.equal(screen.ui.mode.kind, 'list');
  }
});

/** Runs of one character on the large screens are counted: `{120─}`. */
function squeezed(text: string): string {
  return text.replace(/([^\n])\1{39,}/g, (run, char) => `{${run.length}${char}}`);
}

function golden(name: string, text: string): void {
  const path = join(FOLDER, name);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'), `${name}: see tui/README.md for how golden screens are renewed`);
}
