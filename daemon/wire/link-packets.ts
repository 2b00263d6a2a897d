/** Packets of a datagram link outside its encryption (link document, section 3). Integers are big-endian. */
import { Reader, Writer } from './cursor.ts';

/** The first octet of a packet. `dataRest`: 16 bits of the counter, then what of its burst is still to come. */
export const PACKET = {
  init: 0xa1,
  resp: 0xa2,
  cookie: 0xa3,
  beacon: 0xa4,
  data16: 0xc0,
  data32: 0xc1,
  dataRest: 0xc2,
} as const;

export const MAC = 16;
/** With neither mac: 1 type, 4 index, 32 ephemeral, 48 static, 38 payload. */
export const INIT_MAC1_AT = 123;
export const INIT_SIZE = INIT_MAC1_AT + MAC;
/** 1 type, 4 index, 32 ephemeral, 36 payload. */
export const RESP_MAC1_AT = 73;
export const RESP_SIZE = RESP_MAC1_AT + MAC;
/** 1 type, 4 index, 16 nonce, 32 sealed cookie. */
export const COOKIE_SIZE = 53;
export const COOKIE_NONCE_AT = 5;
export const COOKIE_SEALED_AT = 21;
/** Where the Noise message of INIT and RESP begins; the octets before it go into the prologue. */
export const NOISE_AT = 5;
export const INDEX_AT = 1;

export const PAYLOAD1 = 22;
export const PAYLOAD2 = 20;
/** Ironwood as in Yggdrasil 0.5. */
export const CARRIED_IRONWOOD = 5;
/** Section 3.4. */
export const FEATURE = { repair: 1, shortHeaders: 4, thinGossip: 8 } as const;
/** A side that receives less than this takes no part. */
export const RX_MTU_MIN = 200;

/** 2 octets boot number, 2 octets link number. */
export type Instance = number;

export type Payload1 = {
  /** Top bit of the initiator's identity. */
  readonly sign: number;
  readonly carried: number;
  readonly features: number;
  readonly rxMtu: number;
  readonly priority: number;
  readonly carrierClass: number;
  /** Unix milliseconds, 48 bits. */
  readonly timestamp: number;
  readonly instance: Instance;
  /** The responder's instance as last known; 0 if unknown. */
  readonly peerInstance: Instance;
};

export type Payload2 = {
  /** The responder's index: what the initiator writes into its DATA. */
  readonly index: number;
  readonly carried: number;
  readonly features: number;
  readonly rxMtu: number;
  readonly priority: number;
  readonly carrierClass: number;
  readonly instance: Instance;
  /** The initiator's instance. */
  readonly echo: Instance;
};

const TWO_32 = 0x1_0000_0000;

export function readPayload1(octets: Uint8Array): Payload1 | undefined {
  const reader = new Reader(octets);
  const payload = {
    sign: reader.u8() & 1,
    carried: reader.u8(),
    features: reader.u16(),
    rxMtu: reader.u16(),
    priority: reader.u8(),
    carrierClass: reader.u8(),
    timestamp: reader.u16() * TWO_32 + reader.u32(),
    instance: reader.u32(),
    peerInstance: reader.u32(),
  };
  return reader.isDone ? payload : undefined;
}

export function writePayload1(payload: Payload1): Uint8Array {
  const writer = new Writer(new Uint8Array(PAYLOAD1));
  writer.u8(payload.sign).u8(payload.carried).u16(payload.features).u16(payload.rxMtu);
  writer.u8(payload.priority).u8(payload.carrierClass);
  writer.u16(Math.floor(payload.timestamp / TWO_32)).u32(payload.timestamp % TWO_32);
  return writer.u32(payload.instance).u32(payload.peerInstance).written();
}

export function readPayload2(octets: Uint8Array): Payload2 | undefined {
  const reader = new Reader(octets);
  const index = reader.u32();
  reader.u8();
  const payload = {
    index,
    carried: reader.u8(),
    features: reader.u16(),
    rxMtu: reader.u16(),
    priority: reader.u8(),
    carrierClass: reader.u8(),
    instance: reader.u32(),
    echo: reader.u32(),
  };
  return reader.isDone ? payload : undefined;
}

export function writePayload2(payload: Payload2): Uint8Array {
  const writer = new Writer(new Uint8Array(PAYLOAD2));
  writer.u32(payload.index).u8(0).u8(payload.carried).u16(payload.features).u16(payload.rxMtu);
  writer.u8(payload.priority).u8(payload.carrierClass);
  return writer.u32(payload.instance).u32(payload.echo).written();
}

/** The first octets of INIT and RESP: type and index. */
export function writeHead(type: number, index: number): Uint8Array {
  return new Writer(new Uint8Array(NOISE_AT)).u8(type).u32(index).written();
}

/** The index behind the first octet; the caller has checked the length. */
export function indexOf(packet: Uint8Array, at = 0): number {
  const a = (packet[at + 1] as number) * 0x100_0000;
  return a + (((packet[at + 2] as number) << 16) | ((packet[at + 3] as number) << 8) | (packet[at + 4] as number));
}

/** Octets of DATA before the ciphertext; 0 for another type. */
export function dataHeader(type: number): number {
  return type === PACKET.data32 ? 9 : type === PACKET.data16 ? 7 : type === PACKET.dataRest ? 8 : 0;
}

/** Where `dataRest` has the rest of its burst, in units that follow from the bit rate; the highest value: as much or more. */
export const REST_AT = 7;
export const REST_MAX = 0xff;

/** One unit of it, in ms. */
export function restUnitMs(bitsPerSecond: number): number {
  return Math.max(REST_UNIT.ms, (REST_UNIT.bits * 1_000) / bitsPerSecond);
}

const REST_UNIT = { ms: 32, bits: 56 };

/** A packet of DATA has at least an empty ciphertext's tag. */
export const TAG = 16;

/** The low bits of the counter: 16 or 32 of them, by the type. The caller has checked the length. */
export function counterLow(packet: Uint8Array, at: number, type: number): number {
  const high = ((packet[at + 5] as number) << 8) | (packet[at + 6] as number);
  if (type !== PACKET.data32) return high;
  return high * 0x1_0000 + (((packet[at + 7] as number) << 8) | (packet[at + 8] as number));
}

/** Writes the header of DATA, which is its associated data as well; nothing is to come behind it, unless somebody writes so. */
export function writeDataHeader(target: Uint8Array, at: number, type: number, index: number, counter: number): void {
  target[at] = type;
  target[at + 1] = index >>> 24;
  target[at + 2] = index >>> 16;
  target[at + 3] = index >>> 8;
  target[at + 4] = index;
  const low = counter % TWO_32;
  if (type !== PACKET.data32) {
    target[at + 5] = low >>> 8;
    target[at + 6] = low;
    if (type === PACKET.dataRest) target[at + REST_AT] = 0;
    return;
  }
  target[at + 5] = low >>> 24;
  target[at + 6] = low >>> 16;
  target[at + 7] = low >>> 8;
  target[at + 8] = low;
}

export type CookiePacket = { readonly index: number; readonly nonce: Uint8Array; readonly sealed: Uint8Array };

export function readCookie(packet: Uint8Array): CookiePacket | undefined {
  if (packet.length !== COOKIE_SIZE || packet[0] !== PACKET.cookie) return undefined;
  const nonce = packet.subarray(COOKIE_NONCE_AT, COOKIE_SEALED_AT);
  return { index: indexOf(packet), nonce, sealed: packet.subarray(COOKIE_SEALED_AT) };
}

export function writeCookie({ index, nonce, sealed }: CookiePacket): Uint8Array {
  const writer = new Writer(new Uint8Array(COOKIE_SIZE));
  return writer.u8(PACKET.cookie).u32(index).octets(nonce).octets(sealed).written();
}
