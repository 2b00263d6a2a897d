/** What others chose must not move the cursor of a terminal, or its reader's eye: C0, C1, and bidirectional marks go. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\u00b7');
}
