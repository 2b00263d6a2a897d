/** What a view is. A new one is a file here and a row in `all.ts`. */
import type { Box, Canvas } from '../canvas.ts';
import { hidden, hiddenWhole } from '../hiding.ts';
import type { Context, List } from '../list.ts';

export type View = {
  readonly title: string;
  readonly list: List;
  draw(canvas: Canvas, box: Box, context: Context): void;
};

/** `Peers 20`, `Peers 3 of 20`. */
export function titleOf({ title, list }: View, context: Context): string {
  return `${title} ${list.count(context)}`;
}

/** How its list stands in order. */
export function sortNote({ list }: View, { ui }: Context): string {
  const state = ui.lists.get(ui.view);
  return `by ${list.sorts[state?.sort ?? 0] ?? ''}${state?.isReversed === true ? ', reversed' : ''}`;
}

/** What the operator calls a node, or its address. */
export function nodeName(node: { readonly key: string; readonly address: string }, { model, ui }: Context): string {
  const name = model.nameOf(node);
  return name === '' ? hidden(ui, node.address) : hiddenWhole(ui, 'node', name);
}

const KEY = /\b([0-9a-f]{12})[0-9a-f]{52}\b/g;

/** Keys in a text by the names of their nodes, or their beginnings. */
export function shortened({ model, ui }: Context, text: string): string {
  if (ui.isHidden) return hidden(ui, text);
  return text.replace(KEY, (key, start: string) => model.nameOf({ key, address: '' }) || `${start}${ui.glyphs.more}`);
}
