/** Peer and listener URIs: `scheme://host:port[/path][?options]` (section 2.1). */
import { isIP } from 'node:net';
import { RatatoskError } from '../core/error.ts';
import type { LinkOptions, LinkUri, ProxyUser } from './link.ts';
import { isModemScheme, type ModemScheme, modemOptionNames, parseModemOptions } from './modem-options.ts';
import { KINDS, PLANNED_SCHEMES } from './schemes.ts';

/** Password octets; the hash is keyed with them. */
const PASSWORD_MAX = 64;
const PRIORITY_MAX = 255;
/** Paths multiply it by their hops; more than a quarter of an hour is no link. */
const COST_MAX = 1_000_000;
const BACKOFF_MIN_MS = 5_000;
const URI_MAX = 4_096;
/** What a `sockaddr_un` holds, less its end. */
const FILE_MAX = 107;
/** Of SOCKS5: lengths are one octet. */
const FIELD_MAX = 255;
const EMPTY: Uint8Array = new Uint8Array(0);

type Purpose = 'dial' | 'listen';

/** Throws `URI_INVALID` or `SCHEME_UNKNOWN`, naming what is wrong and what is expected. */
export function parseUri(text: string, purpose: Purpose): LinkUri {
  const fail = (problem: string): never => {
    throw new RatatoskError('URI_INVALID', `Cannot use ${shownUri(text)}: ${withoutPassword(problem)}`);
  };
  if (text.length > URI_MAX) fail(`it is longer than ${URI_MAX} characters`);
  if (/\p{Cc}/u.test(text)) fail('it holds a control character');
  if (text.includes('#')) fail("'#' begins what is no part of a URI: write %23 for it");
  const [name, query = ''] = splitOnce(text, '?');
  if (/\s/.test(name)) fail('it holds a blank');
  const colon = name.indexOf('://');
  if (colon < 1) return fail('expected scheme://host:port, such as tcp://192.0.2.1:9001');
  const scheme = name.slice(0, colon).toLowerCase();
  const kind = KINDS.get(scheme);
  if (kind === undefined) throw unknownScheme(text, scheme);
  if (purpose === 'listen' && !kind.canListen) {
    fail(`one cannot listen on ${scheme}://${scheme === 'wss' ? '; listen on ws:// behind a web server' : ''}`);
  }
  const [authority, rest] = splitOnce(name.slice(colon + 3), '/');
  const path = rest === undefined ? '' : `/${rest}`;
  const nobody = { host: '', port: 0, path, target: undefined, user: undefined, name };
  const place =
    kind.place === 'file'
      ? { ...nobody, path: parseFile(authority, path, fail) }
      : kind.place === 'proxy'
        ? { ...nobody, ...parseProxy(name, authority, rest, fail) }
        : kind.place === 'device'
          ? { ...nobody, ...parseDevice(scheme, authority, path, kind.defaultPort, fail) }
          : { ...nobody, ...parseAuthority(authority, kind.defaultPort, purpose, fail) };
  const modem = isModemScheme(scheme) ? scheme : undefined;
  const parsed = parseOptions(query, kind.isDatagram, modem, fail);
  if (kind.isDatagram) checkDatagram(scheme, rest, parsed.options, purpose, fail);
  return { scheme, ...place, ...parsed };
}

/** A URI without its options and without a user, which may be secrets. */
export function shownUri(text: string): string {
  const name = text.slice(0, 200).split('?')[0] ?? '';
  return withoutPassword(name.replace(/\/\/.*@/, '//…@').replace(/\p{Cc}/gu, '\u{fffd}'));
}

/** Options end up elsewhere when their '?' is missing. */
function withoutPassword(text: string): string {
  return text.replace(/(password|psk)=.*/is, '$1=…');
}

function unknownScheme(text: string, scheme: string): RatatoskError {
  const known = [...KINDS.keys()].map((name) => `${name}://`).join(', ');
  const problem = PLANNED_SCHEMES.includes(scheme)
    ? `${scheme}:// is not supported yet`
    : `there is no scheme '${withoutPassword(scheme)}'`;
  return new RatatoskError('SCHEME_UNKNOWN', `Cannot use ${shownUri(text)}: ${problem}; expected one of ${known}`);
}

type Fail = (problem: string) => never;

/** `unix:///path/of/the.sock` */
function parseFile(authority: string, path: string, fail: Fail): string {
  if (authority !== '' || path.length < 2)
    fail('expected the path of a file, with three slashes: unix:///run/peer.sock');
  const file = decode(path) ?? fail('the path is not well encoded');
  if (/\p{Cc}/u.test(file)) fail('the path holds a control character');
  const length = Buffer.byteLength(file);
  if (length > FILE_MAX) fail(`the path has ${length} octets, the system takes ${FILE_MAX}`);
  return file;
}

/** `rnode:///dev/ttyUSB0`, or `rnode://192.0.2.1:7633` */
function parseDevice(
  scheme: string,
  authority: string,
  path: string,
  defaultPort: number | undefined,
  fail: Fail,
): Pick<LinkUri, 'host' | 'port' | 'path'> {
  if (authority !== '') {
    if (path.length > 1) fail('a path has no meaning behind a host; a device has three slashes');
    return { ...parseAuthority(authority, defaultPort, 'dial', fail), path: '' };
  }
  if (path.length < 2) fail(`expected the path of a device, with three slashes: ${scheme}:///dev/ttyUSB0`);
  const file = decode(path) ?? fail('the path is not well encoded');
  if (/\p{Cc}/u.test(file)) fail('the path holds a control character');
  return { host: '', port: 0, path: file };
}

type Proxy = Pick<LinkUri, 'host' | 'port' | 'target' | 'user' | 'name'>;

/** `socks://[user:password@]proxy:port/host:port`; the user is left out of the name. */
function parseProxy(name: string, authority: string, rest: string | undefined, fail: Fail): Proxy {
  const at = authority.lastIndexOf('@');
  const { host, port } = parseAuthority(authority.slice(at + 1), undefined, 'dial', fail);
  const [wanted = ''] = (rest ?? '').split('/');
  if (wanted === '') fail('it names nobody behind the proxy: socks://proxy:1080/host:port');
  const target = parseAuthority(wanted, undefined, 'dial', fail);
  if (Buffer.byteLength(target.host) > FIELD_MAX) fail(`the host is longer than ${FIELD_MAX} octets`);
  if (target.host.includes('%')) fail('a zone means nothing to a proxy');
  const user = at < 0 ? undefined : parseUser(authority.slice(0, at), fail);
  return { host, port, target, user, name: name.replace(authority, authority.slice(at + 1)) };
}

function parseUser(text: string, fail: Fail): ProxyUser {
  const [name = EMPTY, password = EMPTY] = splitOnce(text, ':').map((part = '') => {
    const octets = Buffer.from(decode(part) ?? fail('user or password are not well encoded'));
    if (octets.length > FIELD_MAX) fail(`user or password are longer than ${FIELD_MAX} octets`);
    return octets;
  });
  if (name.length === 0) fail('the user of the proxy has no name');
  return { name, password };
}

function parseAuthority(
  authority: string,
  defaultPort: number | undefined,
  purpose: Purpose,
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
  // Without a host a listener takes connections on every address.
  if (address === '' && purpose === 'dial') fail('it names no host');
  if (after === '' && defaultPort !== undefined) return { host: address, port: defaultPort };
  const digits = after.slice(1);
  const port = Number(digits);
  if (!/^:\d{1,5}$/.test(after) || port > 65_535) fail(`found '${digits}' for the port, expected a number up to 65535`);
  if (port === 0 && purpose === 'dial') fail('port 0 is for listeners, which then get a free one');
  return { host: address, port };
}

/** A URI's without any. */
export const NO_OPTIONS: LinkOptions = {
  keys: [],
  priority: 0,
  cost: undefined,
  password: new Uint8Array(0),
  sni: undefined,
  maxBackoffMs: undefined,
  origins: [],
  psk: undefined,
  isSlow: false,
};

const OPTIONS = ['key', 'priority', 'cost', 'password', 'sni', 'maxbackoff', 'origin'];
const DATAGRAM_OPTIONS = [...OPTIONS, 'psk', 'slow'];
/** What has a meaning for modems. */
const COMMON_OPTIONS = ['key', 'password', 'psk', 'priority', 'cost'];

/** Of an option that stands there twice and can have one value only, the first counts; an empty one is none. */
function parseOptions(
  query: string,
  isDatagram: boolean,
  modemScheme: ModemScheme | undefined,
  fail: Fail,
): Pick<LinkUri, 'options' | 'otherQuery' | 'modem'> {
  const own = modemScheme === undefined ? [] : modemOptionNames(modemScheme);
  const names = [...(isDatagram ? DATAGRAM_OPTIONS : OPTIONS), ...own];
  const given = new Map<string, string[]>(names.map((name) => [name, []]));
  const others: string[] = [];
  for (const pair of query.split('&')) {
    const [rawName, raw = ''] = splitOnce(pair, '=');
    const name = decodeForm(rawName) ?? '';
    const values = given.get(name);
    if (values !== undefined) values.push(decodeForm(raw) ?? fail(`the option ${name} is not well encoded`));
    else if (modemScheme !== undefined && pair !== '') {
      fail(
        `there is no option '${name.slice(0, 40)}' of ${modemScheme}://; expected some of ${[...COMMON_OPTIONS, ...own].join(' ')}`,
      );
    } else if (pair !== '') others.push(pair);
  }
  const all = (name: string): string[] => given.get(name) ?? [];
  const first = (name: string): string => all(name)[0] ?? '';
  const sni = first('sni');
  const options = {
    keys: all('key').map((value) => parseKey(value, fail)),
    priority: parsePriority(first('priority'), fail),
    cost: parseCost(first('cost'), fail),
    password: parsePassword(first('password'), fail),
    sni: sni === '' || isIP(sni) !== 0 ? undefined : sni,
    maxBackoffMs: parseBackoff(first('maxbackoff'), fail),
    origins: all('origin'),
    psk: parsePsk(first('psk'), fail),
    isSlow: parseSlow(first('slow'), fail),
  };
  const otherQuery = others.join('&');
  if (modemScheme === undefined) return { options, otherQuery };
  return { options, otherQuery, modem: parseModemOptions(modemScheme, first, fail) };
}

/** A stranger's key cannot be asked for: who dials must know whom. */
function checkDatagram(
  scheme: string,
  rest: string | undefined,
  { keys, password, psk }: LinkOptions,
  purpose: Purpose,
  fail: Fail,
): void {
  if (password.length > 0 && psk !== undefined) fail('password and psk exclude each other: give one of them');
  // Whoever has the same psk is met by its beacon; with keys, those peers and nobody else.
  if (isModemScheme(scheme)) return;
  if (rest !== undefined && rest !== '') fail(`a path has no meaning on ${scheme}://`);
  if (purpose === 'dial' && keys.length === 0) fail(`it lacks the key of the peer: add ?key= and its 64 digits`);
  if (purpose === 'dial' && keys.length > 1) fail(`found ${keys.length} keys, expected one`);
  if (purpose === 'listen' && keys.length > 0) fail('key is for peers: who may come in is said by AllowedPublicKeys');
}

/** What was found is not told: it might be a private key. */
function parseKey(value: string, fail: Fail): Uint8Array {
  if (value.length !== 64) fail(`key: found ${value.length} characters, expected 64 hexadecimal digits`);
  if (!/^[0-9a-f]*$/i.test(value)) fail('key: found something else than hexadecimal digits');
  return Uint8Array.from(Buffer.from(value, 'hex'));
}

function parsePriority(value: string, fail: Fail): number {
  if (value === '') return 0;
  if (!/^\d{1,3}$/.test(value) || Number(value) > PRIORITY_MAX) fail(`priority: found '${value}', expected 0 to 255`);
  return Number(value);
}

function parseCost(value: string, fail: Fail): number | undefined {
  if (value === '') return undefined;
  const cost = Number(value);
  if (!/^\d{1,7}$/.test(value) || cost < 1 || cost > COST_MAX) {
    return fail(`cost: found '${value}', expected 1 to ${COST_MAX} (milliseconds)`);
  }
  return cost;
}

function parsePassword(value: string, fail: Fail): Uint8Array {
  const octets = new TextEncoder().encode(value);
  if (octets.length > PASSWORD_MAX) fail(`password: found ${octets.length} octets, expected at most ${PASSWORD_MAX}`);
  return octets;
}

/** Like a key it is never told. */
function parsePsk(value: string, fail: Fail): Uint8Array | undefined {
  if (value === '') return undefined;
  if (!/^[0-9a-f]{64}$/i.test(value)) fail('psk: expected 64 hexadecimal digits');
  return Uint8Array.from(Buffer.from(value, 'hex'));
}

function parseSlow(value: string, fail: Fail): boolean {
  if (value !== '' && value !== 'halow') fail(`slow: found '${value}', expected halow`);
  return value === 'halow';
}

function parseBackoff(value: string, fail: Fail): number | undefined {
  if (value === '') return undefined;
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

/** In a query '+' stands for a blank. */
function decodeForm(text: string): string | undefined {
  return decode(text.replaceAll('+', ' '));
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Both sides of the first separator; the second is undefined if there is none. */
function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
