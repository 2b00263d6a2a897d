/** All keys: what the footer and the help show and what a key does come from this one table. */
import { type Context, selectedIndex } from './list.ts';
import { type ListState, listState, type ModeKind } from './ui.ts';
import { verbRefusal, wordsOf } from './verbs.ts';
import { VIEWS, viewOf } from './views/all.ts';

export type Effect =
  | { readonly kind: 'quit' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'redraw' }
  /** A verb as a process of its own. */
  | { readonly kind: 'run'; readonly words: readonly string[] }
  | { readonly kind: 'stop' };

export type Binding = {
  /** As blessed calls them. */
  readonly keys: readonly string[];
  /** As people do. */
  readonly shown: string;
  readonly says: string;
  readonly modes: readonly ModeKind[];
  /** In the footer, the lowest first; what finds no room is in the help only. */
  readonly footer?: number;
  /** What it says there, if less. */
  readonly short?: string;
  /** `page` is the height of the list or text on the screen. */
  readonly act: (context: Context, page: number) => Effect | undefined;
};

const EVERYWHERE: readonly ModeKind[] = ['list', 'details', 'help', 'output'];
const SCROLLED: readonly ModeKind[] = ['details', 'help', 'output'];

/** An action without an effect on the world. */
const only =
  (act: (context: Context, page: number) => void): Binding['act'] =>
  (context, page) => {
    act(context, page);
    return undefined;
  };

export const BINDINGS: readonly Binding[] = [
  {
    keys: ['?'],
    shown: '?',
    says: 'keys',
    modes: ['list', 'details', 'output'],
    footer: 0,
    act: only(({ ui }) => {
      ui.mode = { kind: 'help', scroll: 0 };
    }),
  },
  ...VIEWS.map(
    ({ tab, says }, number): Binding => ({
      keys: [`${number}`],
      shown: `${number}`,
      says: `${tab}: ${says}`,
      modes: EVERYWHERE,
      act: only((context) => show(context, number)),
    }),
  ),
  {
    keys: ['tab', 'right'],
    shown: 'Tab',
    says: 'the next view',
    modes: ['list', 'details'],
    act: only((context) => show(context, (context.ui.view + 1) % VIEWS.length)),
  },
  {
    keys: ['S-tab', 'left'],
    shown: 'Shift-Tab',
    says: 'the view before',
    modes: ['list', 'details'],
    act: only((context) => show(context, (context.ui.view + VIEWS.length - 1) % VIEWS.length)),
  },
  move(['down', 'j'], 'Down', 'the next row', () => 1),
  move(['up', 'k'], 'Up', 'the row before', () => -1),
  move(['pagedown', 'C-d', 'space'], 'PageDown', 'a page down', (page) => page),
  move(['pageup', 'C-u', 'b'], 'PageUp', 'a page up', (page) => -page),
  move(['home', 'g'], 'Home', 'to the first', () => Number.NEGATIVE_INFINITY),
  move(['end', 'S-g'], 'End', 'to the last', () => Number.POSITIVE_INFINITY),
  {
    keys: ['enter'],
    shown: 'Enter',
    says: 'details',
    modes: ['list'],
    footer: 3,
    act: only(({ model, ui }) => {
      const id = selectedId({ model, ui });
      if (id !== undefined) ui.mode = { kind: 'details', id, scroll: 0 };
    }),
  },
  {
    keys: ['escape', 'backspace'],
    shown: 'Esc',
    says: 'back',
    modes: ['details', 'help', 'output'],
    footer: 1,
    act: ({ ui }) => {
      const isRunning = ui.mode.kind === 'output' && ui.mode.errand.code === undefined;
      ui.mode = { kind: 'list' };
      return isRunning ? { kind: 'stop' } : undefined;
    },
  },
  {
    keys: ['escape'],
    shown: 'Esc',
    says: 'take the filter away, then to the overview',
    modes: ['list'],
    act: only((context) => {
      if (context.ui.filter === '') show(context, 0);
      else context.ui.filter = '';
    }),
  },
  {
    keys: ['/'],
    shown: '/',
    says: 'filter',
    modes: ['list'],
    footer: 1,
    act: only(({ ui }) => {
      ui.mode = { kind: 'filter', before: ui.filter };
    }),
  },
  {
    keys: ['s'],
    shown: 's',
    says: 'sort',
    modes: ['list'],
    footer: 4,
    act: only(({ ui }) => {
      const state = listState(ui);
      state.sort = (state.sort + 1) % viewOf(ui.view).list.sorts.length;
      state.isReversed = false;
    }),
  },
  {
    keys: ['S-s', 'r'],
    shown: 'r',
    says: 'sort the other way round',
    modes: ['list'],
    act: only(({ ui }) => {
      const state = listState(ui);
      state.isReversed = !state.isReversed;
    }),
  },
  {
    keys: [':'],
    shown: ':',
    says: 'verb',
    modes: ['list', 'details', 'output'],
    footer: 2,
    act: only(({ ui }) => {
      ui.mode = { kind: 'verb', text: '' };
    }),
  },
  about('w', 'why', 'why packets for it take the way they take'),
  about('t', 'trace', 'the hops to it'),
  {
    keys: ['a'],
    shown: 'a',
    says: 'allow a port (with --control)',
    short: 'allow',
    modes: ['list'],
    footer: 8,
    act: only(({ ui }) => {
      const text = 'firewall allow ';
      if (ui.isControl) ui.mode = { kind: 'verb', text };
      else ui.notice = verbRefusal(wordsOf(text), false);
    }),
  },
  {
    keys: ['S-p'],
    shown: 'P',
    says: 'hide addresses, or show them again',
    short: 'hide',
    modes: EVERYWHERE,
    footer: 7,
    act: only(({ ui }) => {
      ui.isHidden = !ui.isHidden;
    }),
  },
  { keys: ['C-l'], shown: 'Ctrl-L', says: 'draw everything anew', modes: EVERYWHERE, act: () => ({ kind: 'redraw' }) },
  {
    keys: ['C-z'],
    shown: 'Ctrl-Z',
    says: 'to the shell, fg comes back',
    modes: EVERYWHERE,
    act: () => ({ kind: 'suspend' }),
  },
  { keys: ['q', 'C-c'], shown: 'q', says: 'quit', modes: EVERYWHERE, footer: 9, act: () => ({ kind: 'quit' }) },
  // While something is typed.
  { keys: ['C-c'], shown: 'Ctrl-C', says: 'quit', modes: ['filter', 'verb'], act: () => ({ kind: 'quit' }) },
  {
    keys: ['enter'],
    shown: 'Enter',
    says: 'keep the filter',
    modes: ['filter'],
    footer: 0,
    act: only(({ ui }) => {
      ui.mode = { kind: 'list' };
    }),
  },
  {
    keys: ['escape'],
    shown: 'Esc',
    says: 'as before',
    modes: ['filter'],
    footer: 1,
    act: only(({ ui }) => {
      if (ui.mode.kind === 'filter') ui.filter = ui.mode.before;
      ui.mode = { kind: 'list' };
    }),
  },
  { keys: ['enter'], shown: 'Enter', says: 'run it', modes: ['verb'], footer: 0, act: ({ ui }) => runTyped({ ui }) },
  {
    keys: ['escape'],
    shown: 'Esc',
    says: 'back',
    modes: ['verb'],
    footer: 1,
    act: only(({ ui }) => {
      ui.mode = { kind: 'list' };
    }),
  },
  {
    keys: ['backspace'],
    shown: 'Backspace',
    says: 'take a letter away',
    modes: ['filter', 'verb'],
    act: only((c) => type(c, (text) => [...text].slice(0, -1).join(''))),
  },
  {
    keys: ['C-u'],
    shown: 'Ctrl-U',
    says: 'take all away',
    modes: ['filter', 'verb'],
    act: only((context) => type(context, () => '')),
  },
  {
    keys: ['C-w'],
    shown: 'Ctrl-W',
    says: 'take a word away',
    modes: ['filter', 'verb'],
    act: only((c) => type(c, (text) => text.replace(/\S*\s*$/, ''))),
  },
];

export function bindingsOf(mode: ModeKind): readonly Binding[] {
  return BINDINGS.filter(({ modes }) => modes.includes(mode));
}

const TYPED_MAX = 500;

/** `name` is blessed's for the key; `char` what it types, if it types something. */
export function press(context: Context, name: string, char: string | undefined, page: number): Effect | undefined {
  const { ui } = context;
  ui.notice = undefined;
  const { kind } = ui.mode;
  const binding = bindingsOf(kind).find(({ keys }) => keys.includes(name));
  if (binding !== undefined) return binding.act(context, page);
  const isTyping = kind === 'filter' || kind === 'verb';
  if (isTyping && char !== undefined && !/\p{C}/u.test(char))
    type(context, (text) => (text + char).slice(0, TYPED_MAX));
  return undefined;
}

export function selectedId(context: Context): string | undefined {
  const { ui } = context;
  if (ui.mode.kind === 'details') return ui.mode.id;
  const ids = viewOf(ui.view).list.ids(context);
  return ids[selectedIndex(listState(ui), ids)];
}

function show({ ui }: Context, number: number): void {
  ui.view = number;
  ui.mode = { kind: 'list' };
}

function move(keys: readonly string[], shown: string, says: string, by: (page: number) => number): Binding {
  return {
    keys,
    shown,
    says,
    modes: ['list', ...SCROLLED],
    act: only((context, page) => {
      const { mode } = context.ui;
      // Where texts end is known when they are drawn.
      if ('scroll' in mode) mode.scroll = Math.max(0, Math.min(mode.scroll + by(page), 1e6));
      else if (mode.kind === 'list') select(context, by(page));
    }),
  };
}

function select(context: Context, by: number): void {
  const { ui } = context;
  const ids = viewOf(ui.view).list.ids(context);
  const state: ListState = listState(ui);
  const index = Math.max(0, Math.min(ids.length - 1, selectedIndex(state, ids) + by));
  state.index = index;
  state.selected = ids[index];
}

/** A verb about the node of the selected row. */
function about(key: string, verb: string, says: string): Binding {
  return {
    keys: [key],
    shown: key,
    says: `${verb}: ${says}`,
    modes: ['list', 'details'],
    footer: verb === 'why' ? 5 : 6,
    short: verb,
    act: (context) => {
      const { ui } = context;
      const id = selectedId(context);
      const target = id === undefined ? '' : viewOf(ui.view).list.target(id, context);
      if (target !== '') return { kind: 'run', words: [verb, target] };
      ui.notice = `${verb}: no node is selected whose address is known`;
      return undefined;
    },
  };
}

function runTyped({ ui }: Pick<Context, 'ui'>): Effect | undefined {
  if (ui.mode.kind !== 'verb') return undefined;
  const words = wordsOf(ui.mode.text);
  ui.mode = { kind: 'list' };
  if (words.length === 0) return undefined;
  ui.notice = verbRefusal(words, ui.isControl);
  return ui.notice === undefined ? { kind: 'run', words } : undefined;
}

function type({ ui }: Context, edit: (text: string) => string): void {
  if (ui.mode.kind === 'filter') ui.filter = edit(ui.filter);
  if (ui.mode.kind === 'verb') ui.mode.text = edit(ui.mode.text);
}
