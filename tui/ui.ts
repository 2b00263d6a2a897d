/** What the person at the keyboard has chosen: the view, its order, what is selected, what is typed, what lies on top. */
import type { Glyphs, PaletteName } from './theme.ts';

export type Mode =
  | { readonly kind: 'list' }
  | { readonly kind: 'filter'; readonly before: string }
  | { readonly kind: 'verb'; text: string }
  | { readonly kind: 'details'; readonly id: string; scroll: number }
  | { readonly kind: 'help'; scroll: number }
  | { readonly kind: 'output'; readonly errand: Errand; scroll: number };
export type ModeKind = Mode['kind'];

/** A verb that runs, or has run, as a process of its own. */
export type Errand = {
  readonly words: readonly string[];
  readonly lines: string[];
  /** Undefined while it runs. */
  code: number | undefined;
};

/** How a view's list stands. */
export type ListState = {
  sort: number;
  isReversed: boolean;
  selected: string | undefined;
  /** Where the selected row was; another takes its place when it goes. */
  index: number;
  /** The first row on the screen. */
  top: number;
};

export type Ui = {
  /** A view's number; 0 is the overview. */
  view: number;
  mode: Mode;
  filter: string;
  readonly lists: Map<number, ListState>;
  /** Addresses are hidden, for pictures that go to others. */
  isHidden: boolean;
  /** Names given to what is hidden. */
  readonly aliases: Map<string, string>;
  /** One sentence in place of the footer, until the next key. */
  notice: string | undefined;
  readonly isControl: boolean;
  readonly glyphs: Glyphs;
  readonly palette: PaletteName;
  /** Of local time. */
  readonly offsetMinutes: number;
};

export type UiOptions = Pick<Ui, 'isControl' | 'glyphs' | 'palette' | 'offsetMinutes'>;

export function newUi(options: UiOptions): Ui {
  return {
    view: 0,
    mode: { kind: 'list' },
    filter: '',
    lists: new Map(),
    isHidden: false,
    aliases: new Map(),
    notice: undefined,
    ...options,
  };
}

export function listState(ui: Ui, view = ui.view): ListState {
  const known = ui.lists.get(view);
  if (known !== undefined) return known;
  const fresh = { sort: 0, isReversed: false, selected: undefined, index: 0, top: 0 };
  ui.lists.set(view, fresh);
  return fresh;
}
