/** Addresses of UDP as rows of a batch (see `DATAGRAM_ADDRESS`), from text and back. */
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { DATAGRAM_ADDRESS } from '../core/port.ts';
import { ipv6Octets } from '../wire/ipv6-text.ts';

const INDEX_AT = 16;
const PORT_AT = 20;

/** `address` may have a zone, the name of an interface. Undefined if it is no address, or no such interface has one. */
export function udpAddress(address: string, port: number): Uint8Array | undefined {
  const [bare = '', zone] = address.split('%');
  const text = isIPv4(bare) ? `::ffff:${bare}` : bare;
  const index = zone === undefined ? 0 : interfaceIndex(zone);
  if (!isIPv6(text) || index === undefined) return undefined;
  const row = new Uint8Array(DATAGRAM_ADDRESS);
  row.set(ipv6Octets(text));
  const view = new DataView(row.buffer);
  // Only there it tells addresses apart.
  if (isLinkLocal(row)) view.setUint32(INDEX_AT, index);
  view.setUint16(PORT_AT, port);
  return row;
}

/** For a socket of `node:dgram`: with the zone where it needs one. */
export function udpText(row: Uint8Array, isIpv4: boolean): { address: string; port: number } {
  const view = new DataView(row.buffer, row.byteOffset, DATAGRAM_ADDRESS);
  const port = view.getUint16(PORT_AT);
  if (isIpv4) return { address: row.subarray(12, 16).join('.'), port };
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i).toString(16));
  const index = view.getUint32(INDEX_AT);
  return { address: index === 0 ? groups.join(':') : `${groups.join(':')}%${interfaceName(index)}`, port };
}

export function isMappedIpv4(row: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (row[i] !== 0) return false;
  return row[10] === 0xff && row[11] === 0xff;
}

function isLinkLocal(row: Uint8Array): boolean {
  return row[0] === 0xfe && ((row[1] ?? 0) & 0xc0) === 0x80;
}

/** Undefined: there is none of this name that has a link-local address; only those tell their scope. */
function interfaceIndex(name: string): number | undefined {
  for (const entry of networkInterfaces()[name] ?? []) {
    if (entry.family === 'IPv6' && entry.scopeid !== 0) return entry.scopeid;
  }
  return undefined;
}

function interfaceName(index: number): string {
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    if (entries.some((entry) => entry.family === 'IPv6' && entry.scopeid === index)) return name;
  }
  return '';
}
