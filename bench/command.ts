/** What the command lines of all benchmarks share: `--help`, numbers that are checked, and errors of one line. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

export type Command<O extends Options> = {
  /** Behind `npm run`; further lines say what the options mean. */
  readonly usage: string;
  readonly options: O;
  /** How many words may follow, least and most. */
  readonly words: readonly [least: number, most: number];
  readonly main: (flags: Values<O>, words: readonly string[]) => Promise<void> | void;
};

/** Sets the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function command<const O extends Options>({ usage, options, words, main }: Command<O>): Promise<void> {
  const args = process.argv.slice(2);
  try {
    if (args.includes('--help') || args.includes('-h')) process.stdout.write(`Usage: npm run ${usage}\n`);
    else await main(...read(args, options, words));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isUsage = error instanceof UsageError;
    process.stderr.write(`bench: ${message}${isUsage ? `\nUsage: npm run ${usage.split('\n')[0]}` : ''}\n`);
    process.exitCode = isUsage ? 2 : 1;
  }
}

function read<const O extends Options>(
  args: string[],
  options: O,
  [least, most]: readonly [number, number],
): [Values<O>, string[]] {
  let parsed: { values: Values<O>; positionals: string[] };
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    // Node appends how to pass words that look like options.
    throw new UsageError((error as Error).message.split('. ')[0] ?? '');
  }
  const { positionals, values } = parsed;
  if (positionals.length > most) throw new UsageError(`unexpected argument '${positionals[most]}'`);
  if (positionals.length < least) throw new UsageError('an argument is missing');
  return [values, positionals];
}

class UsageError extends Error {}

/** The command line itself is wrong. */
export function wrongUsage(message: string): Error {
  return new UsageError(message);
}

/** A number of an option, within bounds. */
export function numberOf(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new UsageError(`--${option}: found '${text}', expected a number from ${least} to ${most}`);
}
