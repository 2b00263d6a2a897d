import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERBS } from '../../daemon/cli/verbs.ts';
import { BINDINGS, bindingsOf } from '../../tui/keys.ts';
import type { ModeKind } from '../../tui/ui.ts';
import { VIEWS } from '../../tui/views/all.ts';
import { modelOf, TestScreen } from '../support/top-screen.ts';
import { sessionAddress, sessionEntries } from '../support/top-session.ts';

const MODES: readonly ModeKind[] = ['list', 'filter', 'verb', 'details', 'help', 'output'];
const model = modelOf(sessionEntries());
const screenOf = (options: ConstructorParameters<typeof TestScreen>[1] = {}): TestScreen =>
  new TestScreen(model, { width: 160, height: 60, ...options });

test('no key means two things in one place', () => {
  for (const mode of MODES) {
    const keys = bindingsOf(mode).flatMap((binding) => binding.keys);
    assert.deepEqual(keys, [...new Set(keys)], mode);
  }
});

test('the footer shows only keys of the table, and they work where it shows them', () => {
  const screen = screenOf();
  const shown = bindingsOf('list').filter(({ footer }) => footer !== undefined);
  for (const { shown: key, short, says } of shown) assert.ok(screen.footer.includes(`${key} ${short ?? says}`), key);
  const words = screen.footer.trim().split(/ {2,}/);
  assert.equal(words.length, shown.length, screen.footer);
});

test('the help shows every key of lists and details', () => {
  const text = screenOf().press('?').text;
  for (const { shown, says, modes } of BINDINGS) {
    if (modes.includes('list') || modes.includes('details'))
      assert.ok(text.includes(says) && text.includes(shown), says);
  }
});

test('each digit opens its view', () => {
  for (const [number, { view }] of VIEWS.entries()) {
    const screen = screenOf().press(`${number}`);
    assert.equal(screen.ui.view, number);
    assert.ok(screen.text.includes(view.title) || number === 0);
  }
});

test('the keys of the issue are there', () => {
  const keys = new Set(BINDINGS.flatMap((binding) => binding.keys));
  for (const key of ['/', ':', 'enter', 'escape', 'w', 't', 'a', 'S-p', 's', '?', 'q']) assert.ok(keys.has(key), key);
});

test('why and trace ask about the selected node', () => {
  const screen = screenOf().press('1', 'down', 'down', 'w', 't');
  assert.deepEqual(screen.effects, [
    { kind: 'run', words: ['why', sessionAddress(4)] },
    { kind: 'run', words: ['trace', sessionAddress(4)] },
  ]);
  // The second peer is down, and its address is not known.
  const other = screenOf().press('1', 'down', 'w');
  assert.deepEqual(other.effects, []);
  assert.match(other.footer, /no node is selected whose address is known/);
});

test('why about an event asks about its node, whose link is named by a URI', () => {
  const screen = screenOf().press('6', '/', ...'link is down', 'enter', 'w', 'escape', '/', 'C-u');
  screen.press(...'parent changed', 'enter', 'w');
  assert.deepEqual(screen.effects, [{ kind: 'run', words: ['why', sessionAddress(3)] }]);
  screen.press('/', 'C-u', ...'cellar', 'enter', 'w');
  assert.match(screen.footer, /no node is selected whose address is known/);
});

test('verbs that change the daemon are refused without --control', () => {
  const typed = (line: string, isControl: boolean): TestScreen => screenOf({ isControl }).press(':', ...line, 'enter');
  const refused = typed('peer add tcp://h:1', false);
  assert.deepEqual(refused.effects, []);
  assert.match(refused.footer, /peer add changes the daemon: start top with --control/);
  assert.deepEqual(typed('peer add tcp://h:1', true).effects, [{ kind: 'run', words: ['peer', 'add', 'tcp://h:1'] }]);
  assert.deepEqual(typed('firewall show', false).effects, [{ kind: 'run', words: ['firewall', 'show'] }]);
  assert.match(typed('firewall allow 22', false).footer, /firewall allow changes the daemon/);
  assert.match(typed('reload', false).footer, /--control/);
  for (const isControl of [false, true]) {
    assert.match(typed('nonsense', isControl).footer, /there is no verb 'nonsense' \(see :help\)/);
    for (const { name } of VERBS) assert.doesNotMatch(typed(name, isControl).footer, /there is no verb/, name);
  }
  assert.match(typed('peers --json suggest --from list --add 3', false).footer, /peers suggest changes the daemon/);
  assert.deepEqual(typed('peers --json', false).effects, [{ kind: 'run', words: ['peers', '--json'] }]);
  assert.match(typed('up', true).footer, /terminal of its own/);
  assert.match(screenOf().press('a').footer, /--control/);
  assert.match(screenOf({ isControl: true }).press('a').footer, /:firewall allow /);
});

test('quotes hold words together', () => {
  const screen = screenOf({ isControl: true }).press(':', ...'firewall allow "22 from laptop"', 'enter');
  assert.deepEqual(screen.effects, [{ kind: 'run', words: ['firewall', 'allow', '22 from laptop'] }]);
});

test('what is typed goes to the filter, letters that are keys elsewhere too', () => {
  const screen = screenOf().press('1', '/', 'q', 's', 'P', 'backspace');
  assert.equal(screen.ui.filter, 'qs');
  screen.press('C-u', 't', 'l', 's');
  assert.equal(screen.ui.filter, 'tls');
  assert.deepEqual(screen.effects, []);
  screen.press('escape');
  assert.equal(screen.ui.filter, '');
});

test('a selected row stays selected when others move', () => {
  const screen = screenOf().press('1', 's', 'down');
  const state = screen.ui.lists.get(1);
  const chosen = state?.selected;
  screen.press('r', 's', 's');
  assert.equal(state?.selected, chosen);
});

test('Esc leads back, and at last to the overview', () => {
  const screen = screenOf().press('3', '/', 'e', 'enter', 'enter');
  assert.equal(screen.ui.mode.kind, 'details');
  screen.press('escape');
  assert.deepEqual([screen.ui.mode.kind, screen.ui.filter, screen.ui.view], ['list', 'e', 3]);
  screen.press('escape', 'escape');
  assert.deepEqual([screen.ui.filter, screen.ui.view], ['', 0]);
});
