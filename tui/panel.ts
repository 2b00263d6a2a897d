/** Parts that several views are made of: framed panels, charts with a scale, facts. */
import { type Box, type Canvas, widthOf, wrap } from './canvas.ts';
import { ceilingOf, drawArea, drawLine } from './chart.ts';
import { ageText, whenText } from './figures.ts';
import type { Chart, Context } from './list.ts';
import type { Style } from './theme.ts';

/** Figures of octets have steps of their own. */
const OCTETS = 1_024;

export type Note = readonly [text: string, style: Style];

/** Frames the box; gives what is inside. Below 60 columns only the line at the top is drawn. */
export function panel(canvas: Canvas, box: Box, { ui }: Context, title: string, notes: readonly Note[] = []): Box {
  const [topLeft, topRight, bottomRight, bottomLeft, flat, upright] = ui.glyphs.frame;
  const isNarrow = canvas.width < 60;
  const { x, y, width, height } = box;
  const right = x + width;
  const bottom = y + height - 1;
  const line = flat.repeat(Math.max(0, width - 2));
  canvas.put(x, y, isNarrow ? flat.repeat(width) : `${topLeft}${line}${topRight}`, 'frame', right);
  const end = canvas.put(x + 2, y, ` ${title} `, 'title', right - 2);
  putNotes(canvas, y, notes, right - 2, end + 1);
  if (isNarrow) return { x, y: y + 1, width, height: height - 1 };
  for (let row = y + 1; row < bottom; row++) {
    canvas.put(x, row, upright, 'frame');
    canvas.put(right - 1, row, upright, 'frame');
  }
  canvas.put(x, bottom, `${bottomLeft}${line}${bottomRight}`, 'frame', right);
  return { x: x + 2, y: y + 1, width: width - 4, height: height - 2 };
}

/** Notes in the upper line, from the right; what finds no room is left out. */
function putNotes(canvas: Canvas, y: number, notes: readonly Note[], right: number, left: number): void {
  for (const [text, style] of notes.toReversed()) {
    if (text === '') continue;
    const start = right - widthOf(text) - 2;
    if (start < left) return;
    canvas.put(start, y, ` ${text} `, style);
    right = start - 1;
  }
}

/** In upwards, out downwards, each as tall as its share of both; gives the figures at the two ends. */
export function drawFlow(canvas: Canvas, box: Box, { model, ui }: Context, id: string): { in: number; out: number } {
  const { glyphs } = ui;
  const inward = visible(model.history.of(id, 'in').slice(), box.width, glyphs.isAscii);
  const outward = visible(model.history.of(id, 'out'), box.width, glyphs.isAscii);
  const tops = { in: ceilingOf(inward, OCTETS, OCTETS), out: ceilingOf(outward, OCTETS, OCTETS) };
  const share = tops.in / (tops.in + tops.out);
  const height = Math.max(1, Math.min(box.height - 1, Math.round(box.height * share)));
  drawArea(canvas, { ...box, height }, inward, tops.in, 'in', glyphs);
  const lower = { ...box, y: box.y + height, height: box.height - height };
  // Letters cannot hang from above.
  drawArea(canvas, lower, outward, tops.out, 'out', glyphs, !glyphs.isAscii);
  return tops;
}

function visible(values: Float32Array, width: number, isAscii: boolean): Float32Array {
  return values.subarray(Math.max(0, values.length - width * (isAscii ? 1 : 2)));
}

/** A chart with its title, the latest figure, and the figure at its top. */
export function drawChart(canvas: Canvas, box: Box, context: Context, chart: Chart): void {
  const { model, ui } = context;
  const values = visible(model.history.of(chart.id, chart.series), box.width, ui.glyphs.isAscii);
  const latest = values.at(-1) ?? Number.NaN;
  const top = ceilingOf(values, chart.least, chart.series === 'rtt' || chart.least < OCTETS ? 1_000 : OCTETS);
  const figure = Number.isNaN(latest) ? '-' : chart.figure(latest);
  const end = canvas.put(box.x, box.y, chart.title, 'dim');
  canvas.put(end + 1, box.y, figure, chart.style, box.x + box.width);
  const scale = `${ageText(values.length)}, top ${chart.figure(top)}`;
  canvas.putRight(box.x + box.width, box.y, scale, 'dim', end + figure.length + 3);
  const inner = { ...box, y: box.y + 1, height: box.height - 1 };
  const drawn = chart.series === 'rtt' ? drawLine : drawArea;
  drawn(canvas, inner, values, top, chart.style, ui.glyphs);
}

/** One below the other, as many as there is room for. */
export function drawCharts(canvas: Canvas, box: Box, context: Context, charts: readonly Chart[]): void {
  const count = Math.min(charts.length, Math.floor(box.height / 3));
  for (const [i, chart] of charts.slice(0, count).entries()) {
    const from = Math.floor((box.height * i) / count);
    const to = Math.floor((box.height * (i + 1)) / count);
    const isLast = i === count - 1;
    drawChart(canvas, { ...box, y: box.y + from, height: to - from - (isLast ? 0 : 1) }, context, chart);
  }
}

export type Fact = readonly [label: string, value: string, style?: Style];

/** `label  value` a line, long values wrapped; gives the line behind. */
export function drawFacts(canvas: Canvas, box: Box, facts: readonly Fact[], labelWidth = 10): number {
  let y = box.y;
  for (const [label, value, style = 'plain'] of facts) {
    for (const [i, line] of wrap(value, Math.max(8, box.width - labelWidth)).entries()) {
      if (y >= box.y + box.height) return y;
      if (i === 0) canvas.put(box.x, y, label, 'dim', box.x + labelWidth - 1);
      canvas.put(box.x + labelWidth, y++, line, style, box.x + box.width);
    }
  }
  return y;
}

export function timeText({ model, ui }: Context, atMs: number): string {
  return whenText(atMs, model.nowMs, ui.offsetMinutes);
}
