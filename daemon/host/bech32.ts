/**
 * Octets as text with a checksum: Bech32m (BIP 350), without its bound of 90 characters. Up to that length any four wrong
 * digits are noticed; in longer texts all but one in 2^30.
 */

const DIGITS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const BECH32M = 0x2bc830a3;
const CHECK_DIGITS = 6;

/** In small letters. `head` is ASCII in small letters. */
export function bech32mText(head: string, octets: Uint8Array): string {
  const digits = regroup(octets, 8, 5);
  const check = remainder([...headDigits(head), ...digits, ...Array<number>(CHECK_DIGITS).fill(0)]) ^ BECH32M;
  for (let i = CHECK_DIGITS - 1; i >= 0; i--) digits.push((check >> (5 * i)) & 31);
  return `${head}1${digits.map((digit) => DIGITS[digit]).join('')}`;
}

export type Bech32mFault = 'head' | 'case' | 'digit' | 'checksum' | 'padding';

/** The octets, or what is wrong. */
export function bech32mOctets(head: string, text: string): Uint8Array | Bech32mFault {
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) return 'case';
  if (!lower.startsWith(`${head}1`)) return 'head';
  const digits = [...lower.slice(head.length + 1)].map((digit) => DIGITS.indexOf(digit));
  if (digits.includes(-1)) return 'digit';
  if (digits.length < CHECK_DIGITS || remainder([...headDigits(head), ...digits]) !== BECH32M) return 'checksum';
  const data = digits.slice(0, -CHECK_DIGITS);
  const restBits = (5 * data.length) % 8;
  const rest = (data.at(-1) ?? 0) & ((1 << restBits) - 1);
  if (restBits > 4 || rest !== 0) return 'padding';
  return Uint8Array.from(regroup(data, 5, 8).slice(0, Math.floor((5 * data.length) / 8)));
}

/** Groups of so many bits as groups of so many others; the last is filled with zeros. */
function regroup(groups: Iterable<number>, from: number, to: number): number[] {
  const found: number[] = [];
  let value = 0;
  let bits = 0;
  for (const group of groups) {
    value = (value << from) | group;
    bits += from;
    while (bits >= to) {
      bits -= to;
      found.push(value >> bits);
      value &= (1 << bits) - 1;
    }
  }
  if (bits > 0) found.push(value << (to - bits));
  return found;
}

function headDigits(head: string): number[] {
  const codes = [...head].map((letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

/** Of the polynomial whose coefficients the digits are. */
function remainder(digits: readonly number[]): number {
  let check = 1;
  for (const digit of digits) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ digit;
    GENERATOR.forEach((term, i) => {
      if (((top >> i) & 1) === 1) check ^= term;
    });
  }
  return check;
}
