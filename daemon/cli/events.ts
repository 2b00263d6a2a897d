import type { EventAnswer } from '../host/answers.ts';
import { EVENT_KINDS } from '../host/events.ts';
import { adminClient, adminStream, SOCKET_HELP, socketOption } from './client.ts';
import { cut } from './text.ts';
import { EXIT_DONE, textOption, usageError, type Verb } from './verb.ts';

const BY_DEFAULT = '50';
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** On a terminal; to a pipe lines go whole. */
const COLUMNS = 80;

export const verb: Verb = {
  usage: '[--since AGE] [--kind KIND,…] [--follow] [--json] [--socket PATH]',
  help: `What has happened to this node, the latest last; also in its earlier lives.

  --since AGE     not older than this: 90s, 10m, 2h, 7d (default: the latest ${BY_DEFAULT})
  --kind KIND,…   ${EVENT_KINDS.join(', ')}
  -f, --follow    and what happens from now on, until Ctrl-C
  --json          an array; with --follow an object a line
${SOCKET_HELP}`,
  options: {
    ...socketOption,
    since: { type: 'string' },
    kind: { type: 'string' },
    follow: { type: 'boolean', short: 'f' },
    json: { type: 'boolean' },
  },
  words: [0, 0],
  run: async (options) => {
    const age = textOption(options, 'since');
    const kind = kindsOf(textOption(options, 'kind'));
    const isJson = options.json === true;
    const query = age === undefined ? { most: BY_DEFAULT } : { since: String(Date.now() - ageMs(age)) };
    const { events } = await adminClient(options)('getEvents', { ...kind, ...query });
    const isFollowed = options.follow === true;
    if (isJson && !isFollowed) process.stdout.write(`${JSON.stringify(events, undefined, 2)}\n`);
    else for (const event of events) say(event, isJson);
    if (!isFollowed) return EXIT_DONE;
    process.on('SIGINT', () => process.exit(EXIT_DONE));
    process.stdout.on('error', () => process.exit(EXIT_DONE));
    await adminStream(options, kind, (push) => {
      if (push.topic === 'events') say(push, isJson);
    });
    return EXIT_DONE;
  },
};

function say(event: EventAnswer, isJson: boolean): void {
  process.stdout.write(`${isJson ? JSON.stringify(event) : lineOf(event)}\n`);
}

function lineOf({ time, kind, level, text, fields }: EventAnswer): string {
  const stamp = new Date(time * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const mark = level === 'warn' || level === 'error' ? '!' : ' ';
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`);
  return cut(`${stamp} ${mark} ${kind.padEnd(8)} ${text}${rest.join('')}`, process.stdout.isTTY ? COLUMNS : 1_000);
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
