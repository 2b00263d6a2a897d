/**
 * A session as a file of JSON lines, to be shown again: `{"at": Unix ms, "push": …}` for what was pushed, `"recall"` for the
 * events before it, `"live"` and `"lost"` for the connection.
 */
import type { Model } from './model.ts';
import { listOf, membersOf, numberOf, textOf } from './reading.ts';

export type Entry = { readonly at: number } & (
  | { readonly push: unknown }
  | { readonly recall: readonly unknown[] }
  | { readonly live: true }
  | { readonly lost: string }
);

/** Undefined: it is no entry, or one of a newer kind. */
export function readEntry(line: string): Entry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const members = membersOf(value);
  const at = numberOf(members.at);
  if (at === undefined) return undefined;
  if ('push' in members) return { at, push: members.push };
  if ('recall' in members) return { at, recall: listOf(members.recall) };
  if (members.live === true) return { at, live: true };
  return 'lost' in members ? { at, lost: textOf(members.lost) } : undefined;
}

export function apply(model: Model, entry: Entry): void {
  if ('push' in entry) model.push(entry.push, entry.at);
  else if ('recall' in entry) model.recall(entry.recall);
  else if ('live' in entry) {
    model.advance(entry.at);
    model.connected();
  } else model.lost(entry.lost, entry.at);
}

export function readRecording(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const line of text.split('\n')) {
    const entry = line === '' ? undefined : readEntry(line);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}
