import type { TreeAnswer } from '../host/answers.ts';
import { COLUMNS, cut } from './text.ts';
import type { Verb } from './verb.ts';
import { viewVerb } from './view.ts';

type Entry = Omit<TreeAnswer, 'sequence'>;

export const verb: Verb = viewVerb({
  help: "The part of the spanning tree this node knows: its own way to the root, and its\npeers' ways. Indented below its parent; * is this node.",
  request: 'getTree',
  show: async ({ tree }, ask) => {
    const self = await ask('getSelf');
    return treeLines(tree, self.key);
  },
});

/** Deeper nodes are not indented further: their line would not fit. */
const INDENT_MAX = 36;

export function treeLines(entries: readonly Entry[], selfKey: string): string[] {
  const children = new Map<string, Entry[]>();
  const known = new Set(entries.map((entry) => entry.key));
  const tops: Entry[] = [];
  for (const entry of entries) {
    // Of some nodes the parent is not known: they stand at the top, like roots.
    if (entry.parent === entry.key || !known.has(entry.parent)) tops.push(entry);
    else children.set(entry.parent, [...(children.get(entry.parent) ?? []), entry]);
  }
  const lines: string[] = [];
  const waiting = tops.map((entry) => ({ entry, depth: 0 }));
  const shown = new Set<string>();
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { entry, depth } = next;
    if (shown.has(entry.key)) continue;
    shown.add(entry.key);
    const mark = entry.key === selfKey ? '* ' : '  ';
    const root = entry.parent === entry.key ? ' (root)' : '';
    lines.push(cut(`${mark}${' '.repeat(Math.min(2 * depth, INDENT_MAX))}${entry.address}${root}`, COLUMNS));
    waiting.unshift(...(children.get(entry.key) ?? []).map((child) => ({ entry: child, depth: depth + 1 })));
  }
  return lines;
}
