import { durationText, sizeText, table } from './text.ts';
import type { Verb } from './verb.ts';
import { viewVerb } from './view.ts';

type Session = { address: string; bytes_recvd: number; bytes_sent: number; uptime: number; kind?: string };

export const verb: Verb = viewVerb({
  help: 'The nodes this one has encrypted sessions with.',
  request: 'getSessions',
  show: (response) => {
    const { sessions } = response as { sessions: Session[] };
    if (sessions.length === 0) return ['No sessions: they begin with traffic and end a minute after it.'];
    const rows = sessions.map((s) => [
      s.address,
      s.kind ?? '',
      durationText(s.uptime),
      sizeText(s.bytes_recvd),
      sizeText(s.bytes_sent),
    ]);
    return table(['ADDRESS', 'KIND', 'UP', 'RECEIVED', 'SENT'], rows);
  },
});
