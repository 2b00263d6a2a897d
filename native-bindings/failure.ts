import { getSystemErrorName } from 'node:util';
import { RatatoskError } from '../daemon/core/error.ts';

/** What the system refused: `result` is a negative errno, `remedies` says what helps against which. */
export function failure(
  code: string,
  result: number,
  attempt: string,
  remedies: Record<string, string>,
): RatatoskError {
  const name = getSystemErrorName(result);
  const cause = Object.assign(new Error(name), { code: name, errno: result });
  const remedy = remedies[name];
  return new RatatoskError(code, `Cannot ${attempt}: ${name}${remedy === undefined ? '' : ` (${remedy})`}`, { cause });
}
