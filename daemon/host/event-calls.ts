/** The request that tells what has happened, and what the pushes of events share with it. */
import { RatatoskError } from '../core/error.ts';
import { type Call, ours } from './admin-call.ts';
import { type AdminArguments, wholeOf } from './admin-request.ts';
import type { EventAnswer } from './answers.ts';
import { EVENT_KINDS, type EventKind, type Events, type Happening } from './events.ts';

const MOST = 4_096;

export function eventCall(events: Events): Call {
  return ours(
    'getEvents',
    'Show what has happened to this node',
    (args) => {
      const query = {
        kinds: kindsOf(args),
        sinceUnixMs: wholeOf(args, 'since', { byDefault: 0 }),
        most: wholeOf(args, 'most', { byDefault: MOST }),
      };
      return { events: events.find(query).map(eventJson) };
    },
    'kind',
    'since',
    'most',
  );
}

export function eventJson({ seq, unixMs, kind, level, text, fields }: Happening): EventAnswer {
  return { seq, time: unixMs / 1000, kind, level, text, fields: { ...fields } };
}

/** Kinds with commas between them. */
export function kindsOf(args: AdminArguments): ReadonlySet<EventKind> | undefined {
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
