/** Addresses out of sight, for pictures that go to others: each is named by the order in which it came, so that rows can be told apart. */
import type { Ui } from './ui.ts';

const ALIASES_MAX = 20_000;

/** Keys, mesh and Internet addresses, hosts of URIs, paths of sockets and homes, modems. Linear on any text. */
const PATTERNS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'key', pattern: /\b[0-9a-f]{64}\b/gi },
  { what: 'addr', pattern: /(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?:%[\w.-]{1,16})?/gi },
  { what: 'addr', pattern: /[0-9a-f:]{0,39}::[0-9a-f:]{0,39}(?:%[\w.-]{1,16})?/gi },
  { what: 'addr', pattern: /\b\d{1,3}(?:\.\d{1,3}){3}\b/g },
  // HOST is what help texts write.
  { what: 'host', pattern: /(?<=:\/\/)(?!HOST\b)(?:\[[^\]\s]{0,64}\]|[^/:?\s[]{1,253})/g },
  { what: 'path', pattern: /(?<=unix:\/\/)\/[^\s?]{1,200}/g },
  // Serial numbers of modems.
  { what: 'device', pattern: /(?<=\/dev\/serial\/by-id\/)[^\s?]{1,200}/g },
  { what: 'home', pattern: /(?<=\/home\/)[^/\s]{1,64}/g },
];

export function hidden(ui: Ui, text: string): string {
  if (!ui.isHidden) return text;
  let shown = text;
  for (const { what, pattern } of PATTERNS) shown = shown.replace(pattern, (found) => aliasOf(ui, what, found));
  return shown;
}

/** A name, or a part of a key, that no pattern knows. */
export function hiddenWhole(ui: Ui, what: string, text: string): string {
  return ui.isHidden && text !== '' ? aliasOf(ui, what, text) : text;
}

function aliasOf(ui: Ui, what: string, text: string): string {
  // What has a name already is left alone by the patterns behind.
  if (/^(?:key|addr|host|path|device|home|node)-\d+$/.test(text)) return text;
  const known = ui.aliases.get(text);
  if (known !== undefined) return known;
  if (ui.aliases.size >= ALIASES_MAX) return `${what}-0`;
  const alias = `${what}-${ui.aliases.size + 1}`;
  ui.aliases.set(text, alias);
  return alias;
}
