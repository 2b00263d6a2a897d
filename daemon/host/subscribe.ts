/** The request that tells what happens and what changes, from now on. */
import { RatatoskError } from '../core/error.ts';
import type { Call, CallContext, Outlet } from './admin-call.ts';
import { type AdminArguments, wholeOf } from './admin-request.ts';
import type { Topic } from './answers.ts';
import type { Follower } from './changes.ts';
import { eventJson, kindsOf } from './event-calls.ts';
import type { Happening } from './events.ts';
import { openLooks, type StateTopic } from './looks.ts';

const INTERVAL_MS = { byDefault: 1_000, least: 250, most: 60_000 };
/** Rows of each table. */
const ROWS = { byDefault: 500, least: 1, most: 2_000 };

export function subscribeCall(context: CallContext): Call {
  const looks = openLooks(context);
  const topicsOf = (text: string): (StateTopic | 'events')[] => {
    const known = ['events', ...Object.keys(looks)];
    return text.split(',').map((name) => {
      const topic = name.trim();
      if (isTopic(topic)) return topic;
      throw new RatatoskError('ARGUMENTS', `arguments: topics: found '${topic}', expected some of ${known.join(', ')}`);
    });
  };
  const isTopic = (name: string): name is Topic => name === 'events' || Object.hasOwn(looks, name);
  return {
    name: 'subscribe',
    description: 'Show what happens to this node and what changes, from now on',
    fields: ['topics', 'interval', 'most', 'kind'],
    isReadOnly: true,
    isOwn: true,
    // It is never answered once.
    run: () => ({}),
    stream: (args, outlet) => {
      const topics = new Set(topicsOf(args.get('topics') ?? 'events'));
      const intervalMs = wholeOf(args, 'interval', INTERVAL_MS);
      const most = wholeOf(args, 'most', ROWS);
      const tell = eventTeller(args, outlet);
      const endEvents = topics.has('events') ? context.events.listen(tell) : undefined;
      const states = [...topics].filter((topic) => topic !== 'events');
      const endStates = tellChanges(
        states.map((topic) => looks[topic](most)),
        intervalMs,
        outlet,
      );
      return () => {
        endEvents?.();
        endStates();
      };
    },
  };
}

/** Checks the kinds also where no events are wanted. */
function eventTeller(args: AdminArguments, outlet: Outlet): (happening: Happening) => void {
  const kinds = kindsOf(args);
  return (happening) => {
    if (kinds === undefined || kinds.has(happening.kind)) outlet.tell({ topic: 'events', ...eventJson(happening) });
  };
}

/**
 * Looks at the same moments as everybody with this interval, so that looks are shared. Who reads slowly is told less often:
 * a part goes out when the one before has been taken, and what changes meanwhile is one change.
 */
function tellChanges(followers: readonly Follower[], intervalMs: number, outlet: Outlet): () => void {
  let isEnded = false;
  let timer: NodeJS.Timeout | undefined;
  const round = async (): Promise<void> => {
    for (const follower of followers) {
      if (isEnded) return;
      // A router that is starting, ending or stuck has nothing to tell; the next time it may.
      const pushes = await follower.changes(intervalMs / 2).catch(() => []);
      for (const push of pushes) {
        if (isEnded) return;
        await outlet.offer(push);
      }
    }
    if (isEnded) return;
    timer = setTimeout(() => void round(), intervalMs - (performance.now() % intervalMs));
  };
  if (followers.length > 0) void round();
  return () => {
    isEnded = true;
    clearTimeout(timer);
    for (const follower of followers) follower.end();
  };
}
