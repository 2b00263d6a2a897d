/** What has happened, the latest first. */
import type { Box, Canvas } from '../canvas.ts';
import { dateText } from '../figures.ts';
import { hidden } from '../hiding.ts';
import { type Column, type Context, type Details, makeList } from '../list.ts';
import type { Model } from '../model.ts';
import { panel, timeText } from '../panel.ts';
import type { Happening } from '../reading.ts';
import type { Style } from '../theme.ts';
import { shortened, sortNote, titleOf, type View } from './view.ts';

/** What happened just now stands out. */
const FRESH_MS = 5_000;

function mark({ level }: Happening, { ui: { glyphs } }: Context): string {
  if (level === 'error') return glyphs.down;
  return level === 'warn' ? glyphs.warn : glyphs.dot;
}

function markStyle({ level }: Happening): Style {
  if (level === 'error') return 'bad';
  return level === 'warn' ? 'warn' : 'dim';
}

function textStyle({ level, atMs }: Happening, { model }: Context): Style {
  if (level === 'error') return 'bad';
  if (level === 'warn') return 'warn';
  if (level === 'debug') return 'dim';
  return model.nowMs - atMs < FRESH_MS ? 'strong' : 'plain';
}

/** In one line; details have the whole. */
export function eventText({ text, fields }: Happening, context: Context): string {
  return shortened(context, [text, ...fields.map(([name, value]) => `${name}=${value}`)].join('  '));
}

const COLUMNS: readonly Column<Happening>[] = [
  { title: 'TIME', width: 8, rank: 0, text: ({ atMs }, context) => timeText(context, atMs), style: () => 'dim' },
  { title: '', width: 1, rank: 0, text: mark, style: markStyle },
  { title: 'KIND', width: 8, rank: 1, text: ({ kind }) => kind, style: () => 'accent' },
  { title: 'WHAT', width: 20, isWide: true, rank: 0, text: eventText, style: textStyle },
];

const list = makeList<Happening>({
  items: ({ events }) => events,
  id: ({ id }) => id,
  text: ({ kind, level, text, fields }) =>
    `${kind} ${level} ${text} ${fields.map(([name, value]) => `${name}=${value}`).join(' ')}`,
  sorts: [
    { name: 'time', column: 'TIME', isDescending: true, by: ({ atMs }) => atMs },
    { name: 'kind', column: 'KIND', by: ({ kind, atMs }) => `${kind} ${1e15 - atMs}` },
    { name: 'level', isDescending: true, by: ({ level, atMs }) => LEVELS.indexOf(level) * 1e15 + atMs },
  ],
  columns: COLUMNS,
  empty: () => 'nothing has happened yet',
  target: nodeOf,
  details: eventDetails,
});

/** Events of links name their peer by its URI. */
function nodeOf({ fields }: Happening, { peers }: Model): string {
  const field = (wanted: string): string | undefined => fields.find(([name]) => name === wanted)?.[1];
  const node = field('key') ?? field('address');
  if (node !== undefined) return node;
  const uri = field('peer');
  return [...peers.rows.values()].find(({ remote }) => remote === uri)?.address ?? '';
}

const LEVELS = ['debug', 'info', 'warn', 'error'];

function eventDetails(event: Happening, context: Context): Details {
  const { ui } = context;
  return {
    title: event.kind,
    facts: [
      ['what', hidden(ui, event.text), textStyle(event, context)],
      ['when', dateText(event.atMs, ui.offsetMinutes)],
      ['level', `${mark(event, context)} ${event.level}`, markStyle(event)],
      ...event.fields.map(([name, value]) => [name, hidden(ui, value)] as const),
    ],
    charts: [],
  };
}

/** The latest at the bottom of a small panel, as a log. */
export function drawLatest(canvas: Canvas, box: Box, context: Context): void {
  const inner = panel(canvas, box, context, 'Events');
  const latest = context.model.events.slice(-inner.height);
  const right = inner.x + inner.width;
  if (latest.length === 0) canvas.put(inner.x, inner.y, 'nothing has happened yet', 'dim', right);
  for (const [i, event] of latest.entries()) {
    const y = inner.y + i;
    canvas.put(inner.x, y, timeText(context, event.atMs), 'dim', right);
    canvas.put(inner.x + 9, y, mark(event, context), markStyle(event), right);
    canvas.put(inner.x + 11, y, eventText(event, context), textStyle(event, context), right);
  }
}

export const eventsView: View = {
  title: 'Events',
  list,
  draw: (canvas, box, context) => {
    const inner = panel(canvas, box, context, titleOf(eventsView, context), [[sortNote(eventsView, context), 'dim']]);
    list.draw(canvas, inner, context);
  },
};
