/** End-to-end session messages, carried as the payload of Traffic (link document, section 17), and the hello (section 19). */
import { Reader, Writer } from './cursor.ts';
import { APP } from './query.ts';

/** First octets; those of `SESSION` are the reference's. */
export const E2E = { first: 0x20, second: 0x21, data: 0x22, short: 0x23 } as const;
export const E2E_VERSION = 1;

export const FIRST_SIZE = 67;
export const SECOND_SIZE = 65;
/** Type and sid; a Noise message follows. Of `first` they are in the prologue. */
export const NOISE_AT = 5;

/** Type, receiver's sid, low half of the counter: the associated data. */
export const RECORD_HEAD = 9;
export const RECORD_OVERHEAD = RECORD_HEAD + 16;
/** Of short records (README of this folder): type, lowest octet of the sid, low 16 bits of the counter. */
export const SHORT_HEAD = 4;
export const SHORT_OVERHEAD = SHORT_HEAD + 16;

/** Inside the encryption of the first message. */
export type FirstPayload = {
  version: number;
  features: number;
  /** Unix time in ms, 48 bits. */
  timestampMs: number;
  /** Random for each start of a process. */
  instance: number;
};

/** Inside the encryption of the second. */
export type SecondPayload = { sid: number; version: number; features: number; instance: number };

/** `version` 0: speaks no end-to-end session. */
export type Hello = { version: number; features: number };

const HELLO = 0x52;
const ASK = 0x53;

/** Inside an end-to-end session alone: "are you there?" An empty record answers it. */
export const E2E_ASK: Readonly<Uint8Array> = Uint8Array.of(APP.query, ASK);

export function isAsk(buffer: Uint8Array, at: number, end: number): boolean {
  return end - at === 2 && buffer[at] === APP.query && buffer[at + 1] === ASK;
}

export function writeFirstPayload(payload: FirstPayload): Uint8Array {
  const writer = new Writer(new Uint8Array(14)).u8(payload.version).u8(0).u16(payload.features);
  writer.u16(Math.floor(payload.timestampMs / 0x1_0000_0000)).u32(payload.timestampMs % 0x1_0000_0000);
  return writer.u32(payload.instance).written();
}

export function readFirstPayload(octets: Uint8Array): FirstPayload | undefined {
  const reader = new Reader(octets);
  const version = reader.u8();
  reader.u8();
  const features = reader.u16();
  const timestampMs = reader.u16() * 0x1_0000_0000 + reader.u32();
  const instance = reader.u32();
  return reader.isDone ? { version, features, timestampMs, instance } : undefined;
}

export function writeSecondPayload(payload: SecondPayload): Uint8Array {
  const writer = new Writer(new Uint8Array(12)).u32(payload.sid).u8(payload.version).u8(0);
  return writer.u16(payload.features).u32(payload.instance).written();
}

export function readSecondPayload(octets: Uint8Array): SecondPayload | undefined {
  const reader = new Reader(octets);
  const sid = reader.u32();
  const version = reader.u8();
  reader.u8();
  const features = reader.u16();
  const instance = reader.u32();
  return reader.isDone && sid !== 0 ? { sid, version, features, instance } : undefined;
}

/** A message of this type belongs to an end-to-end session: those of the other kind have other types. */
export function isE2e(type: number): boolean {
  return type >= E2E.first && type <= E2E.short;
}

/** A message of this type is a record. */
export function isRecord(type: number): boolean {
  return type === E2E.data || type === E2E.short;
}

/** The sid that a message of any other type begins with. */
export function readSid(buffer: Uint8Array, at: number): number {
  return u32At(buffer, at + 1);
}

/** The low half of a record's counter. */
export function readCounter(buffer: Uint8Array, at: number): number {
  return u32At(buffer, at + NOISE_AT);
}

/** The beginning of a message of any type but `short`. */
export function writeSid(buffer: Uint8Array, at: number, type: number, sid: number): void {
  buffer[at] = type;
  putU32(buffer, at + 1, sid);
}

/** The whole head of a record. */
export function writeRecordHead(buffer: Uint8Array, at: number, sid: number, counterLow: number): void {
  writeSid(buffer, at, E2E.data, sid);
  putU32(buffer, at + NOISE_AT, counterLow);
}

/** The whole head of a short record. */
export function writeShortHead(buffer: Uint8Array, at: number, sid: number, counterLow: number): void {
  buffer[at] = E2E.short;
  buffer[at + 1] = sid;
  buffer[at + 2] = counterLow >>> 8;
  buffer[at + 3] = counterLow;
}

/** Of a short record, the low 16 bits. */
export function readShortCounter(buffer: Uint8Array, at: number): number {
  return ((buffer[at + 2] as number) << 8) | (buffer[at + 3] as number);
}

/** As an application packet of the other session. */
export function writeHello({ version, features }: Hello): Uint8Array {
  return new Writer(new Uint8Array(5)).u8(APP.query).u8(HELLO).u8(version).u16(features).written();
}

/** Undefined for any other application packet. Later versions may add octets. */
export function readHello(buffer: Uint8Array, at: number, end: number): Hello | undefined {
  if (end - at < 5 || buffer[at] !== APP.query || buffer[at + 1] !== HELLO) return undefined;
  const reader = new Reader(buffer, at + 2, end);
  return { version: reader.u8(), features: reader.u16() };
}

// Once for each packet: without objects.

function u32At(buffer: Uint8Array, at: number): number {
  const high = ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
  return high * 0x1_0000 + (((buffer[at + 2] as number) << 8) | (buffer[at + 3] as number));
}

function putU32(buffer: Uint8Array, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}
