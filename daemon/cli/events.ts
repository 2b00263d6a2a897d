import type { EventAnswer } from '../host/answers.ts';
import { EVENT_KINDS } from '../host/events.ts';
import { printable } from '../host/printable.ts';
import { adminClient, adminStream, SOCKET_HELP, socketOption } from './client.ts';
import { beside, cut } from './text.ts';
import { EXIT_DONE, textOption, usageError, type Verb } from './verb.ts';

const BY_DEFAULT = 50;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PIPE_COLUMNS = 1_000;

export const verb: Verb = {
  usage: '[--since AGE] [--kind KIND,…] [--problems] [--follow]',
  help: `What has happened to this node, the latest last; also in its earlier lives.

  --since AGE     not older than this: 90s, 10m, 2h, 7d (default: the latest ${BY_DEFAULT})
  --kind KIND,…   some of ${EVENT_KINDS.slice(0, 6).join(', ')},
                  ${EVENT_KINDS.slice(6).join(', ')}
  --problems      warnings and errors only, and the latest first
  -f, --follow    and what happens from now on, until Ctrl-C
  --json          an array; with --follow an object a line
${SOCKET_HELP}`,
  options: {
    ...socketOption,
    since: { type: 'string' },
    kind: { type: 'string' },
    problems: { type: 'boolean' },
    follow: { type: 'boolean', short: 'f' },
    json: { type: 'boolean' },
  },
  words: [0, 0],
  run: async (options) => {
    const age = textOption(options, 'since');
    const kind = kindsOf(textOption(options, 'kind'));
    const isJson = options.json === true;
    const isFollowed = options.follow === true;
    const isShown = options.problems === true ? isProblem : () => true;
    const since = age === undefined ? {} : { since: String(Date.now() - ageMs(age)) };
    const { events } = await adminClient(options)('getEvents', { ...kind, ...since });
    const shown = events.filter(isShown).slice(age === undefined ? -BY_DEFAULT : 0);
    if (options.problems === true && !isFollowed) shown.reverse();
    if (isJson && !isFollowed) process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
    else for (const event of shown) say(event, isJson);
    if (!isFollowed) return EXIT_DONE;
    process.on('SIGINT', () => process.exit(EXIT_DONE));
    process.stdout.on('error', () => process.exit(EXIT_DONE));
    await adminStream(options, kind, (push) => {
      if (push.topic === 'events' && isShown(push)) say(push, isJson);
    });
    return EXIT_DONE;
  },
};

function isProblem({ level }: EventAnswer): boolean {
  return level === 'warn' || level === 'error';
}

function say(event: EventAnswer, isJson: boolean): void {
  process.stdout.write(`${isJson ? JSON.stringify(event) : lineOf(event)}\n`);
}

/** On a terminal it goes on below itself; to a pipe it is one line. */
function lineOf(event: EventAnswer): string {
  const { time, kind, text, fields } = event;
  const stamp = new Date(time * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`);
  const head = `${stamp} ${isProblem(event) ? '!' : ' '} ${printable(kind).padEnd(8)} `;
  const said = `${text}${rest.join('')}`;
  return process.stdout.isTTY ? beside(head, said).join('\n') : cut(head + said, PIPE_COLUMNS);
}

function kindsOf(text: string | undefined): { kind?: string } {
  if (text === undefined) return {};
  const unknown = text.split(',').find((name) => !EVENT_KINDS.some((kind) => kind === name));
  if (unknown !== undefined) throw usageError(`--kind: found '${unknown}', expected some of ${EVENT_KINDS.join(', ')}`);
  return { kind: text };
}

function ageMs(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const length = UNITS[unit ?? ''];
  if (length === undefined) throw usageError(`--since: found '${text}', expected an age like 90s, 10m, 2h or 7d`);
  return Number(count) * length;
}
