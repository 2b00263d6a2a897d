#!/usr/bin/env node
import { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, meant, parseVerb, usageError } from './cli/verb.ts';
import { findVerb, mainHelp, VERBS } from './cli/verbs.ts';
import { version } from './cli/version.ts';
/** The command `ratatosk`: picks the verb, and turns what it throws into one line and an exit code. */
import { RatatoskError } from './core/error.ts';
import { nearestName } from './host/members.ts';

/** Behind `ratatosk`: what tells how the command line should have been. */
let helpOf = '--help';

async function main(args: readonly string[]): Promise<number> {
  const [first = '--help', ...others] = args;
  // `help VERB` is `VERB --help`.
  const [name, rest] = first === 'help' && others[0] !== undefined ? [others[0], ['--help']] : [first, others];
  if (name === '--version' || name === '-V') return say(`ratatosk ${version()}`);
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(`${mainHelp()}\n`);
    return args.length === 0 ? EXIT_USAGE : EXIT_DONE;
  }
  const load = findVerb(name);
  if (load === undefined) throw usageError(`there is no verb '${name}'${meantVerb(name)}`);
  helpOf = `${name} --help`;
  const verb = await load();
  const { options, words } = parseVerb(verb, rest);
  if (options.help === true) return say(`Usage: ratatosk ${name} ${verb.usage}\n\n${verb.help}`);
  return verb.run(options, words);
}

function meantVerb(name: string): string {
  return meant(nearestName(name, ['help', ...VERBS.map((row) => row.name)]));
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT_DONE;
}

function fail(error: unknown): number {
  if (!(error instanceof RatatoskError)) {
    process.stderr.write(`ratatosk: ${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT_FAILED;
  }
  const isUsage = error.code === 'USAGE';
  process.stderr.write(`ratatosk: ${error.message}${isUsage ? ` (see ratatosk ${helpOf})` : ''}\n`);
  return isUsage ? EXIT_USAGE : EXIT_FAILED;
}

main(process.argv.slice(2)).then(finish, (error: unknown) => finish(fail(error)));

/** Nothing may keep the process after its verb is done; output still in the pipe goes first. */
function finish(code: number): void {
  process.exitCode = code;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}
