import { LEVELS } from '../host/log.ts';
import { defaultPlaces } from '../host/places.ts';
import { openThread } from './thread.ts';
import type { Verb } from './verb.ts';

export const verb: Verb = {
  usage: '[--config FILE] [--autoconf] [--no-tun] [--first-run]',
  help: `Runs the daemon in the foreground. SIGTERM and SIGINT end it, SIGHUP makes it
read its configuration again.

  --config FILE      the configuration (default: ${defaultPlaces().config})
  --first-run        makes the configuration if there is none
  --autoconf         without configuration: a passing identity and defaults
  --no-tun           forwards for others only, whatever IfName says
  --log-level LEVEL  ${LEVELS.join(', ')} (default: LogLevel)
  --log-json         a JSON object a line instead of text`,
  options: {
    config: { type: 'string' },
    'first-run': { type: 'boolean' },
    autoconf: { type: 'boolean' },
    'no-tun': { type: 'boolean' },
    'log-level': { type: 'string' },
    'log-json': { type: 'boolean' },
  },
  words: [0, 0],
  run: async (options) => {
    hardenProcess();
    // The other thread first: it has as much to load as this one.
    const thread = openThread();
    const { start } = await import('./start.ts');
    return start(options, thread);
  },
};

/** No debugger on a signal, no options that an environment slips in for processes we start. */
function hardenProcess(): void {
  process.on('SIGUSR1', () => undefined);
  delete process.env.NODE_OPTIONS;
  // A closed terminal or pipe must not end a router.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
}
