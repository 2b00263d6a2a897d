/** JSON that another node sent. */
import { JsonSplitter } from './admin-json.ts';
import type { ForeignAnswer } from './answers.ts';

/**
 * One object of at most 8 levels and 64 KiB, or undefined. Who shows it escapes what could move the cursor of a terminal:
 * `goJson` does.
 */
export function readForeignJson(octets: Uint8Array): ForeignAnswer | undefined {
  // It measures depth and size before anything is parsed.
  const splitter = new JsonSplitter();
  splitter.push(octets);
  const text = splitter.next();
  const isAlone = splitter.next() === undefined && splitter.isEmpty && splitter.refusal === undefined;
  if (text === undefined || !isAlone) return undefined;
  try {
    // JSON.parse makes nothing but JSON.
    return JSON.parse(text) as ForeignAnswer;
  } catch {
    return undefined;
  }
}
