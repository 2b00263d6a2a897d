/** Opening a TCP connection the way links need it: the first address that answers, none inside the mesh itself. */
import { lookup } from 'node:dns/promises';
import { BlockList, connect, isIP, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { RatatoskError } from '../core/error.ts';
import { watchAttempt } from './attempt.ts';
import type { LinkUri } from './link.ts';
import { TCP_OPTIONS } from './listen.ts';
import { firstToConnect } from './race.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** A link over the overlay would carry itself; the others are nobody's address. */
const FORBIDDEN = new BlockList();
FORBIDDEN.addSubnet('200::', 7, 'ipv6');
FORBIDDEN.addSubnet('ff00::', 8, 'ipv6');
FORBIDDEN.addAddress('::', 'ipv6');
FORBIDDEN.addSubnet('224.0.0.0', 4, 'ipv4');
FORBIDDEN.addAddress('0.0.0.0', 'ipv4');

/** Rejects with `DIAL_FAILED` naming the last address that failed. Nagle is off, keep-alive too (section 2.1). */
export async function connectTcp(uri: LinkUri, sourceInterface: string, signal: AbortSignal): Promise<Socket> {
  const addresses = await resolveHost(uri, signal);
  const attempt = (address: string, ended: AbortSignal) => connectOne(address, uri.port, sourceInterface, ended);
  if (addresses.length === 0 && !signal.aborted) {
    throw new RatatoskError('DIAL_FAILED', `${uri.host} has no address that a link may use`);
  }
  try {
    return await firstToConnect(addresses, signal, attempt, (socket) => socket.destroy());
  } catch (error) {
    throw new RatatoskError('DIAL_FAILED', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Addresses that a link may use, in the order of the system; IPv6 addresses may have a zone. */
export async function resolveHost(uri: LinkUri, signal: AbortSignal): Promise<string[]> {
  const host = uri.host.split('%')[0] ?? '';
  const found = isIP(host) !== 0 ? [uri.host] : (await resolveName(host, signal)).map(({ address }) => address);
  return found.filter((address) => !isForbidden(address));
}

/** Whether this is an address that no link may use; a name is none. */
export function isForbidden(address: string): boolean {
  const bare = address.split('%')[0] ?? '';
  const family = isIP(bare);
  return family !== 0 && FORBIDDEN.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

function resolveName(host: string, signal: AbortSignal): Promise<{ address: string }[]> {
  return new Promise((resolve, reject) => {
    // A lookup cannot be called off; its answer is no longer waited for.
    const abort = (): void => resolve([]);
    signal.addEventListener('abort', abort);
    const problem = `the name ${host} does not resolve: check the name and the DNS`;
    lookup(host, { all: true, order: 'verbatim' })
      .then(resolve, (cause: unknown) => reject(new RatatoskError('DIAL_FAILED', problem, { cause })))
      .finally(() => signal.removeEventListener('abort', abort));
  });
}

function connectOne(address: string, port: number, sourceInterface: string, signal: AbortSignal): Promise<Socket> {
  const local = sourceInterface === '' ? {} : { localAddress: addressOf(sourceInterface, address) };
  const zoned =
    address.includes('%') || !address.startsWith('fe80') || sourceInterface === ''
      ? address
      : `${address}%${sourceInterface}`;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: zoned, port, ...TCP_OPTIONS, ...local });
    const what = `connecting to ${address}`;
    const settle = watchAttempt({ what, limitMs: CONNECT_TIMEOUT_MS, signal }, (why) => void socket.destroy(why));
    // Stays: until a carrier listens, an error must find somebody.
    socket.on('error', (error) => {
      settle();
      reject(error);
    });
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}

function addressOf(name: string, towards: string): string {
  const family = towards.includes(':') ? 'IPv6' : 'IPv4';
  const isLinkLocal = towards.startsWith('fe80');
  const own = (networkInterfaces()[name] ?? []).find(
    (entry) => entry.family === family && entry.address.startsWith('fe80') === isLinkLocal,
  );
  if (own === undefined) throw new Error(`the interface ${name} has no ${family} address to connect from`);
  return own.address.startsWith('fe80') ? `${own.address}%${name}` : own.address;
}
