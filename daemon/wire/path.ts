/**
 * Paths: ports as uvarints, ended by a zero (section 0). In memory a path is its minimal uvarints without the zero,
 * so that 64-bit ports stay exact and two paths compare octet by octet.
 */
import { Reader, type Writer } from './cursor.ts';

/** More hops than this are dropped by whoever reads them; no real tree is as deep. */
export const PATH_MAX_HOPS = 255;

/** Longest path in octets without its terminator. */
export const PATH_MAX_OCTETS = PATH_MAX_HOPS * 10;

/** A view where the encoding is minimal, else a re-encoded copy. */
export function readPath(reader: Reader): Uint8Array {
  const start = reader.pos;
  let isMinimal = true;
  for (;;) {
    const at = reader.pos;
    reader.uvarintHalves();
    if (!reader.ok) return reader.buffer.subarray(0, 0);
    const last = reader.buffer[reader.pos - 1] as number;
    if (last === 0 && reader.pos - at > 1) isMinimal = false;
    if (reader.low === 0 && reader.high === 0) {
      return isMinimal ? reader.buffer.subarray(start, at) : reencode(reader.buffer, start, at);
    }
  }
}

export function writePath(writer: Writer, path: Uint8Array): void {
  writer.octets(path).u8(0);
}

/** Number of ports in the octets `start..end` of a path. */
export function hopCount(path: Uint8Array, start = 0, end = path.length): number {
  let hops = 0;
  for (let i = start; i < end; i++) if ((path[i] as number) < 0x80) hops++;
  return hops;
}

/** Number of leading ports that two paths share; b from `bStart` to `bEnd`. */
export function commonHops(a: Uint8Array, b: Uint8Array, bStart = 0, bEnd = b.length): number {
  const length = Math.min(a.length, bEnd - bStart);
  let hops = 0;
  for (let i = 0; i < length; i++) {
    const octet = a[i] as number;
    if (octet !== b[bStart + i]) break;
    if (octet < 0x80) hops++;
  }
  return hops;
}

/** Distance in the tree (section 4.5). */
export function treeDistance(a: Uint8Array, b: Uint8Array): number {
  return hopCount(a) + hopCount(b) - 2 * commonHops(a, b);
}

/** A path of one hop or more, as its last port and what leads there. */
export function splitPath(path: Uint8Array): { parent: Uint8Array; port: bigint } {
  let at = path.length - 1;
  while (at > 0 && (path[at - 1] as number) >= 0x80) at--;
  return { parent: path.subarray(0, at), port: new Reader(path, at).uvarint() };
}

/** Ports as text: they are 64-bit. */
export function pathPorts(path: Uint8Array): string[] {
  const ports: string[] = [];
  let value = 0n;
  let shift = 0n;
  for (const octet of path) {
    value |= BigInt(octet & 0x7f) << shift;
    shift += 7n;
    if (octet < 0x80) {
      ports.push(value.toString());
      value = 0n;
      shift = 0n;
    }
  }
  return ports;
}

/** Copies whole uvarints, leaving out the octets that only lengthen them. */
function reencode(buffer: Uint8Array, start: number, end: number): Uint8Array {
  const out = new Uint8Array(end - start);
  let size = 0;
  let portAt = 0;
  for (let i = start; i < end; i++) {
    const octet = buffer[i] as number;
    out[size++] = octet;
    if (octet >= 0x80) continue;
    while (size - portAt > 1 && out[size - 1] === 0) {
      size--;
      out[size - 1] = (out[size - 1] as number) & 0x7f;
    }
    portAt = size;
  }
  return out.slice(0, size);
}
