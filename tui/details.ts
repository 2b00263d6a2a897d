/** What is known of one row: facts, texts, and how it was lately. */
import { type Box, type Canvas, cut, wrap } from './canvas.ts';
import type { Context, Details, List } from './list.ts';
import { selectedIndex } from './list.ts';
import { drawCharts, drawFacts, panel } from './panel.ts';
import { listState } from './ui.ts';

const LABEL_WIDTH = 12;
const SIDE_BY_SIDE = 100;

/** The whole of it, scrolled by so many facts; gives by how many it can be. */
export function drawDetails(
  canvas: Canvas,
  box: Box,
  context: Context,
  list: List,
  { id, scroll }: { readonly id: string; readonly scroll: number },
): number {
  const details = list.details(id, context);
  if (details === undefined) {
    const inner = panel(canvas, box, context, 'Details');
    canvas.put(inner.x, inner.y, 'it is gone; Esc goes back', 'dim');
    return 0;
  }
  const inner = panel(canvas, box, context, cut(details.title, box.width - 8));
  const hiddenFacts = Math.max(0, Math.min(scroll, details.facts.length - 1));
  const shown = { ...details, facts: details.facts.slice(hiddenFacts) };
  const isSideBySide = inner.width >= SIDE_BY_SIDE && details.charts.length > 0;
  const facts = isSideBySide ? { ...inner, width: Math.floor(inner.width * 0.45) } : inner;
  const end = drawText(canvas, facts, shown);
  const charts = isSideBySide
    ? { ...inner, x: facts.x + facts.width + 2, width: inner.width - facts.width - 2 }
    : { ...inner, y: end, height: inner.y + inner.height - end };
  drawCharts(canvas, charts, context, details.charts);
  return hiddenFacts;
}

/** Height that the list leaves to the details of its selected row, on screens that are large enough. */
export function roomForDetails(box: Box, rows: number): number {
  const list = Math.max(8, Math.min(rows + 3, Math.floor(box.height * 0.6)));
  const rest = box.height - list;
  return box.width >= SIDE_BY_SIDE && rest >= 12 ? rest : 0;
}

export function drawSelected(canvas: Canvas, box: Box, context: Context, list: List): void {
  const ids = list.ids(context);
  const id = ids[selectedIndex(listState(context.ui), ids)];
  if (id !== undefined) drawDetails(canvas, box, context, list, { id, scroll: 0 });
}

/** Facts, and texts below; gives the line behind. */
function drawText(canvas: Canvas, box: Box, details: Details): number {
  const least = details.charts.length > 0 && box.height > 12 ? 6 : 0;
  const room = { ...box, height: box.height - least };
  let y = drawFacts(canvas, room, details.facts, LABEL_WIDTH) + 1;
  for (const text of details.text ?? []) {
    for (const line of wrap(text, box.width)) {
      if (y >= room.y + room.height) return y;
      canvas.put(box.x, y++, line, 'plain', box.x + box.width);
    }
  }
  return y;
}
