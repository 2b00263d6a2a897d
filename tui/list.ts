/** A table of rows that can be filtered, sorted, walked and opened: every view has one. */
import { type Box, type Canvas, widthOf } from './canvas.ts';
import type { Model } from './model.ts';
import type { Style } from './theme.ts';
import { type ListState, listState, type Ui } from './ui.ts';

export type Context = { readonly model: Model; readonly ui: Ui };

export type Column<T> = {
  readonly title: string;
  /** Columns of text; of the one that takes what is left over, the least. */
  readonly width: number;
  readonly isWide?: true;
  /** Of those that take what is left over: they get so many columns before others get any. */
  readonly ideal?: number;
  readonly isRight?: true;
  /** When there is no room those of the highest rank go first; 0 stays. */
  readonly rank: number;
  readonly text?: (item: T, context: Context) => string;
  readonly style?: (item: T, context: Context) => Style;
  /** Instead of a text. */
  readonly draw?: (canvas: Canvas, box: Box, item: T, context: Context) => void;
};

export type Sort<T> = {
  readonly name: string;
  /** Title of the column that shows it. */
  readonly column?: string;
  readonly isDescending?: true;
  readonly by: (item: T, context: Context) => number | string;
};

export type Details = {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, value: string, style?: Style])[];
  /** Long texts, wrapped below the facts. */
  readonly text?: readonly string[];
  readonly charts: readonly Chart[];
};

export type Chart = {
  readonly title: string;
  readonly id: string;
  readonly series: 'in' | 'out' | 'rtt';
  readonly style: Style;
  readonly figure: (value: number) => string;
  readonly least: number;
};

export type ListSpec<T> = {
  readonly items: (model: Model) => Iterable<T>;
  readonly id: (item: T) => string;
  /** What the filter looks into. */
  readonly text: (item: T, model: Model) => string;
  readonly sorts: readonly [Sort<T>, ...Sort<T>[]];
  readonly columns: readonly Column<T>[];
  /** Of a row whose figures say nothing: a text in place of all cells behind the first wide one. */
  readonly instead?: (item: T, context: Context) => readonly [text: string, style: Style] | undefined;
  /** What to say when there is nothing. */
  readonly empty: (model: Model) => string;
  readonly details: (item: T, context: Context) => Details;
  /** The node that `why` and `trace` are asked about. */
  readonly target?: (item: T, model: Model) => string;
};

/** A list whose rows are of whatever type. */
export type List = {
  readonly sorts: readonly string[];
  ids(context: Context, view?: number): string[];
  /** Draws header and rows; the state's `top` follows the selection. */
  draw(canvas: Canvas, box: Box, context: Context, view?: number): void;
  details(id: string, context: Context): Details | undefined;
  target(id: string, context: Context): string;
  /** `3 of 20`, or `20`. */
  count(context: Context, view?: number): string;
};

const GAP = 2;

export function makeList<T>(spec: ListSpec<T>): List {
  const find = (id: string, { model }: Context): T | undefined => {
    for (const item of spec.items(model)) if (spec.id(item) === id) return item;
    return undefined;
  };
  return {
    sorts: spec.sorts.map(({ name }) => name),
    ids: (context, view) => arranged(spec, context, view).map(spec.id),
    draw: (canvas, box, context, view) => drawList(spec, canvas, box, context, view ?? context.ui.view),
    details: (id, context) => {
      const item = find(id, context);
      return item === undefined ? undefined : spec.details(item, context);
    },
    target: (id, context) => {
      const item = find(id, context);
      return item === undefined ? '' : (spec.target?.(item, context.model) ?? '');
    },
    count: (context, view) => {
      let all = 0;
      for (const _ of spec.items(context.model)) all++;
      return context.ui.filter === '' ? `${all}` : `${arranged(spec, context, view).length} of ${all}`;
    },
  };
}

function arranged<T>(spec: ListSpec<T>, context: Context, view = context.ui.view): T[] {
  const { ui, model } = context;
  const { sort, isReversed } = listState(ui, view);
  const { by, isDescending } = spec.sorts[sort] ?? spec.sorts[0];
  const wanted = ui.filter.toLowerCase().split(' ');
  const rows: { item: T; key: number | string }[] = [];
  for (const item of spec.items(model)) {
    if (ui.filter !== '' && !matches(spec.text(item, model), wanted)) continue;
    rows.push({ item, key: by(item, context) });
  }
  const sign = (isDescending === true) === isReversed ? 1 : -1;
  rows.sort((a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : 0));
  return rows.map(({ item }) => item);
}

/** Every word must be somewhere. */
function matches(text: string, words: readonly string[]): boolean {
  const low = text.toLowerCase();
  return words.every((word) => low.includes(word));
}

/** The row that is selected now: the one chosen, or the one that has taken its place. */
export function selectedIndex(state: ListState, ids: readonly string[]): number {
  if (ids.length === 0) return -1;
  const at = state.selected === undefined ? -1 : ids.indexOf(state.selected);
  return at >= 0 ? at : Math.min(state.index, ids.length - 1);
}

function drawList<T>(spec: ListSpec<T>, canvas: Canvas, box: Box, context: Context, view: number): void {
  const { ui, model } = context;
  const items = arranged(spec, context, view);
  const state = listState(ui, view);
  const cells = fit(spec.columns, box.width);
  drawHeader(spec, canvas, box, context, cells, state);
  if (items.length === 0) {
    const text = ui.filter === '' ? spec.empty(model) : `nothing matches '${ui.filter}'; Esc takes the filter away`;
    canvas.put(box.x, box.y + 1, text, 'dim', box.x + box.width);
    return;
  }
  const room = Math.max(1, box.height - 1);
  const selected = selectedIndex(state, items.map(spec.id));
  state.top = Math.max(0, Math.min(state.top, selected, items.length - room));
  if (selected >= state.top + room) state.top = selected - room + 1;
  for (const [i, item] of items.slice(state.top, state.top + room).entries()) {
    const y = box.y + 1 + i;
    drawRow(spec, canvas, { ...box, y, height: 1 }, cells, item, context);
    if (state.top + i === selected) canvas.select(box.x, y, box.width);
  }
}

function drawRow<T>(
  spec: ListSpec<T>,
  canvas: Canvas,
  box: Box,
  cells: readonly Cell<T>[],
  item: T,
  context: Context,
): void {
  const instead = spec.instead?.(item, context);
  for (const { column, x, width } of cells) {
    drawCell(column, canvas, { ...box, x: box.x + x, width }, item, context);
    if (instead === undefined || column.isWide !== true) continue;
    const [text, style] = instead;
    canvas.put(box.x + x + width + GAP, box.y, text, style, box.x + box.width);
    return;
  }
}

type Cell<T> = { readonly column: Column<T>; readonly x: number; readonly width: number };

/** Which columns there is room for, and where. */
function fit<T>(columns: readonly Column<T>[], width: number): Cell<T>[] {
  let kept = [...columns];
  const taken = (): number => kept.reduce((sum, column) => sum + column.width + GAP, -GAP);
  while (taken() > width) {
    const last = kept.reduce((most, column) => (column.rank >= most.rank ? column : most));
    if (last.rank === 0) break;
    kept = kept.filter((column) => column !== last);
  }
  const wanted = kept.map(({ width: least, ideal = 0 }) => Math.max(0, ideal - least));
  let spare = Math.max(0, width - taken());
  const ideal = wanted.map((more) => {
    const given = Math.min(more, spare);
    spare -= given;
    return given;
  });
  const wide = kept.filter(({ isWide }) => isWide).length;
  let x = 0;
  let given = 0;
  return kept.map((column, i) => {
    const more = column.isWide ? Math.floor((spare * (given + 1)) / wide) - Math.floor((spare * given++) / wide) : 0;
    const whole = column.width + (ideal[i] ?? 0) + more;
    const cell = { column, x, width: Math.max(0, Math.min(whole, width - x)) };
    x += cell.width + GAP;
    return cell;
  });
}

function drawHeader<T>(
  spec: ListSpec<T>,
  canvas: Canvas,
  box: Box,
  { ui: { glyphs } }: Context,
  cells: readonly Cell<T>[],
  state: ListState,
): void {
  const sort = spec.sorts[state.sort] ?? spec.sorts[0];
  const arrow = (sort.isDescending === true) === state.isReversed ? glyphs.ascending : glyphs.descending;
  for (const { column, x, width } of cells) {
    const isSorted = sort.column === column.title;
    const title = isSorted ? `${column.title}${arrow}` : column.title;
    const style = isSorted ? 'accent' : 'dim';
    if (column.isRight) canvas.putRight(box.x + x + width, box.y, title, style, box.x + Math.max(0, x - GAP + 1));
    else canvas.put(box.x + x, box.y, title, style, box.x + x + Math.max(width, widthOf(title)));
  }
}

function drawCell<T>(column: Column<T>, canvas: Canvas, box: Box, item: T, context: Context): void {
  if (column.draw !== undefined) return column.draw(canvas, box, item, context);
  const text = column.text?.(item, context) ?? '';
  const style = column.style?.(item, context) ?? 'plain';
  const right = box.x + box.width;
  if (column.isRight) canvas.putRight(right, box.y, text, style, box.x);
  else canvas.put(box.x, box.y, text, style, right);
}
