/** The dashboard, loaded when it is used. */
import { readFileSync } from 'node:fs';
import { RatatoskError } from '../core/error.ts';
import { adminClient, findEndpoint, SOCKET_HELP, socketOption } from './client.ts';
import { EXIT_DONE, type OptionValues, textOption, usageError, type Verb } from './verb.ts';

const INTERVAL_MS = 1_000;

export const verb: Verb = {
  usage: '[--control] [--once] [--json] [--record F] [--replay F]',
  help: `The dashboard: what this node does, and what is wrong. ? shows its keys.

  --control       verbs that change something may be run from it
  --once          one overview as text; with --json the state as JSON
  --record FILE   write what the daemon tells into a new file, JSON lines
  --replay FILE   show what such a file holds instead of a daemon
  --speed N       N times as fast; 0: at once (default: 1)
  --interval MS   between two looks of the daemon (default: ${INTERVAL_MS})
  --ascii         only ASCII; so it is on a console, and without UTF-8 in LANG
  --unicode       all characters, whatever LANG says
${SOCKET_HELP}`,
  options: {
    ...socketOption,
    control: { type: 'boolean' },
    once: { type: 'boolean' },
    json: { type: 'boolean' },
    record: { type: 'string' },
    replay: { type: 'string' },
    speed: { type: 'string' },
    interval: { type: 'string' },
    ascii: { type: 'boolean' },
    unicode: { type: 'boolean' },
  },
  words: [0, 0],
  run: async (options) => (options.once === true ? showOnce(options) : watch(options)),
};

async function showOnce(options: OptionValues): Promise<number> {
  const { lookOnce, overviewText, replayWhole, stateJson } = await import('../../tui/once.ts');
  const entries = await recordingOf(options);
  const model = entries === undefined ? await lookOnce(await answering(options)).catch(refused) : replayWhole(entries);
  const text = options.json === true ? `${stateJson(model)}\n` : overviewText(model, await looks(options), columns());
  process.stdout.write(text);
  return EXIT_DONE;
}

async function watch(options: OptionValues): Promise<number> {
  if (options.json === true) throw usageError('--json goes with --once');
  if (process.stdout.isTTY !== true || process.stdin.isTTY !== true) {
    throw usageError('top wants a terminal: --once shows one overview without');
  }
  const entries = await recordingOf(options);
  const endpoint = entries === undefined ? await answering(options) : undefined;
  const { runDashboard } = await import('../../tui/dashboard.ts');
  const socket = textOption(options, 'socket');
  const running = runDashboard({
    ...(await looks(options)),
    from:
      endpoint === undefined
        ? { kind: 'recording', entries: entries ?? [], speed: numberOption(options, 'speed', 1, 1_000) }
        : { kind: 'daemon', endpoint, intervalMs: numberOption(options, 'interval', INTERVAL_MS, 60_000, 250) },
    record: textOption(options, 'record'),
    verb: {
      before: [process.execPath, process.argv[1] ?? ''],
      behind: socket === undefined ? [] : ['--socket', socket],
    },
  });
  return running.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new RatatoskError('RECORD', `--record: ${textOption(options, 'record')} exists: name a new file`);
  });
}

/** A daemon that is not there is told of in one line, before the screen is taken. */
async function answering(options: OptionValues): Promise<ReturnType<typeof findEndpoint>> {
  await adminClient(options)('getSelf');
  return findEndpoint(textOption(options, 'socket'));
}

function refused(error: unknown): never {
  throw new RatatoskError('REFUSED', error instanceof Error ? error.message : String(error));
}

async function recordingOf(options: OptionValues) {
  const path = textOption(options, 'replay');
  if (path === undefined) return undefined;
  const { readRecording } = await import('../../tui/recording.ts');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? cause.code : cause;
    throw new RatatoskError('REPLAY', `--replay: ${path} cannot be read (${why})`, { cause });
  }
  const entries = readRecording(text);
  if (entries.length === 0) throw new RatatoskError('REPLAY', `--replay: ${path} holds nothing that top has recorded`);
  return entries;
}

async function looks(options: OptionValues) {
  const { ASCII, UNICODE } = await import('../../tui/theme.ts');
  const { TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG } = process.env;
  const isConsole = TERM === 'linux';
  // The first that is set and not empty counts.
  const hasUnicode = /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '') && !isConsole;
  const isAscii = options.ascii === true || (!hasUnicode && options.unicode !== true);
  const palette = (NO_COLOR ?? '') !== '' || TERM === 'dumb' ? 'none' : isConsole ? 'eight' : 'many';
  return {
    isControl: options.control === true,
    glyphs: isAscii ? ASCII : UNICODE,
    palette,
    offsetMinutes: -new Date().getTimezoneOffset(),
  } as const;
}

/** Tables and charts have most to say on what a screen has. */
function columns(): number {
  return Math.max(60, Math.min(200, process.stdout.columns ?? 80));
}

function numberOption(options: OptionValues, name: string, byDefault: number, most: number, least = 0): number {
  const text = textOption(options, name);
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text) && value >= least && value <= most)
    return least > 0 ? Math.round(value) : value;
  throw usageError(`--${name}: found '${text}', expected a number from ${least} to ${most}`);
}
