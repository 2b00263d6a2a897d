/** One picture of the whole screen: header, views, what is wrong, the view or what lies on top of it, footer. */
import { type Box, Canvas, cut, widthOf, wrap } from './canvas.ts';
import { drawDetails } from './details.ts';
import { ageText, plural, rateText } from './figures.ts';
import { hidden, hiddenWhole } from './hiding.ts';
import { BINDINGS, bindingsOf } from './keys.ts';
import type { Context } from './list.ts';
import { panel } from './panel.ts';
import { problemsOf } from './problems.ts';
import type { Mode } from './ui.ts';
import { VIEWS, viewOf } from './views/all.ts';
import { shortened } from './views/view.ts';

/** Below this width there is one pane and no frame. */
const NARROW = 60;
const LEAST_WIDTH = 20;
const LEAST_HEIGHT = 6;
const TOP_LINES = 3;

export function draw(context: Context, width: number, height: number): Canvas {
  const canvas = new Canvas(width, height, context.ui.glyphs.isAscii);
  if (width < LEAST_WIDTH || height < LEAST_HEIGHT) {
    canvas.put(0, 0, 'too small', 'warn');
    return canvas;
  }
  drawHeader(canvas, context);
  drawTabs(canvas, context);
  drawProblem(canvas, context);
  const box = bodyOf(width, height);
  const { mode } = context.ui;
  if (mode.kind === 'details') mode.scroll = drawDetails(canvas, box, context, viewOf(context.ui.view).list, mode);
  else if (mode.kind === 'help') drawHelp(canvas, box, context, mode);
  else if (mode.kind === 'output') drawOutput(canvas, box, context, mode);
  else viewOf(context.ui.view).draw(canvas, box, context);
  drawFooter(canvas, context);
  return canvas;
}

/** How many rows a page key moves. */
export function pageOf(height: number): number {
  return Math.max(1, height - TOP_LINES - 4);
}

function bodyOf(width: number, height: number): Box {
  return { x: 0, y: TOP_LINES, width, height: height - TOP_LINES - 1 };
}

function drawHeader(canvas: Canvas, context: Context): void {
  const { model, ui } = context;
  const { status, connection } = model;
  const { glyphs } = ui;
  canvas.fill({ x: 0, y: 0, width: canvas.width, height: 1 }, 'bar');
  const [mark, style] =
    connection.kind === 'live'
      ? ([glyphs.up, 'barGood'] as const)
      : connection.kind === 'lost'
        ? ([glyphs.down, 'barBad'] as const)
        : ([glyphs.waiting, 'barWarn'] as const);
  let x = canvas.put(1, 0, mark, style);
  x = canvas.put(x + 1, 0, hiddenWhole(ui, 'node', status?.name ?? '') || 'ratatosk', 'bar');
  const up = [...model.peers.rows.values()].filter(({ isUp }) => isUp).length;
  const rates = model.rates();
  const parts = [
    `${glyphs.inward} ${rateText(rates.in)}  ${glyphs.outward} ${rateText(rates.out)}`,
    model.isLive ? plural(up, 'link') : 'disconnected',
    status === undefined ? '' : `up ${ageText((model.nowMs - status.startedMs) / 1_000)}`,
  ].filter((part) => part !== '');
  const address = hidden(ui, status?.address ?? '');
  // The traffic goes first when there is no room, then the time.
  while (parts.length > 1 && x + 4 + widthOf(address) + widthOf(parts.join('   ')) > canvas.width) parts.shift();
  const right = parts.join('   ');
  const isMarked = !model.isLive;
  canvas.putRight(canvas.width - 1, 0, right, isMarked ? 'barBad' : 'barDim', x + 2);
  canvas.put(x + 2, 0, address, 'barDim', canvas.width - 2 - widthOf(right));
}

function drawTabs(canvas: Canvas, { ui }: Context): void {
  const isNarrow = canvas.width < NARROW;
  const gap = canvas.width >= 90 ? 2 : 1;
  let x = 0;
  for (const [number, { tab }] of VIEWS.entries()) {
    const isShown = number === ui.view;
    if (isShown) x = canvas.put(x, 1, ` ${number} ${tab} `, 'tab');
    else {
      x = canvas.put(x + (isNarrow ? 0 : 1), 1, `${number}`, 'key');
      if (!isNarrow) x = canvas.put(x + 1, 1, tab, 'dim');
    }
    x += isShown && gap === 1 ? 0 : gap - 1;
  }
}

/** What is wrong, in one line; beside it whether the picture is filtered, or without addresses. */
function drawProblem(canvas: Canvas, context: Context): void {
  const { model, ui } = context;
  const { glyphs } = ui;
  const notes = [ui.filter === '' ? '' : `filter '${ui.filter}'`, ui.isHidden ? 'addresses hidden' : ''];
  const note = notes.filter((text) => text !== '').join(', ');
  const right = note === '' ? canvas.width - 1 : canvas.width - widthOf(note) - 3;
  canvas.putRight(canvas.width - 1, 2, note, 'prompt');
  const problems = problemsOf(model);
  const [first] = problems;
  if (first === undefined) {
    canvas.put(1, 2, `${glyphs.up} nothing is wrong`, 'good', right);
    return;
  }
  const more = problems.length > 1 ? `  +${problems.length - 1} more` : '';
  const text = cut(
    `${first.level === 'bad' ? glyphs.down : glyphs.warn} ${shortened(context, first.text)}`,
    right - 1 - more.length,
  );
  const end = canvas.put(1, 2, text, first.level, right);
  canvas.put(end, 2, more, 'dim', right);
}

function drawFooter(canvas: Canvas, { ui }: Context): void {
  const y = canvas.height - 1;
  const { mode } = ui;
  let left = 1;
  if (ui.notice !== undefined) {
    canvas.put(left, y, `${ui.glyphs.warn} ${hidden(ui, ui.notice)}`, 'warn');
    return;
  }
  if (mode.kind === 'filter' || mode.kind === 'verb') {
    const text = mode.kind === 'filter' ? `/${ui.filter}` : `:${mode.text}`;
    // The end of what is typed stays in sight.
    const room = canvas.width - 24;
    left = canvas.put(left, y, widthOf(text) > room ? `${ui.glyphs.more}${text.slice(-room)}` : text, 'prompt');
    left = canvas.put(left, y, ui.glyphs.full, 'prompt') + 2;
  }
  const keys = bindingsOf(mode.kind).filter(({ footer }) => footer !== undefined);
  keys.sort((a, b) => (a.footer ?? 0) - (b.footer ?? 0));
  const last = keys.at(-1);
  const isApart = last !== undefined && keys.length > 2;
  const lastWidth = isApart ? keyText(last).length + 1 : 0;
  for (const binding of isApart ? keys.slice(0, -1) : keys) {
    if (left + keyText(binding).length > canvas.width - lastWidth - 1) break;
    left = canvas.put(left, y, binding.shown, 'key');
    left = canvas.put(left + 1, y, binding.short ?? binding.says, 'dim') + 2;
  }
  if (!isApart) return;
  const end = canvas.put(canvas.width - lastWidth, y, last.shown, 'key');
  canvas.put(end + 1, y, last.short ?? last.says, 'dim');
}

function keyText({ shown, short, says }: (typeof BINDINGS)[number]): string {
  return `${shown} ${short ?? says}`;
}

type Line = readonly [key: string, text: string];

function drawHelp(canvas: Canvas, box: Box, context: Context, mode: Mode & { kind: 'help' }): void {
  const inner = panel(canvas, box, context, 'Keys', [['j and k scroll', 'dim']]);
  const lines: Line[] = BINDINGS.filter(({ modes }) => modes.includes('list') || modes.includes('details')).map(
    ({ shown, says }) => [shown, says],
  );
  lines.push(['', ''], ['', 'While a filter or a verb is typed:']);
  for (const { shown, says, modes } of BINDINGS) if (modes.includes('verb')) lines.push([shown, says]);
  const { glyphs } = context.ui;
  lines.push(
    ['', ''],
    ['', `${glyphs.up} works  ${glyphs.warn} look here  ${glyphs.down} does not work  ${glyphs.waiting} on its way`],
  );
  const columns = inner.width >= 100 ? 2 : 1;
  const room = inner.height * columns;
  mode.scroll = Math.max(0, Math.min(mode.scroll, lines.length - room));
  const width = Math.floor(inner.width / columns);
  for (const [i, [key, text]] of lines.slice(mode.scroll, mode.scroll + room).entries()) {
    const x = inner.x + Math.floor(i / inner.height) * width;
    const y = inner.y + (i % inner.height);
    canvas.put(x, y, key, 'key', x + 11);
    canvas.put(key === '' ? x : x + 11, y, text, key === '' ? 'dim' : 'plain', x + width - 2);
  }
}

function drawOutput(canvas: Canvas, box: Box, context: Context, mode: Mode & { kind: 'output' }): void {
  const { ui } = context;
  const { words, lines, code } = mode.errand;
  const state = code === undefined ? 'running' : code === 0 ? 'done' : `failed, exit code ${code}`;
  const title = hidden(ui, words.join(' '));
  const inner = panel(canvas, box, context, cut(title, box.width - 30), [[state, code === 0 ? 'good' : 'warn']]);
  const wrapped = lines.flatMap((line) => (widthOf(line) <= inner.width ? [line] : wrap(line, inner.width)));
  mode.scroll = Math.max(0, Math.min(mode.scroll, wrapped.length - inner.height));
  for (const [i, line] of wrapped.slice(mode.scroll, mode.scroll + inner.height).entries()) {
    canvas.put(inner.x, inner.y + i, hidden(ui, line), 'plain', inner.x + inner.width);
  }
}
