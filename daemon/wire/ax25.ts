/** The head of an AX.25 UI frame, which most packet radio modems expect around what they send (radio reference, section 2.4). */

/** Destination, source, control, protocol. */
export const AX25_HEADER = 16;
const ADDRESS = 7;
const CALL = 6;
const DESTINATION = 'RTSK';
const UI = 0x03;
const NO_LAYER_3 = 0xf0;
/** Bits of the last octet of an address that are not its number: reserved, and the end of the addresses. */
const RESERVED = 0x60;
const LAST = 0x01;

/** `N0CALL` or `N0CALL-7`. */
export const CALL_FORM = /^[A-Z0-9]{1,6}(-(\d|1[0-5]))?$/;

/** `call` is in its form. */
export function ax25Header(call: string): Uint8Array {
  const header = new Uint8Array(AX25_HEADER);
  putAddress(header, 0, DESTINATION, 0);
  putAddress(header, ADDRESS, call, LAST);
  header[2 * ADDRESS] = UI;
  header[2 * ADDRESS + 1] = NO_LAYER_3;
  return header;
}

/** Whether a frame of ours lies there: with the same destination and no repeaters. */
export function isAx25Ui(frame: Uint8Array, at: number): boolean {
  for (let i = 0; i < CALL; i++) if (frame[at + i] !== letter(DESTINATION, i)) return false;
  const isLast = ((frame[at + 2 * ADDRESS - 1] ?? 0) & LAST) !== 0;
  return isLast && frame[at + 2 * ADDRESS] === UI && frame[at + 2 * ADDRESS + 1] === NO_LAYER_3;
}

function putAddress(target: Uint8Array, at: number, call: string, last: number): void {
  const [name = '', number = '0'] = call.split('-');
  for (let i = 0; i < CALL; i++) target[at + i] = letter(name, i);
  target[at + CALL] = RESERVED | (Number(number) << 1) | last;
}

function letter(name: string, i: number): number {
  return (i < name.length ? name.charCodeAt(i) : 0x20) << 1;
}
