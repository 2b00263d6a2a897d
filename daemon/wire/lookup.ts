/** PathLookup, PathNotify, PathBroken: finding a node's coordinates (sections 4.1, 4.7). */
import { Reader, Writer } from './cursor.ts';
import { readPath, writePath } from './path.ts';

export type PathLookup = { source: Uint8Array; dest: Uint8Array; from: Uint8Array };

export type PathNotify = {
  path: Uint8Array;
  watermark: bigint;
  source: Uint8Array;
  dest: Uint8Array;
  info: PathNotifyInfo;
};

export type PathNotifyInfo = { seq: bigint; path: Uint8Array; sig: Uint8Array };

export type PathBroken = { path: Uint8Array; watermark: bigint; source: Uint8Array; dest: Uint8Array };

export const WATERMARK_FRESH = 0xffff_ffff_ffff_ffffn;

export function readPathLookup(body: Uint8Array): PathLookup | undefined {
  const reader = new Reader(body);
  const message = { source: reader.octets(32), dest: reader.octets(32), from: readPath(reader) };
  return reader.isDone ? message : undefined;
}

export function writePathLookup(writer: Writer, message: PathLookup): void {
  writer.octets(message.source).octets(message.dest);
  writePath(writer, message.from);
}

export function readPathNotify(body: Uint8Array): PathNotify | undefined {
  const reader = new Reader(body);
  const message = {
    ...readRouted(reader),
    info: { seq: reader.uvarint(), path: readPath(reader), sig: reader.octets(64) },
  };
  return reader.isDone ? message : undefined;
}

export function writePathNotify(writer: Writer, message: PathNotify): void {
  writePathBroken(writer, message);
  writer.uvarint(message.info.seq);
  writePath(writer, message.info.path);
  writer.octets(message.info.sig);
}

export function readPathBroken(body: Uint8Array): PathBroken | undefined {
  const reader = new Reader(body);
  const message = readRouted(reader);
  return reader.isDone ? message : undefined;
}

export function writePathBroken(writer: Writer, message: PathBroken): void {
  writePath(writer, message.path);
  writer.uvarint(message.watermark).octets(message.source).octets(message.dest);
}

/** What `info.sig` of a notify covers. */
export function notifySigned(seq: bigint, path: Uint8Array): Uint8Array {
  const writer = new Writer(new Uint8Array(10 + path.length + 1));
  writer.uvarint(seq);
  writePath(writer, path);
  return writer.written();
}

function readRouted(reader: Reader): PathBroken {
  return {
    path: readPath(reader),
    watermark: reader.uvarint(),
    source: reader.octets(32),
    dest: reader.octets(32),
  };
}
