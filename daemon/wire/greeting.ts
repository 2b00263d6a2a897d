/** The "meta" message that each side of a stream link sends first (section 2.3). */
import { Reader, Writer } from './cursor.ts';

export const GREETING_HEADER = 6;
/** The reference would read 65 541 octets; no honest greeting comes near this cap. */
export const GREETING_MAX = 4096;
const MAGIC = [0x6d, 0x65, 0x74, 0x61];
const SIGNATURE = 64;

export const VERSION_MAJOR = 0;
export const VERSION_MINOR = 5;

export type Greeting = {
  /** -1 when the field is absent. */
  major: number;
  minor: number;
  key: Uint8Array | undefined;
  priority: number;
  signature: Uint8Array;
};

/** Octets of the whole message, from its first six; undefined for a wrong magic or a length below the signature's. */
export function greetingSize(header: Uint8Array): number | undefined {
  for (let i = 0; i < 4; i++) if (header[i] !== MAGIC[i]) return undefined;
  const length = ((header[4] as number) << 8) | (header[5] as number);
  return length < SIGNATURE ? undefined : GREETING_HEADER + length;
}

/** Fields in any order, unknown ones skipped, the last of a kind counts. `message` is exactly one greeting. */
export function readGreeting(message: Uint8Array): Greeting | undefined {
  if (message.length < GREETING_HEADER || greetingSize(message) !== message.length) return undefined;
  const fieldsEnd = message.length - SIGNATURE;
  const greeting: Greeting = {
    major: -1,
    minor: -1,
    key: undefined,
    priority: 0,
    signature: message.subarray(fieldsEnd),
  };
  const reader = new Reader(message, GREETING_HEADER, fieldsEnd);
  while (reader.left > 0) {
    const type = reader.u16();
    const length = reader.u16();
    const value = reader.octets(length);
    if (!reader.ok) return undefined;
    const field = FIELDS[type];
    if (field === undefined) continue;
    if (length !== field.length) return undefined;
    field.take(greeting, value);
  }
  return greeting;
}

export function writeGreeting(key: Uint8Array, priority: number, signature: Uint8Array): Uint8Array {
  const writer = new Writer(new Uint8Array(GREETING_HEADER + 53 + SIGNATURE));
  for (const octet of MAGIC) writer.u8(octet);
  writer.u16(53 + SIGNATURE);
  writer.u16(0).u16(2).u16(VERSION_MAJOR);
  writer.u16(1).u16(2).u16(VERSION_MINOR);
  writer.u16(2).u16(32).octets(key);
  writer.u16(3).u16(1).u8(priority);
  return writer.octets(signature).written();
}

const FIELDS: readonly { length: number; take: (greeting: Greeting, value: Uint8Array) => void }[] = [
  { length: 2, take: (greeting, value) => (greeting.major = ((value[0] as number) << 8) | (value[1] as number)) },
  { length: 2, take: (greeting, value) => (greeting.minor = ((value[0] as number) << 8) | (value[1] as number)) },
  { length: 32, take: (greeting, value) => (greeting.key = value) },
  { length: 1, take: (greeting, value) => (greeting.priority = value[0] as number) },
];
