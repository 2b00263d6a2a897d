/** QR codes on a terminal: two modules a character. */
import encodeQR from 'qr';

/** Light modules around the code (ISO/IEC 18004 asks for four): on a light ground readers need them. */
const BORDER = 4;
/** Upper module first; light modules are drawn, since most terminals are dark. */
const BLOCKS = ['\u2588', '\u2580', '\u2584', ' '] as const;

/** Text of digits, capitals and ` $%*+-./:` only; the lowest level of correction, since screens have no scratches. */
export function qrLines(text: string): string[] {
  const rows = encodeQR(text, 'raw', { ecc: 'low', encoding: 'alphanumeric', border: BORDER });
  const lines: string[] = [];
  for (let y = 0; y < rows.length; y += 2) {
    const below = rows[y + 1];
    const line = (rows[y] ?? []).map((isDark, x) => BLOCKS[(isDark ? 2 : 0) + (below?.[x] === true ? 1 : 0)]);
    lines.push(line.join(''));
  }
  return lines;
}

/** White on black whatever the terminal's own colours are. */
export function inItsColours(line: string): string {
  return `\u001b[97;40m${line}\u001b[0m`;
}
