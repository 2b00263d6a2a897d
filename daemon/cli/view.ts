/** The common part of the verbs that only show something: `--json`, `--watch`, and the asking. */
import type { Answers, RequestName } from '../host/answers.ts';
import { type Ask, adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { EXIT_DONE, type OptionValues, type Verb } from './verb.ts';

const WATCH_MS = 1_000;

export type View<N extends RequestName> = {
  readonly help: string;
  readonly request: N;
  /** Lines for people, at most 80 columns each. `ask` is for what the answer itself does not hold. */
  readonly show: (response: Answers[N], ask: Ask) => Promise<readonly string[]> | readonly string[];
};

export function viewVerb<N extends RequestName>({ help, request, show }: View<N>): Verb {
  return {
    usage: '[--json] [--watch] [--socket PATH]',
    help: `${help}

  --json          the answer as JSON
  --watch         again every second, until Ctrl-C; with --json one line each
${SOCKET_HELP}`,
    options: { ...socketOption, json: { type: 'boolean' }, watch: { type: 'boolean' } },
    words: [0, 0],
    run: async (options) => {
      const ask = adminClient(options);
      const isJson = options.json === true;
      const once = async (): Promise<string> => {
        const response = await ask(request);
        if (isJson) return JSON.stringify(response, undefined, options.watch === true ? 0 : 2);
        return (await show(response, ask)).join('\n');
      };
      return showText(options, once);
    },
  };
}

/** Once, or with `--watch` every second. */
export async function showText(options: OptionValues, once: () => Promise<string>): Promise<number> {
  if (options.watch === true) return watch(once, options.json === true);
  process.stdout.write(`${await once()}\n`);
  return EXIT_DONE;
}

/** On a terminal each picture replaces the one before. */
async function watch(once: () => Promise<string>, isJson: boolean): Promise<number> {
  const clear = process.stdout.isTTY === true && !isJson ? '\u001b[H\u001b[2J' : '';
  let isStopped = false;
  process.on('SIGINT', () => {
    isStopped = true;
    process.exit(EXIT_DONE);
  });
  // A reader that has gone, as `head` does, ends the watch.
  process.stdout.on('error', () => process.exit(EXIT_DONE));
  while (!isStopped) {
    process.stdout.write(`${clear}${await once()}\n`);
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  }
  return EXIT_DONE;
}
