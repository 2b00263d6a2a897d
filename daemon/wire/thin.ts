/** Thin gossip: what two nodes of ours tell each other besides the reference's frames, so that those are few (see README). */
import { Reader, type Writer } from './cursor.ts';
import { FRAME } from './frame.ts';
import { readPath, writePath } from './path.ts';

/** Frame types; only on links whose both ends offered `FEATURE.thinGossip`. */
export const THIN = { stance: 0x40, place: 0x41, forget: 0x42, card: 0x43 } as const;

/** Whether a frame belongs into the control stream of a datagram link. */
export function isControlFrame(type: number, isThin: boolean): boolean {
  return (type >= FRAME.sigReq && type <= FRAME.bloomFilter) || (isThin && type >= THIN.stance && type <= THIN.card);
}

const LEAF = 1;
const RENEWALS = 2;

/** What the sender wants to hear. */
export type Stance = {
  /** It has no other peer: its place is all it needs. */
  isLeaf: boolean;
  /** Somebody behind it forgets announcements that are not renewed. */
  wantsRenewals: boolean;
  /** Of the tree that the sender is in when it says so. */
  root: Uint8Array;
};

/** Where the receiver is, as the child of the sender: what stands in for its whole ancestry. */
export type Place = { root: Uint8Array; coords: Uint8Array };

/** Later versions may add flags and octets. */
export function readStance(body: Uint8Array): Stance | undefined {
  const reader = new Reader(body);
  const flags = reader.u8();
  const root = reader.octets(32);
  return reader.ok
    ? { isLeaf: (flags & LEAF) !== 0, wantsRenewals: (flags & RENEWALS) !== 0, root: root.slice() }
    : undefined;
}

export function writeStance(writer: Writer, { isLeaf, wantsRenewals, root }: Stance): void {
  writer.u8((isLeaf ? LEAF : 0) | (wantsRenewals ? RENEWALS : 0)).octets(root);
}

export function readPlace(body: Uint8Array): Place | undefined {
  const reader = new Reader(body);
  const place = { root: reader.octets(32).slice(), coords: readPath(reader).slice() };
  return reader.isDone ? place : undefined;
}

export function writePlace(writer: Writer, { root, coords }: Place): void {
  writer.octets(root);
  writePath(writer, coords);
}

/** With what the gateway answers lookups for a leaf: the number and signature of a notify about the place that it gave it. */
export type Card = { seq: bigint; sig: Uint8Array };

export function readCard(body: Uint8Array): Card | undefined {
  const reader = new Reader(body);
  const card = { seq: reader.uvarint(), sig: reader.octets(64).slice() };
  return reader.isDone ? card : undefined;
}

export function writeCard(writer: Writer, { seq, sig }: Card): void {
  writer.uvarint(seq).octets(sig);
}

/** The key that the sender holds no announcement of. */
export function readForget(body: Uint8Array): Uint8Array | undefined {
  return body.length === 32 ? body.slice() : undefined;
}
