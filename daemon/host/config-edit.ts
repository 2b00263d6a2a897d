/**
 * Adds peers, a name and a network password to a configuration as its owner would: comments, order and everything else stay.
 * The result is read again, and taken only if it differs from before in what was wanted and in nothing else.
 */
import { lstatSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import Hjson from 'hjson';
import { decodeText, OWN_MARK, parseConfig } from './config.ts';
import { itemPlaces, type MemberPlace, objectPlaces } from './hjson-text.ts';
import { isMembers, type Members } from './members.ts';
import { readSecretFile, replaceSecretFile } from './secret-file.ts';

export type Additions = {
  readonly peers: readonly string[];
  /** Name and public key. */
  readonly name?: readonly [name: string, key: string] | undefined;
  readonly groupPassword?: string | undefined;
};

const MEMBERS = { peers: 'Peers', names: 'Names', groupPassword: 'GroupPassword' } as const;

/** False: the file cannot be changed safely, and is as it was. Throws `FILE_…` where it cannot be read or written. */
export function addToConfig(path: string, additions: Additions): boolean {
  const { octets } = readSecretFile(path, (content) => content.includes(OWN_MARK));
  const text = decodeText(octets);
  // UTF-16, or octets that are no text: what is written would not be what was there.
  if (!Buffer.from(text, 'utf8').equals(octets)) return false;
  const changed = withAdditions(text, additions);
  if (changed === undefined) return false;
  parseConfig(changed, path);
  replaceSecretFile(path, changed, lstatSync(path));
  return true;
}

/** The new text; undefined: this text cannot be changed safely. What it holds already must not be among the additions. */
export function withAdditions(text: string, { peers, name, groupPassword }: Additions): string | undefined {
  const before = parsed(text);
  if (before === undefined) return undefined;
  const expected: Members = { ...before };
  let changed: string | undefined = text;
  if (peers.length > 0) {
    const member = nameIn(before, MEMBERS.peers);
    const old = before[member] ?? [];
    if (!Array.isArray(old)) return undefined;
    expected[member] = [...old, ...peers];
    changed = insert(
      changed,
      member,
      peers.map((uri) => JSON.stringify(uri)),
      '[]',
    );
  }
  if (name !== undefined) {
    const member = nameIn(before, MEMBERS.names);
    const old = before[member] ?? {};
    if (!isMembers(old)) return undefined;
    expected[member] = { ...old, [name[0]]: name[1] };
    changed = insert(changed, member, [`${JSON.stringify(name[0])}: ${JSON.stringify(name[1])}`], '{}');
  }
  if (groupPassword !== undefined) {
    const member = nameIn(before, MEMBERS.groupPassword);
    expected[member] = groupPassword;
    changed = setText(changed, member, JSON.stringify(groupPassword));
  }
  if (changed === undefined || !isDeepStrictEqual(parsed(changed), expected)) return undefined;
  return /\r\n/.test(text) ? changed.replace(/\r?\n/g, '\r\n') : changed;
}

function parsed(text: string): Members | undefined {
  try {
    const value: unknown = text.trim() === '' ? {} : Hjson.parse(text);
    return isMembers(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** As it is written there, whatever its case: the last of several counts. */
function nameIn(members: Members, name: string): string {
  return Object.keys(members).findLast((found) => found.toLowerCase() === name.toLowerCase()) ?? name;
}

function memberOf(text: string, name: string): MemberPlace | undefined {
  return objectPlaces(text)?.members.findLast((member) => member.name === name);
}

/** Adds to the list or object `name`, which is made if there is none. */
function insert(
  text: string | undefined,
  name: string,
  additions: readonly string[],
  brackets: '[]' | '{}',
): string | undefined {
  if (text === undefined) return undefined;
  const place = memberOf(text, name)?.value;
  if (place === undefined) {
    const [open, close] = [brackets[0] as string, brackets[1] as string];
    return addMember(text, name, (indent) => {
      return `${open}\n${additions.map((line) => `${indent}  ${line}`).join(',\n')}\n${indent}${close}`;
    });
  }
  const items = itemPlaces(text, place);
  if (items === undefined || text[place.start] !== brackets[0]) return undefined;
  const closing = place.end - 1;
  const last = items.at(-1);
  const isQuoted = last !== undefined && /["'\]}]/.test(text[last.end - 1] ?? '');
  const hasComma = last === undefined || text.slice(last.end, closing).trimStart().startsWith(',');
  // Text without quotes would take a comma for its own; on lines of their own none is needed.
  const comma = hasComma || !isQuoted ? '' : ',';
  const lineStart = text.lastIndexOf('\n', closing) + 1;
  const isOnOwnLine = lineStart > place.start && text.slice(lineStart, closing).trim() === '';
  if (!isOnOwnLine) {
    if (last === undefined) {
      const outer = indentAt(text, place.start);
      const lines = additions.map((line) => `${outer}  ${line}`).join(',\n');
      return `${text.slice(0, closing).trimEnd()}\n${lines}\n${outer}${text.slice(closing)}`;
    }
    const head = text.slice(0, closing).trimEnd();
    return `${head}${comma} ${additions.join(', ')}${text.slice(head.length)}`;
  }
  const indent = last === undefined ? `${indentAt(text, closing)}  ` : indentAt(text, last.start);
  const lines = additions.map((line) => `${indent}${line}`).join(',\n');
  const end = last?.end ?? closing;
  const head =
    last === undefined ? text.slice(0, lineStart) : `${text.slice(0, end)}${comma}${text.slice(end, lineStart)}`;
  return `${head}${lines}\n${text.slice(lineStart)}`;
}

function setText(text: string | undefined, name: string, value: string): string | undefined {
  if (text === undefined) return undefined;
  const place = memberOf(text, name)?.value;
  if (place === undefined) return addMember(text, name, () => value);
  return text.slice(0, place.start) + value + text.slice(place.end);
}

/** As the first member, which needs no look at how the last one ends. */
function addMember(text: string, name: string, value: (indent: string) => string): string | undefined {
  const places = objectPlaces(text);
  if (places === undefined) return undefined;
  const first = places.members[0];
  const isBraced = places.inside > 0;
  const isStrict = isJson(text);
  const written = isStrict ? JSON.stringify(name) : name;
  const indent = isBraced ? '  ' : '';
  const line = `${indent}${written}: ${value(indent)}${isStrict && first !== undefined ? ',' : ''}\n`;
  if (!isBraced) return line + text;
  const rest = text.slice(places.inside);
  return `${text.slice(0, places.inside)}\n${line}${rest.replace(/^[ \t]*\r?\n/, '')}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The blanks at the start of the line of a place. */
function indentAt(text: string, at: number): string {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart, at))?.[0] ?? '';
}
