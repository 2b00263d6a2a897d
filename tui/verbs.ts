/** Verbs typed into the dashboard: how a line becomes words, and which may run. */

/** They change nothing; all others need `--control`. */
const READING = new Set([
  'status',
  'tree',
  'paths',
  'sessions',
  'radio',
  'events',
  'ping',
  'trace',
  'why',
  'doctor',
  'report',
  'completion',
  'help',
]);
/** They change something, at least with some words. */
const CHANGING = new Set(['peer', 'peers', 'firewall', 'reload']);
/** They need a terminal, or a machine, of their own. */
const ELSEWHERE = new Set(['top', 'up', 'demo', 'init', 'join', 'invite', 'bench']);

/** Why it does not run; undefined: it may. */
export function verbRefusal(words: readonly string[], isControl: boolean): string | undefined {
  const [verb = '', second = ''] = words;
  if (ELSEWHERE.has(verb)) return `${verb} wants a terminal of its own: run it in another one`;
  const isReading =
    READING.has(verb) ||
    verb.startsWith('-') ||
    (verb === 'firewall' && second === 'show') ||
    // `suggest` connects to others, and may write what it has found into the configuration.
    (verb === 'peers' && !words.includes('suggest'));
  if (isReading) return undefined;
  if (!CHANGING.has(verb)) return `there is no verb '${verb}' (see :help)`;
  if (isControl) return undefined;
  const name = words.filter((word) => !word.startsWith('-')).slice(0, 2);
  return `${name.join(' ')} changes the daemon: start top with --control to allow that`;
}

/** Quotes hold words together, as in a shell; nothing else is special. */
export function wordsOf(text: string): string[] {
  const found = text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g);
  return [...found].map(([, double, single, bare]) => double ?? single ?? bare ?? '');
}
