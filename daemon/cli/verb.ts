/** What a verb of the command line is, and the options that several verbs share. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { RatatoskError } from '../core/error.ts';
import { nearestName } from '../host/members.ts';

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
/** `sysexits.h` calls it an internal software error: supervisors start the daemon again. */
export const EXIT_CRASHED = 70;

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export type Verb = {
  /** Behind the name: `[--config FILE]`. */
  readonly usage: string;
  /** Lines behind the usage line; at most 80 columns. */
  readonly help: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** How many words may follow, least and most. */
  readonly words: readonly [least: number, most: number];
  /** What the first word may be, where it is one of a few. */
  readonly actions?: readonly string[];
  /** The first word is an address, a key or a name. */
  readonly hasTarget?: boolean;
  /** Gives the exit code; failures are thrown. */
  run(options: OptionValues, words: readonly string[]): Promise<number>;
};

/** The command line itself is wrong: ends with exit code 2. */
export function usageError(message: string): RatatoskError {
  return new RatatoskError('USAGE', message);
}

export function parseVerb(verb: Verb, args: readonly string[]): { options: OptionValues; words: readonly string[] } {
  const options = { ...verb.options, help: { type: 'boolean', short: 'h' } } as const;
  let parsed: { values: OptionValues; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true }) as typeof parsed;
  } catch (cause) {
    // Node appends how to pass positional arguments that look like options.
    const message = cause instanceof Error ? (cause.message.split('. ')[0] as string) : String(cause);
    throw usageError(message + meantOption(message, Object.keys(options)));
  }
  const { values, positionals } = parsed;
  const [least, most] = verb.words;
  if (values.help !== true) {
    if (positionals.length > most) throw usageError(`unexpected argument '${positionals[most]}'`);
    if (positionals.length < least) throw usageError(`an argument is missing: ${verb.usage}`);
    checkAction(verb, positionals[0]);
  }
  return { options: values, words: positionals };
}

function checkAction({ actions }: Verb, found: string | undefined): void {
  if (actions === undefined || found === undefined || actions.includes(found)) return;
  const [last = '', ...others] = actions.toReversed();
  const expected = others.length === 0 ? last : `${others.toReversed().join(', ')} or ${last}`;
  throw usageError(`expected ${expected}, found '${found}'${meant(nearestName(found, actions))}`);
}

function meantOption(message: string, known: readonly string[]): string {
  const unknown = /^Unknown option '--([^']+)'/.exec(message)?.[1];
  const nearest = unknown === undefined ? undefined : nearestName(unknown, known);
  return meant(nearest === undefined ? undefined : `--${nearest}`);
}

/** What may have been meant, as the end of a message. */
export function meant(nearest: string | undefined): string {
  return nearest === undefined ? '' : `; did you mean ${nearest}?`;
}

export function textOption(options: OptionValues, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** Of an option that may be given more than once. */
export function textsOption(options: OptionValues, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? value : [];
}

export function wholeOption(options: OptionValues, name: string, least: number, most: number): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw usageError(`--${name}: found '${text}', expected a whole number from ${least} to ${most}`);
}

/** Given in seconds, used in milliseconds. */
export function secondsOption(options: OptionValues, name: string, least: number, most: number): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value >= least && value <= most) return Math.round(value * 1000);
  throw usageError(`--${name}: found '${text}', expected seconds from ${least} to ${most}`);
}
