/** Of a batch of jobs: their keys, 32 octets a row. */

const KEY = 32;

/** An octet at a time: for so few that costs a third of `set`. */
export function putKey(column: Uint8Array, row: number, key: Uint8Array): void {
  for (let i = 0, at = row * KEY; i < KEY; i++) column[at + i] = key[i] as number;
}

/** What seals and opens has no more use for them. */
export function wipeKeys(column: Uint8Array, rows: number): void {
  column.fill(0, 0, rows * KEY);
}
