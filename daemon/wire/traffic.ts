/** Traffic: the one frame of the hot path (sections 4.1, 4.8). It is never copied into an object; a view points into it. */
import { Reader, uvarintSize, Writer } from './cursor.ts';
import { FRAME, FRAME_PREFIX_MAX } from './frame.ts';
import { PATH_MAX_OCTETS, readPath } from './path.ts';

/** Octets before the payload: prefix, type, two paths with their ends, two keys, watermark. */
export const TRAFFIC_HEAD_MAX = FRAME_PREFIX_MAX + 1 + 2 * (PATH_MAX_OCTETS + 1) + 64 + 10;

/** Where the parts of a Traffic body lie. Filled by `readTraffic`, used again for the next one. */
export type TrafficView = {
  buffer: Uint8Array;
  /** Coordinates of the destination, minimal, without terminator. */
  path: Uint8Array;
  /** Coordinates of the source, likewise. */
  from: Uint8Array;
  sourceAt: number;
  destAt: number;
  watermarkAt: number;
  watermarkHigh: number;
  watermarkLow: number;
  payloadAt: number;
  end: number;
};

export function trafficView(): TrafficView {
  const none = new Uint8Array(0);
  return {
    buffer: none,
    path: none,
    from: none,
    sourceAt: 0,
    destAt: 0,
    watermarkAt: 0,
    watermarkHigh: 0,
    watermarkLow: 0,
    payloadAt: 0,
    end: 0,
  };
}

/** False for a malformed body; the view is then meaningless. */
export function readTraffic(buffer: Uint8Array, start: number, end: number, view: TrafficView): boolean {
  const reader = new Reader(buffer, start, end);
  view.path = readPath(reader);
  view.from = readPath(reader);
  const sourceAt = reader.pos;
  const watermarkAt = sourceAt + 64;
  if (!reader.ok || watermarkAt > end) return false;
  reader.pos = watermarkAt;
  reader.uvarintHalves();
  view.buffer = buffer;
  view.sourceAt = sourceAt;
  view.destAt = sourceAt + 32;
  view.watermarkAt = watermarkAt;
  view.watermarkHigh = reader.high;
  view.watermarkLow = reader.low;
  view.payloadAt = reader.pos;
  view.end = end;
  return reader.ok;
}

/**
 * Puts a smaller watermark into a Traffic body in place: what stands before it moves towards the payload, the payload
 * stays. Returns the body's new start.
 */
export function lowerWatermark(view: TrafficView, bodyStart: number, watermark: number): number {
  const size = uvarintSize(0, watermark);
  const shift = view.payloadAt - view.watermarkAt - size;
  if (shift > 0) view.buffer.copyWithin(bodyStart + shift, bodyStart, view.watermarkAt);
  new Writer(view.buffer, view.watermarkAt + shift).uvarint(watermark);
  return bodyStart + shift;
}

/** Octets of a Traffic frame before its payload, prefix included. */
export function trafficHeadSize(path: Uint8Array, from: Uint8Array, watermark: number, payloadLength: number): number {
  const rest = 1 + path.length + 1 + from.length + 1 + 64 + uvarintSize(0, watermark);
  return uvarintSize(0, rest + payloadLength) + rest;
}

/** Writes prefix, type and head; the payload of `payloadLength` octets follows. */
export function writeTrafficHead(
  writer: Writer,
  path: Uint8Array,
  from: Uint8Array,
  source: Uint8Array,
  dest: Uint8Array,
  watermark: number,
  payloadLength: number,
): void {
  const rest = 1 + path.length + 1 + from.length + 1 + 64 + uvarintSize(0, watermark);
  writer.uvarint(rest + payloadLength).u8(FRAME.traffic);
  writer.octets(path).u8(0).octets(from).u8(0).octets(source).octets(dest).uvarint(watermark);
}
