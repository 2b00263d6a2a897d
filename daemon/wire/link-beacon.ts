/** The BEACON of datagram links (link document, section 3.3): who may be reached by datagrams here. */
import { Reader, Writer } from './cursor.ts';

const TYPE = 0xa4;
const MAC = 16;
/** The octets that the mac is made of. */
const BODY = 1 + 1 + 32 + 2;
export const LINK_BEACON_SIZE = BODY + MAC;

export type LinkBeacon = {
  readonly key: Uint8Array;
  /** The largest frame that its sender can receive. */
  readonly rxMtu: number;
  /** What the mac is made of, and the mac. */
  readonly body: Uint8Array;
  readonly mac: Uint8Array;
};

/** Flags have no meaning yet, and are covered by the mac. */
export function readLinkBeacon(packet: Uint8Array): LinkBeacon | undefined {
  const reader = new Reader(packet);
  const type = reader.u8();
  reader.u8();
  const [key, rxMtu, mac] = [reader.octets(32), reader.u16(), reader.octets(MAC)];
  if (!reader.isDone || type !== TYPE) return undefined;
  return { key, rxMtu, body: packet.subarray(0, BODY), mac };
}

/** `mac` gives at least 16 octets for the body. */
export function writeLinkBeacon(key: Uint8Array, rxMtu: number, mac: (body: Uint8Array) => Uint8Array): Uint8Array {
  const packet = new Uint8Array(LINK_BEACON_SIZE);
  new Writer(packet).u8(TYPE).u8(0).octets(key).u16(rxMtu);
  packet.set(mac(packet.subarray(0, BODY)).subarray(0, MAC), BODY);
  return packet;
}
