/** The beacon of LAN discovery (section 3.1). */
import { Reader, Writer } from './cursor.ts';
import { VERSION_MAJOR, VERSION_MINOR } from './greeting.ts';

const HASH = 64;

export type Beacon = { major: number; minor: number; key: Uint8Array; port: number; hash: Uint8Array };

/** Octets after the hash are ignored, as the reference does. */
export function readBeacon(datagram: Uint8Array): Beacon | undefined {
  const reader = new Reader(datagram);
  const beacon = {
    major: reader.u16(),
    minor: reader.u16(),
    key: reader.octets(32),
    port: reader.u16(),
    hash: reader.octets(reader.u16()),
  };
  return reader.ok && beacon.hash.length === HASH ? beacon : undefined;
}

export function writeBeacon(key: Uint8Array, port: number, hash: Uint8Array): Uint8Array {
  const writer = new Writer(new Uint8Array(4 + 32 + 2 + 2 + HASH));
  writer.u16(VERSION_MAJOR).u16(VERSION_MINOR).octets(key).u16(port).u16(HASH).octets(hash);
  return writer.written();
}
