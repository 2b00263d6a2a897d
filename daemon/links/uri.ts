/** Peer and listener URIs: `scheme://host:port[/path][?options]` (section 2.1). */
import { isIP } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import type { LinkOptions, LinkUri } from './link.ts';
import { KINDS, PLANNED_SCHEMES } from './schemes.ts';

/** Password octets; the hash is keyed with them. */
const PASSWORD_MAX = 64;
const BACKOFF_MIN_MS = 5_000;
const URI_MAX = 4_096;

/** Throws `URI_INVALID` or `SCHEME_UNKNOWN`, naming what is wrong and what is expected. */
export function parseUri(text: string, purpose: 'dial' | 'listen'): LinkUri {
  const fail = (problem: string): never => {
    throw new RatatoskError('URI_INVALID', `Cannot use ${shown(text)}: ${problem}`);
  };
  if (text.length > URI_MAX) fail('it is too long');
  const colon = text.indexOf('://');
  if (colon < 1) return fail('expected scheme://host:port, such as tcp://192.0.2.1:9001');
  const scheme = text.slice(0, colon).toLowerCase();
  const kind = KINDS.get(scheme);
  if (kind === undefined) throw unknownScheme(text, scheme);
  if (purpose === 'listen' && !kind.canListen) fail(`one cannot listen on ${scheme}://`);
  const [name = '', query = ''] = splitOnce(text, '?');
  const [authority, rest] = splitOnce(name.slice(colon + 3), '/');
  const { host, port } = parseAuthority(authority ?? '', kind.defaultPort, fail);
  const { options, otherQuery } = parseOptions(query, fail);
  return { scheme, host, port, path: rest === undefined ? '' : `/${rest}`, name, otherQuery, options };
}

/** A URI without its options, which may hold secrets. */
function shown(text: string): string {
  return text.slice(0, 200).split('?')[0] ?? '';
}

function unknownScheme(text: string, scheme: string): RatatoskError {
  const known = [...KINDS.keys()].map((name) => `${name}://`).join(', ');
  const problem = PLANNED_SCHEMES.includes(scheme)
    ? `${scheme}:// is not supported yet`
    : `there is no scheme '${scheme}'`;
  return new RatatoskError('SCHEME_UNKNOWN', `Cannot use ${shown(text)}: ${problem}; expected one of ${known}`);
}

type Fail = (problem: string) => never;

function parseAuthority(
  authority: string,
  defaultPort: number | undefined,
  fail: Fail,
): { host: string; port: number } {
  if (authority.includes('@')) fail('a user name has no meaning here');
  const isBracketed = authority.startsWith('[');
  const end = isBracketed ? authority.indexOf(']') : authority.lastIndexOf(':');
  if (isBracketed && end < 0) fail("the address lacks its ']'");
  const host = isBracketed ? authority.slice(1, end) : end < 0 ? authority : authority.slice(0, end);
  const after = isBracketed ? authority.slice(end + 1) : end < 0 ? '' : authority.slice(end);
  // A zone is written %eth0, or %25eth0 where somebody was strict.
  const address = host.replace('%25', '%');
  if (isBracketed && isIP(address) !== 6) fail(`'${host}' is no IPv6 address`);
  if (!isBracketed && host.includes(':')) fail('an IPv6 address stands in brackets: [2001:db8::1]:9001');
  if (address === '') fail('it names no host');
  if (after === '' && defaultPort !== undefined) return { host: address, port: defaultPort };
  const digits = after.slice(1);
  const port = Number(digits);
  if (!/^\d{1,5}$/.test(digits) || port > 65_535) fail(`found '${digits}' for the port, expected a number up to 65535`);
  return { host: address, port };
}

function parseOptions(query: string, fail: Fail): { options: LinkOptions; otherQuery: string } {
  const keys: Uint8Array[] = [];
  const origins: string[] = [];
  const others: string[] = [];
  let priority = 0;
  let password: Uint8Array = new Uint8Array(0);
  let sni: string | undefined;
  let maxBackoffMs: number | undefined;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [name = '', raw = ''] = splitOnce(pair, '=');
    const value = decode(raw, () => fail(`the option ${name} is not well encoded`));
    if (name === 'key') keys.push(parseKey(value, fail));
    else if (name === 'priority') priority = parsePriority(value, fail);
    else if (name === 'password') password = parsePassword(value, fail);
    else if (name === 'sni') sni = isIP(value) === 0 ? value : undefined;
    else if (name === 'maxbackoff') maxBackoffMs = parseBackoff(value, fail);
    else if (name === 'origin') origins.push(value);
    else others.push(pair);
  }
  return { options: { keys, priority, password, sni, maxBackoffMs, origins }, otherQuery: others.join('&') };
}

function parseKey(value: string, fail: Fail): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(value)) fail(`key: found '${value.slice(0, 80)}', expected 64 hexadecimal digits`);
  return Uint8Array.from(Buffer.from(value, 'hex'));
}

function parsePriority(value: string, fail: Fail): number {
  if (!/^\d{1,3}$/.test(value) || Number(value) > 255) fail(`priority: found '${value}', expected 0 to 255`);
  return Number(value);
}

function parsePassword(value: string, fail: Fail): Uint8Array {
  const octets = new TextEncoder().encode(value);
  if (octets.length > PASSWORD_MAX) fail(`password: found ${octets.length} octets, expected at most ${PASSWORD_MAX}`);
  return octets;
}

function parseBackoff(value: string, fail: Fail): number {
  const ms = durationMs(value);
  if (ms === undefined) return fail(`maxbackoff: found '${value}', expected a duration such as 30s or 1m30s`);
  if (ms < BACKOFF_MIN_MS) fail(`maxbackoff: found ${value}, expected at least 5s`);
  return ms;
}

const UNITS_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Go's duration syntax: decimal numbers, each with its unit. */
export function durationMs(text: string): number | undefined {
  const parts = text.match(/\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)/g);
  if (parts === null || parts.join('') !== text) return undefined;
  let sum = 0;
  for (const part of parts) {
    const number = Number.parseFloat(part);
    sum += number * (UNITS_MS[part.replace(/^[\d.]+/, '')] ?? 0);
  }
  return sum;
}

function decode(text: string, fail: () => never): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return fail();
  }
}

/** Both sides of the first separator; the second is undefined if there is none. */
function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
