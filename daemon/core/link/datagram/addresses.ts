/** Rows of carrier addresses as batches carry them: see `DATAGRAM_ADDRESS`. */
import { DATAGRAM_ADDRESS } from '../../port.ts';

const IP = 16;
const PORT_AT = 20;
const MAPPED_END = 12;

export type AddressRow = Uint8Array;

export function addressRow(addresses: Uint8Array, i: number): AddressRow {
  return addresses.slice(i * DATAGRAM_ADDRESS, (i + 1) * DATAGRAM_ADDRESS);
}

/** What cookies are made for: IP and port, 4 + 2 or 16 + 2 octets; nothing on a carrier without addresses. */
export function carrierAddress(row: AddressRow): Uint8Array {
  if (row.every((octet) => octet === 0)) return row.subarray(0, 0);
  const address = new Uint8Array(isMapped(row) ? 6 : 18);
  address.set(row.subarray(isMapped(row) ? MAPPED_END : 0, IP));
  address.set(row.subarray(PORT_AT, PORT_AT + 2), address.length - 2);
  return address;
}

/** 16 octets: what shares one budget: an IPv4 address, or the /64 of an IPv6 address. */
export function addressGroup(row: AddressRow): Uint8Array {
  const group = row.slice(0, IP);
  if (!isMapped(row)) group.fill(0, 8);
  return group;
}

/** As operators read it: `192.0.2.1:9001`, `[2001:db8::1]:9001`; empty on carriers without addresses. */
export function addressText(row: AddressRow): string {
  if (row.every((octet) => octet === 0)) return '';
  const port = (row[PORT_AT] as number) * 256 + (row[PORT_AT + 1] as number);
  if (isMapped(row)) return `${[...row.subarray(MAPPED_END, IP)].join('.')}:${port}`;
  const words = Array.from({ length: 8 }, (_, i) => ((row[2 * i] as number) << 8) | (row[2 * i + 1] as number));
  return `[${shortest(words)}]:${port}`;
}

/** A URI of the same kind with this address; the same URI on carriers without addresses. */
export function uriAt(uri: string, row: AddressRow): string {
  const text = addressText(row);
  return text === '' ? uri : `${uri.split('://', 1)[0]}://${text}`;
}

/** Never to where one packet reaches many or nobody, nor into the mesh itself; to ourselves only from ourselves. */
export function mayMoveTo(row: Uint8Array, old: AddressRow): boolean {
  if (row[PORT_AT] === 0 && row[PORT_AT + 1] === 0) return false;
  if (isLoopback(row) && !isLoopback(old)) return false;
  if (isMapped(row)) {
    const first = row[12] as number;
    return first !== 0 && first < 224;
  }
  const first = row[0] as number;
  const isMesh = (first & 0xfe) === 0x02;
  const isUnspecified = isZero(row, 16);
  return first !== 0xff && !isMesh && !isUnspecified;
}

function isLoopback(row: Uint8Array): boolean {
  if (isMapped(row)) return row[12] === 127;
  return isZero(row, 15) && row[15] === 1;
}

function isMapped(row: AddressRow): boolean {
  return isZero(row, 10) && row[10] === 0xff && row[11] === 0xff;
}

function isZero(row: AddressRow, count: number): boolean {
  for (let i = 0; i < count; i++) if (row[i] !== 0) return false;
  return true;
}

/** RFC 5952: the longest run of two or more zero words is left out. */
function shortest(words: readonly number[]): string {
  let from = 0;
  let count = 0;
  for (let i = 0, run = 0; i < words.length; i++) {
    run = words[i] === 0 ? run + 1 : 0;
    if (run > count) {
      count = run;
      from = i - run + 1;
    }
  }
  const text = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':');
  return count < 2 ? text(words) : `${text(words.slice(0, from))}::${text(words.slice(from + count))}`;
}
