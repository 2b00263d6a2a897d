/** Where others reach the listeners of this machine. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { parseAddress } from '../host/address.ts';
import { type Endpoint, INVITED_SCHEMES, isMesh, type Scheme } from '../host/invitation.ts';
import type { LinkUri } from '../links/link.ts';
import { parseUri } from '../links/uri.ts';

/** As many links as a node takes from one other. */
const SHOWN_MAX = 4;
const WILDCARDS = ['', '::', '0.0.0.0'];

/** `listeners` as they are open; `configured` as they stand in `Listen`, with their secrets. The best come first. */
export function endpointsOf(
  listeners: readonly string[],
  configured: readonly string[],
  addresses: readonly string[],
): Endpoint[] {
  const rules = configured.map((uri) => parseUri(uri, 'listen'));
  const found = listeners.flatMap((text) => {
    const listener = parseUri(text, 'listen');
    if (!isInvited(listener.scheme)) return [];
    const isOurs = (uri: LinkUri): boolean =>
      uri.scheme === listener.scheme &&
      sameHost(uri.host, listener.host) &&
      (uri.port === listener.port || uri.port === 0);
    const endpoint = endpointOf(listener, rules.find(isOurs) ?? listener);
    return [hostsOf(listener.host, addresses).map((host) => ({ ...endpoint, host }))];
  });
  // Each listener at the best address first: of two, one may be closed on the way.
  const rounds = Array.from({ length: addresses.length + 1 }, (_, i) => found.flatMap((some) => some[i] ?? []));
  return rounds.flat().slice(0, SHOWN_MAX);
}

/** Place from the one, secrets from the other. */
export function endpointOf({ scheme, host, port, path }: LinkUri, { options }: LinkUri): Endpoint {
  return {
    scheme: isInvited(scheme) ? scheme : 'tcp',
    host,
    port,
    path,
    password: new TextDecoder().decode(options.password),
    psk: options.psk === undefined ? '' : Buffer.from(options.psk).toString('hex'),
  };
}

export function isInvited(scheme: string): scheme is Scheme {
  return INVITED_SCHEMES.some((name) => name === scheme);
}

/** Of this machine, those that others may reach: of interfaces with a default route first, global before private ones. */
export function ownAddresses(
  all: NodeJS.Dict<readonly NetworkInterfaceInfo[]> = networkInterfaces(),
  routed: ReadonlySet<string> = routedInterfaces(),
  passing: ReadonlySet<string> = passingAddresses(),
): string[] {
  const found: { address: string; rank: number }[] = [];
  for (const [name, rows = []] of Object.entries(all)) {
    for (const { address, internal } of rows) {
      if (internal || !isReachable(address) || passing.has(address)) continue;
      found.push({
        address,
        rank: (routed.has(name) ? 0 : 4) + (isPrivate(address) ? 2 : 0) + (isIP(address) === 6 ? 0 : 1),
      });
    }
  }
  return found.sort((a, b) => a.rank - b.rank).map(({ address }) => address);
}

function hostsOf(host: string, addresses: readonly string[]): readonly string[] {
  if (!WILDCARDS.includes(host)) return isReachable(host) ? [host] : [];
  return host === '0.0.0.0' ? addresses.filter((address) => isIP(address) === 4) : addresses;
}

function sameHost(a: string, b: string): boolean {
  return a === b || (WILDCARDS.includes(a) && WILDCARDS.includes(b) && a !== '0.0.0.0' && b !== '0.0.0.0');
}

/** Not loopback, not of this link only, not of the mesh. */
function isReachable(address: string): boolean {
  const octets = parseAddress(address);
  if (octets === undefined) return !/^(127\.|169\.254\.|0\.|fe80:|localhost$)/i.test(address);
  const isLoopback = octets.every((octet, i) => octet === (i === 15 ? 1 : 0));
  return !isLoopback && !isMesh(octets) && !(octets[0] === 0xfe && ((octets[1] as number) & 0xc0) === 0x80);
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd])/i.test(address);
}

/** Interfaces that lead to everywhere else. */
function routedInterfaces(): Set<string> {
  const names = new Set<string>();
  for (const line of proc('route').split('\n')) {
    const [name = '', destination] = line.split('\t');
    if (destination === '00000000') names.add(name);
  }
  for (const line of proc('ipv6_route').split('\n')) {
    const fields = line.split(/ +/);
    if (/^0{32}$/.test(fields[0] ?? '') && fields[1] === '00' && fields[9] !== 'lo') names.add(fields[9] ?? '');
  }
  return names;
}

const IFA_F_TEMPORARY = 0x01;
const IFA_F_DEPRECATED = 0x20;

/** Addresses that will soon be others (RFC 8981). */
function passingAddresses(): Set<string> {
  const found = new Set<string>();
  for (const line of proc('if_inet6').split('\n')) {
    const [digits = '', , , , flags = '0'] = line.trim().split(/ +/);
    const isPassing = (Number.parseInt(flags, 16) & (IFA_F_TEMPORARY | IFA_F_DEPRECATED)) !== 0;
    if (isPassing) found.add(new URL(`http://[${digits.replace(/(.{4})(?!$)/g, '$1:')}]`).hostname.slice(1, -1));
  }
  return found;
}

function proc(name: string): string {
  try {
    return readFileSync(`/proc/net/${name}`, 'latin1');
  } catch {
    return '';
  }
}
