/** Questions about the next hop, and their answers (README of this folder): inside end-to-end sessions alone. */
import { Reader, Writer } from './cursor.ts';
import { readPath, writePath } from './path.ts';
import { APP } from './query.ts';

/** Where a packet to `dest` at the coordinates `path` goes on, if it comes with this watermark. */
export type HopQuestion = { token: number; watermark: number; dest: Uint8Array; path: Uint8Array };

/** `distance`: in the tree, from who answers to the destination. */
export type HopAnswer =
  | { token: number; state: 'here' | 'dead end'; distance: number; next: undefined }
  | { token: number; state: 'next'; distance: number; next: Uint8Array };

const QUESTION = 0x54;
const ANSWER = 0x55;
const STATES = ['here', 'next', 'dead end'] as const;
/** Of a packet that has not been anywhere. */
export const HOP_WATERMARK_FRESH = 0xffff;
const KEY = 32;

/** `packet` begins with its application type. */
export function isHopMessage(buffer: Uint8Array, at: number, end: number): boolean {
  return end - at >= 2 && buffer[at] === APP.query && (buffer[at + 1] === QUESTION || buffer[at + 1] === ANSWER);
}

export function writeHopQuestion({ token, watermark, dest, path }: HopQuestion): Uint8Array {
  const writer = new Writer(new Uint8Array(9 + KEY + path.length)).u8(APP.query).u8(QUESTION);
  writer.u32(token).u16(watermark).octets(dest);
  writePath(writer, path);
  return writer.written();
}

export function readHopQuestion(packet: Uint8Array): HopQuestion | undefined {
  const reader = new Reader(packet);
  const isQuestion = reader.u8() === APP.query && reader.u8() === QUESTION;
  const question = { token: reader.u32(), watermark: reader.u16(), dest: reader.octets(KEY), path: readPath(reader) };
  return isQuestion && reader.isDone ? question : undefined;
}

export function writeHopAnswer({ token, state, distance, next }: HopAnswer): Uint8Array {
  const writer = new Writer(new Uint8Array(9 + KEY)).u8(APP.query).u8(ANSWER);
  writer.u32(token).u8(STATES.indexOf(state)).u16(distance);
  if (next !== undefined) writer.octets(next);
  return writer.written();
}

export function readHopAnswer(packet: Uint8Array): HopAnswer | undefined {
  const reader = new Reader(packet);
  const isAnswer = reader.u8() === APP.query && reader.u8() === ANSWER;
  const token = reader.u32();
  const state = STATES[reader.u8()];
  const distance = reader.u16();
  const next = state === 'next' ? reader.octets(KEY) : undefined;
  if (!isAnswer || !reader.isDone || state === undefined) return undefined;
  if (state !== 'next') return { token, state, distance, next: undefined };
  return next === undefined ? undefined : { token, state, distance, next };
}
