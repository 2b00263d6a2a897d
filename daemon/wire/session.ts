/** Session packets, carried as the payload of Traffic (section 5). */
import { Reader, Writer } from './cursor.ts';

export const SESSION = { init: 1, ack: 2, traffic: 3 } as const;

/** Type, ephemeral key, box of the inner part. */
export const HANDSHAKE_SIZE = 193;
export const HANDSHAKE_INNER = 144;
export const HANDSHAKE_BOX_AT = 33;

/** Type octet and three uvarints. */
export const SESSION_HEAD_MAX = 31;

/** The inner part of an Init or Ack. */
export type Handshake = {
  sig: Uint8Array;
  current: Uint8Array;
  next: Uint8Array;
  keySeq: bigint;
  /** Unix time in seconds. */
  seq: bigint;
};

export function readHandshake(inner: Uint8Array): Handshake | undefined {
  const reader = new Reader(inner);
  const message = {
    sig: reader.octets(64),
    current: reader.octets(32),
    next: reader.octets(32),
    keySeq: reader.u64(),
    seq: reader.u64(),
  };
  return reader.isDone ? message : undefined;
}

export function writeHandshake(message: Handshake): Uint8Array {
  const writer = new Writer(new Uint8Array(HANDSHAKE_INNER));
  writer.octets(message.sig).octets(message.current).octets(message.next);
  return writer.u64(message.keySeq).u64(message.seq).written();
}

/** What `sig` covers, before the group password's preimage is put in front. */
export function handshakeSigned(ephemeral: Uint8Array, fields: Omit<Handshake, 'sig'>): Uint8Array {
  const writer = new Writer(new Uint8Array(112));
  writer.octets(ephemeral).octets(fields.current).octets(fields.next);
  return writer.u64(fields.keySeq).u64(fields.seq).written();
}

/** The head of session Traffic: 64-bit numbers as unsigned halves. */
export type SessionHead = {
  senderHigh: number;
  senderLow: number;
  receiverHigh: number;
  receiverLow: number;
  nonceHigh: number;
  nonceLow: number;
  boxAt: number;
};

export function sessionHead(): SessionHead {
  return { senderHigh: 0, senderLow: 0, receiverHigh: 0, receiverLow: 0, nonceHigh: 0, nonceLow: 0, boxAt: 0 };
}

/** Reads from the octet after the type. False if the uvarints are malformed or less than a tag and a key follow. */
export function readSessionHead(buffer: Uint8Array, start: number, end: number, head: SessionHead): boolean {
  const reader = new Reader(buffer, start, end);
  reader.uvarintHalves();
  head.senderHigh = reader.high;
  head.senderLow = reader.low;
  reader.uvarintHalves();
  head.receiverHigh = reader.high;
  head.receiverLow = reader.low;
  reader.uvarintHalves();
  head.nonceHigh = reader.high;
  head.nonceLow = reader.low;
  head.boxAt = reader.pos;
  return reader.ok && reader.left >= 16 + 32;
}
