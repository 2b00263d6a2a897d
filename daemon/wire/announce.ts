/** Announce: a node's place in the tree, signed by itself and its parent (sections 4.1, 4.2). */
import { Reader, Writer } from './cursor.ts';

export type Announce = {
  key: Uint8Array;
  parent: Uint8Array;
  seq: bigint;
  nonce: bigint;
  port: bigint;
  psig: Uint8Array;
  sig: Uint8Array;
};

export function readAnnounce(body: Uint8Array): Announce | undefined {
  const reader = new Reader(body);
  const message = {
    key: reader.octets(32),
    parent: reader.octets(32),
    seq: reader.uvarint(),
    nonce: reader.uvarint(),
    port: reader.uvarint(),
    psig: reader.octets(64),
    sig: reader.octets(64),
  };
  return reader.isDone ? message : undefined;
}

export function writeAnnounce(writer: Writer, message: Announce): void {
  writer.octets(message.key).octets(message.parent);
  writer.uvarint(message.seq).uvarint(message.nonce).uvarint(message.port);
  writer.octets(message.psig).octets(message.sig);
}

/** What both signatures of an Announce, and that of a SigRes, cover. */
export function announceSigned(
  child: Uint8Array,
  parent: Uint8Array,
  fields: { seq: bigint; nonce: bigint; port: bigint },
): Uint8Array {
  const writer = new Writer(new Uint8Array(94));
  writer.octets(child).octets(parent);
  return writer.uvarint(fields.seq).uvarint(fields.nonce).uvarint(fields.port).written();
}
