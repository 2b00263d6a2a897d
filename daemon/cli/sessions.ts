import { durationText, sizeText, table } from './text.ts';
import type { Verb } from './verb.ts';
import { viewVerb } from './view.ts';

export const verb: Verb = viewVerb({
  help: 'The nodes this one has encrypted sessions with.',
  request: 'getSessions',
  show: ({ sessions }) => {
    if (sessions.length === 0) return ['No sessions: they begin with traffic and end a minute after it.'];
    const rows = sessions.map((s) => [
      s.address,
      s.kind,
      durationText(s.uptime),
      sizeText(s.bytes_recvd),
      sizeText(s.bytes_sent),
    ]);
    return table(['ADDRESS', 'KIND', 'UP', 'RECEIVED', 'SENT'], rows);
  },
});
