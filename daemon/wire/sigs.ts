/** SigReq and SigRes: asking a peer to sign that we are its child (sections 4.1 to 4.3). */
import { Reader, type Writer } from './cursor.ts';

export type SigReq = { seq: bigint; nonce: bigint };
export type SigRes = { seq: bigint; nonce: bigint; port: bigint; psig: Uint8Array };

export function readSigReq(body: Uint8Array): SigReq | undefined {
  const reader = new Reader(body);
  const message = { seq: reader.uvarint(), nonce: reader.uvarint() };
  return reader.isDone ? message : undefined;
}

export function writeSigReq(writer: Writer, message: SigReq): void {
  writer.uvarint(message.seq).uvarint(message.nonce);
}

export function readSigRes(body: Uint8Array): SigRes | undefined {
  const reader = new Reader(body);
  const message = {
    seq: reader.uvarint(),
    nonce: reader.uvarint(),
    port: reader.uvarint(),
    psig: reader.octets(64),
  };
  return reader.isDone ? message : undefined;
}

export function writeSigRes(writer: Writer, message: SigRes): void {
  writer.uvarint(message.seq).uvarint(message.nonce).uvarint(message.port).octets(message.psig);
}
