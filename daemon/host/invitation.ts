/** What an invitation holds, and its text (the README here, "Invitations"). */

import { isIP } from 'node:net';
import { bech32m } from '@scure/base';
import { RatatoskError } from '../core/error.ts';
import { ipv6Octets } from '../wire/ipv6-text.ts';
import { addressText, hexText } from './address.ts';
import { printable } from './printable.ts';

export type Endpoint = {
  readonly scheme: Scheme;
  /** An address without brackets, or a name. */
  readonly host: string;
  readonly port: number;
  /** Empty, or begins with a slash. */
  readonly path: string;
  /** Empty: none. */
  readonly password: string;
  /** 64 hex digits, or empty; of udp only. */
  readonly psk: string;
};

export type Invitation = {
  readonly key: Uint8Array;
  readonly endpoints: readonly Endpoint[];
  /** Empty: none. */
  readonly groupPassword: string;
  /** Empty: none. */
  readonly name: string;
};

const CODES = { tcp: 1, tls: 2, ws: 3, wss: 4, udp: 5 } as const;
export type Scheme = keyof typeof CODES;
export const INVITED_SCHEMES = Object.keys(CODES) as readonly Scheme[];

export const ENDPOINTS_MAX = 8;
const HEAD = 'ratatosk';
const TEXT_MAX = 1_024;
const VERSION = 1;
const KEY_OCTETS = 32;
const PSK_OCTETS = 32;
const PASSWORD_MAX = 64;
const NAME_MAX = 63;
const PLACE_MAX = 200;
const PLACE_FORM = /^[!-~]+$/;
const PLACE_BANNED = /[?#@"'\\]/;
const RECORD = { address: 1, place: 2, password: 3, psk: 4, groupPassword: 5, name: 6 } as const;

/** Throws `INVITATION` if it cannot be said in so many characters. */
export function invitationText({ key, endpoints, groupPassword, name }: Invitation): string {
  const octets: number[] = [VERSION, ...key];
  const put = (type: number, value: Uint8Array | readonly number[], most: number, what: string): void => {
    if (value.length > most) throw fault(`${what} has ${value.length} octets, an invitation holds ${most}`);
    octets.push(type, value.length, ...value);
  };
  if (endpoints.length > ENDPOINTS_MAX) throw fault(`it holds ${ENDPOINTS_MAX} endpoints, not ${endpoints.length}`);
  let [password, psk] = ['', ''];
  for (const endpoint of endpoints) {
    const wanted = endpoint.scheme === 'udp' ? endpoint.psk : psk;
    if (endpoint.password !== password)
      put(RECORD.password, Buffer.from(endpoint.password), PASSWORD_MAX, 'a password');
    if (wanted !== psk) put(RECORD.psk, Buffer.from(wanted, 'hex'), PSK_OCTETS, 'a psk');
    [password, psk] = [endpoint.password, wanted];
    const head = [CODES[endpoint.scheme], endpoint.port >> 8, endpoint.port & 0xff];
    const address = endpoint.path === '' ? addressOctets(endpoint.host) : undefined;
    const place = Buffer.from(hostText(endpoint.host) + endpoint.path);
    if (address !== undefined) put(RECORD.address, [...head, ...address], 19, 'an address');
    else put(RECORD.place, [...head, ...place], head.length + PLACE_MAX, 'an endpoint');
  }
  if (groupPassword !== '') put(RECORD.groupPassword, Buffer.from(groupPassword), PASSWORD_MAX, 'GroupPassword');
  if (name !== '') put(RECORD.name, nameOctets(name), NAME_MAX, 'a name');
  const text = bech32m.encode(HEAD, bech32m.toWords(Uint8Array.from(octets)), false);
  if (text.length > TEXT_MAX) throw fault(`it would have ${text.length} characters, at most ${TEXT_MAX} are possible`);
  return text;
}

/** Throws `INVITATION`, saying what is wrong. Nothing of the text is shown: it may hold secrets. */
export function readInvitation(text: string): Invitation {
  const joined = text.replace(/[\s-]/g, '');
  if (joined === '') throw fault('it is empty');
  if (joined.length > TEXT_MAX) throw fault(`it has ${joined.length} characters, at most ${TEXT_MAX} are possible`);
  const octets = octetsOf(joined);
  if (octets[0] !== VERSION)
    throw fault(`it is of version ${octets[0] ?? 'none'}, made by a newer ratatosk: update this one`);
  if (octets.length < 1 + KEY_OCTETS) throw fault('it holds no whole key');
  return readRecords(octets.slice(1, 1 + KEY_OCTETS), octets.subarray(1 + KEY_OCTETS));
}

/** With the key and the secrets, as `Peers` holds it. */
export function endpointUri({ scheme, host, port, path, password, psk }: Endpoint, key: Uint8Array): string {
  const secret = psk !== '' ? `&psk=${psk}` : password !== '' ? `&password=${encodeURIComponent(password)}` : '';
  return `${scheme}://${hostText(host)}:${port}${path}?key=${hexText(key)}${secret}`;
}

export function hasSecrets({ endpoints, groupPassword }: Invitation): boolean {
  return groupPassword !== '' || endpoints.some(({ password, psk }) => password !== '' || psk !== '');
}

/** Of Bech32m (BIP 350), without its bound of 90 characters: in longer texts all mistakes but one in 2^30 are noticed. */
function octetsOf(text: string): Uint8Array {
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) throw fault('small letters and capitals are mixed in it');
  if (!lower.startsWith(`${HEAD}1`)) throw fault(`it does not begin with ${HEAD}1`);
  if (!/^[02-9ac-hj-np-z]*$/.test(lower.slice(HEAD.length + 1))) {
    throw fault('it holds a character that is none of its digits: a part is mistyped');
  }
  const words = wordsOf(lower);
  if (words === undefined) throw fault('its checksum is wrong: a part is missing or mistyped');
  const octets = bech32m.fromWordsUnsafe(words);
  if (!(octets instanceof Uint8Array)) throw fault('it ends within an octet: whoever made it made a mistake');
  return octets;
}

function wordsOf(text: string): number[] | undefined {
  try {
    return bech32m.decode(text as `${string}1${string}`, false).words;
  } catch {
    return undefined;
  }
}

function readRecords(key: Uint8Array, octets: Uint8Array): Invitation {
  const endpoints: Endpoint[] = [];
  let [password, psk, groupPassword, name] = ['', '', '', ''];
  let count = 0;
  for (let at = 0; at < octets.length; ) {
    const [type = 0, length = 0] = octets.subarray(at, at + 2);
    const value = octets.subarray(at + 2, at + 2 + length);
    if (octets.length - at < 2 || value.length < length) throw fault('its last record is cut off');
    at += 2 + length;
    if (type === RECORD.password) password = textOf(value, PASSWORD_MAX, 'a password');
    else if (type === RECORD.psk) psk = pskOf(value);
    else if (type === RECORD.groupPassword) groupPassword = textOf(value, PASSWORD_MAX, 'GroupPassword');
    else if (type === RECORD.name) name = nameOf(value);
    else if (type === RECORD.address || type === RECORD.place) {
      if (++count > ENDPOINTS_MAX) throw fault(`it holds more than ${ENDPOINTS_MAX} endpoints`);
      const place = placeOf(type, value);
      if (place !== undefined) endpoints.push({ ...place, password, psk: place.scheme === 'udp' ? psk : '' });
    }
  }
  if (endpoints.length === 0) throw fault('it holds no endpoint that this version can connect to');
  return { key, endpoints, groupPassword, name };
}

type Place = Pick<Endpoint, 'scheme' | 'host' | 'port' | 'path'>;

/** Undefined: of a scheme to come. */
function placeOf(type: number, value: Uint8Array): Place | undefined {
  const [code, high = 0, low = 0] = value;
  const rest = value.subarray(3);
  const port = (high << 8) | low;
  if (rest.length === 0 || port === 0) throw fault('an endpoint in it lacks its host or its port');
  const found = type === RECORD.address ? addressOf(rest) : hostOf(rest);
  const scheme = INVITED_SCHEMES.find((name) => CODES[name] === code);
  return scheme === undefined ? undefined : { scheme, port, ...found };
}

function addressOf(octets: Uint8Array): Pick<Place, 'host' | 'path'> {
  if (octets.length === 4) return { host: octets.join('.'), path: '' };
  if (octets.length !== 16) throw fault(`an address in it has ${octets.length} octets, expected 4 or 16`);
  if (isMesh(octets)) throw fault('an endpoint in it is an address of the mesh, which is reached through a link only');
  return { host: addressText(octets), path: '' };
}

function hostOf(octets: Uint8Array): Pick<Place, 'host' | 'path'> {
  const text = Buffer.from(octets).toString('latin1');
  if (text.length > PLACE_MAX || !PLACE_FORM.test(text) || PLACE_BANNED.test(text)) {
    throw fault('an endpoint in it has a host that is none');
  }
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const address = /^\[(.*)\]$/.exec(host)?.[1];
  if (address === undefined ? !/^[^:[\]]+$/.test(host) : isIP(address) !== 6) {
    throw fault('an endpoint in it has a host that is none');
  }
  if (address !== undefined) addressOf(ipv6Octets(address));
  return { host: address ?? host, path: slash < 0 ? '' : text.slice(slash) };
}

/** 200::/7 */
export function isMesh(address: Uint8Array): boolean {
  return address.length === 16 && ((address[0] as number) & 0xfe) === 2;
}

function pskOf(value: Uint8Array): string {
  if (value.length !== 0 && value.length !== PSK_OCTETS)
    throw fault(`a psk in it has ${value.length} octets, expected 32`);
  return hexText(value);
}

function nameOf(value: Uint8Array): string {
  const name = textOf(value, NAME_MAX, 'its name');
  if (printable(name) !== name) throw fault('its name holds control characters');
  return name;
}

function textOf(value: Uint8Array, most: number, what: string): string {
  if (value.length > most) throw fault(`${what} has ${value.length} octets, at most ${most} are possible`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    throw fault(`${what} is no text`);
  }
}

/** Names are a courtesy: a long one is cut, at a character. */
function nameOctets(name: string): Uint8Array {
  let short = printable(name);
  while (Buffer.byteLength(short) > NAME_MAX) short = [...short].slice(0, -1).join('');
  return Buffer.from(short);
}

function addressOctets(host: string): Uint8Array | undefined {
  const family = isIP(host);
  if (family === 4) return Uint8Array.from(host.split('.').map(Number));
  return family === 6 && !host.includes('%') ? ipv6Octets(host) : undefined;
}

function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function fault(problem: string): RatatoskError {
  return new RatatoskError('INVITATION', `this invitation cannot be used: ${problem}`);
}
