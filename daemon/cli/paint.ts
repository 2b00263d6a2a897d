/** Colour, where it is welcome. It never carries meaning alone. */
const CODES = { red: 31, green: 32, yellow: 33, grey: 90, bold: 1 } as const;

/** https://no-color.org: set to anything but nothing. */
export function hasColour(stream: NodeJS.WriteStream = process.stdout): boolean {
  return stream.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';
}

export function paint(colour: keyof typeof CODES, text: string): string {
  return hasColour() ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}
