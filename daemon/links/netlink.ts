/**
 * What the kernel tells about its network: rtnetlink messages, one behind the other in a buffer, in the byte order of the
 * machine (rtnetlink(7)). Only what a link can suffer from is read.
 */
import { endianness } from 'node:os';

export type NetworkNews =
  /** An interface came, went, or changed in any way. */
  | { readonly kind: 'interface' }
  /** Addresses as eight groups of four hexadecimal digits, or as four decimals. */
  | { readonly kind: 'addressAdded'; readonly address: string }
  | { readonly kind: 'addressRemoved'; readonly address: string }
  | { readonly kind: 'route' };

const HEADER = 16;
const NEW_LINK = 16;
const DEL_LINK = 17;
const NEW_ADDRESS = 20;
const DEL_ADDRESS = 21;
const NEW_ROUTE = 24;
const DEL_ROUTE = 25;

const ADDRESS_BODY = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

const ROUTE_BODY = 12;
const TABLE_LOCAL = 255;
/** Unicast, and the three ways to have no way: blackhole, unreachable, prohibit. */
const ROUTE_TYPES: readonly number[] = [1, 6, 7, 8];
/** Of the cache, not of a table. */
const ROUTE_CLONED = 0x200;

const isLittle = endianness() === 'LE';

/** What does not parse is left out, with all that follows it. */
export function readNetlink(octets: Uint8Array): NetworkNews[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const news: NetworkNews[] = [];
  for (let at = 0; at + HEADER <= octets.length; ) {
    const length = view.getUint32(at, isLittle);
    if (length < HEADER || at + length > octets.length) break;
    const one = readMessage(view, at, length);
    if (one !== undefined) news.push(one);
    at += aligned(length);
  }
  return news;
}

function readMessage(view: DataView, at: number, length: number): NetworkNews | undefined {
  const type = view.getUint16(at + 4, isLittle);
  const [body, end] = [at + HEADER, at + length];
  switch (type) {
    case NEW_LINK:
    case DEL_LINK:
      return { kind: 'interface' };
    case NEW_ADDRESS:
    case DEL_ADDRESS: {
      const address = body + ADDRESS_BODY > end ? undefined : addressIn(view, body + ADDRESS_BODY, end);
      if (address === undefined) return undefined;
      return { kind: type === NEW_ADDRESS ? 'addressAdded' : 'addressRemoved', address };
    }
    case NEW_ROUTE:
    case DEL_ROUTE:
      return body + ROUTE_BODY <= end && isRoute(view, body) ? { kind: 'route' } : undefined;
    default:
      return undefined;
  }
}

/** Routes of the table `local` come and go with their addresses. */
function isRoute(view: DataView, body: number): boolean {
  const isLocal = view.getUint8(body + 4) === TABLE_LOCAL;
  const isWay = ROUTE_TYPES.includes(view.getUint8(body + 7));
  const isCached = (view.getUint32(body + 8, isLittle) & ROUTE_CLONED) !== 0;
  return isWay && !isLocal && !isCached;
}

/** On a line with two ends the attribute `local` is ours and the other one theirs. */
function addressIn(view: DataView, attributes: number, end: number): string | undefined {
  let found: string | undefined;
  for (let at = attributes; at + 4 <= end; ) {
    const length = view.getUint16(at, isLittle);
    if (length < 4 || at + length > end) break;
    const type = view.getUint16(at + 2, isLittle);
    if (type === IFA_LOCAL || (type === IFA_ADDRESS && found === undefined)) {
      found = addressText(view, at + 4, length - 4) ?? found;
    }
    at += aligned(length);
  }
  return found;
}

function addressText(view: DataView, at: number, length: number): string | undefined {
  if (length === 4) return [0, 1, 2, 3].map((i) => view.getUint8(at + i)).join('.');
  if (length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i));
  return groups.map((group) => group.toString(16).padStart(4, '0')).join(':');
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
