/** The requests that tell what has happened: once, or on and on. */
import { RatatoskError } from '../core/error.ts';
import type { Call } from './admin-calls.ts';
import type { AdminArguments } from './admin-request.ts';
import type { Answers, EventAnswer } from './answers.ts';
import { EVENT_KINDS, type EventKind, type Events, type Happening } from './events.ts';

const MOST = 4_096;

export function eventCalls(events: Events): Call[] {
  const common = { isReadOnly: true, isOwn: true };
  return [
    {
      ...common,
      name: 'getEvents',
      description: 'Show what has happened to this node',
      fields: ['kind', 'since', 'most'],
      run: (args) => {
        const query = {
          kinds: kindsOf(args),
          sinceUnixMs: wholeOf(args, 'since', 0),
          most: wholeOf(args, 'most', MOST),
        };
        const answer: Answers['getEvents'] = { events: events.find(query).map(eventJson) };
        return answer;
      },
    },
    {
      ...common,
      name: 'subscribe',
      description: 'Show what happens to this node from now on',
      fields: ['kind'],
      // It is never answered once.
      run: () => ({}),
      stream: (args, send) => {
        const kinds = kindsOf(args);
        return events.listen((happening) => {
          if (kinds === undefined || kinds.has(happening.kind)) send({ topic: 'events', ...eventJson(happening) });
        });
      },
    },
  ];
}

function eventJson({ seq, unixMs, kind, level, text, fields }: Happening): EventAnswer {
  return { seq, time: unixMs / 1000, kind, level, text, fields: { ...fields } };
}

/** Kinds with commas between them. */
function kindsOf(args: AdminArguments): ReadonlySet<EventKind> | undefined {
  const text = args.get('kind');
  if (text === undefined || text === '') return undefined;
  const kinds = text.split(',').map((name) => {
    const kind = EVENT_KINDS.find((known) => known === name.trim());
    if (kind !== undefined) return kind;
    throw new RatatoskError(
      'ARGUMENTS',
      `arguments: kind: found '${name}', expected some of ${EVENT_KINDS.join(', ')}`,
    );
  });
  return new Set(kinds);
}

function wholeOf(args: AdminArguments, name: string, byDefault: number): number {
  const text = args.get(name);
  if (text === undefined) return byDefault;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RatatoskError('ARGUMENTS', `arguments: ${name} must be a whole number`);
}
