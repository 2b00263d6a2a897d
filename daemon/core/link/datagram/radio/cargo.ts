/** What records carry on radio, one frame each: kept until the other side says that its record has come, put into another if not. */
import { uvarintSize, type Writer } from '../../../../wire/cursor.ts';
import { FRAG_HEAD, LINK_FRAME, writeCtrl, writeFragHead } from '../../../../wire/link-frames.ts';

/** What a message has in common with its other fragments. Times are those of the channel, see `Clock`. */
export type Message = {
  /** It is of no use after that. */
  readonly untilMs: number;
  /** One of its fragments will never arrive. */
  isGivenUp: boolean;
  /** Somebody's, and of one record: he may wait for an answer. */
  readonly isTyped: boolean;
};

export type Cargo =
  | { readonly kind: 'control'; readonly octets: Uint8Array; readonly offset: number; sendings: number }
  | { readonly kind: 'message'; readonly octets: Uint8Array; readonly message: Message; sendings: number }
  | {
      readonly kind: 'fragment';
      readonly octets: Uint8Array;
      readonly message: Message;
      readonly id: number;
      readonly index: number;
      readonly last: number;
      sendings: number;
    };

/** Octets of its frame with others behind it. A fragment is always the last of its record. */
export function cargoSize(cargo: Cargo): number {
  const { length } = cargo.octets;
  switch (cargo.kind) {
    case 'control':
      return controlHead(cargo.offset, length) + length;
    case 'message':
      return 1 + uvarintSize(0, length) + length;
    case 'fragment':
      return FRAG_HEAD + length;
  }
}

/** Octets of its frame at the end of a record. */
export function lastCargoSize(cargo: Cargo): number {
  return cargo.kind === 'message' ? 1 + cargo.octets.length : cargoSize(cargo);
}

export function controlHead(offset: number, length: number): number {
  return 1 + uvarintSize(Math.floor(offset / 2 ** 32), offset >>> 0) + uvarintSize(0, length);
}

export function writeCargo(writer: Writer, cargo: Cargo, isLast: boolean): void {
  switch (cargo.kind) {
    case 'control':
      return writeCtrl(writer, cargo.offset, cargo.octets);
    case 'message':
      if (isLast) writer.u8(LINK_FRAME.msg);
      else writer.u8(LINK_FRAME.msgl).uvarint(cargo.octets.length);
      writer.octets(cargo.octets);
      return;
    case 'fragment':
      writeFragHead(writer, cargo.id, cargo.index, cargo.last);
      writer.octets(cargo.octets);
  }
}
