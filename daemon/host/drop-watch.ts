/** Makes events of counters: what is dropped or refused for a new reason, or goes on being so, is told once a minute. */
import type { StatsInfo } from '../core/port.ts';
import type { EventKind, Events } from './events.ts';
import type { Level } from './log.ts';

const REPEAT_MS = 60_000;
/** Queues that are full when a link takes less than is sent. */
const BEHIND_A_LINK = ['traffic queue full', 'tun queue full'];

/** Caps that were reached, by the reason of a drop. */
const LIMITS: Readonly<Record<string, string>> = {
  'traffic queue full': 'the queue of a link is full',
  'tun queue full': 'the queue from the network interface is full',
  'delivery queue full': 'the queue to the network interface is full',
  'address buffers full': 'too many packets for nodes whose keys are not known yet',
  'session buffers full': 'too many packets for sessions that are not open yet',
  'sessions full': 'the table of sessions is full (Limits.sessions)',
  'rumours full': 'too many lookups at once',
  'announce refused, table full': 'the table of the tree is full',
  'air time used up': 'packets would have waited too long for time on the air',
  'e2e handshakes full': 'too many handshakes of sessions at once',
  'handshake queue full': 'too many handshakes of links at once',
  'handshake no room': 'the table of links is full (Limits.links)',
};

/** Why links of others were refused, by the reason of our ending them. */
const REFUSALS: Readonly<Record<string, string>> = {
  'signature invalid': 'wrong password: theirs is not that of our listener',
  'key not allowed': 'their key is not in AllowedPublicKeys',
  'key not bound': 'their certificate is that of another key',
  'link not bound': 'their link proves no key, and RequireBound asks for it',
  'version mismatch': 'they speak another version of the protocol',
  'too many links': 'the table of links, or their share of it, is full (Limits.links)',
};

type Seen = { count: number; toldMs: number };
type Words = { readonly kind: EventKind; readonly level: Level; readonly text: string };

export class DropWatch {
  readonly #events: Events;
  readonly #seen = new Map<string, Seen>();
  /** Of links that came in, who was refused last, by reason; and which link's queue is the fullest. */
  readonly #latest = new Map<string, string>();
  #isFirst = true;

  constructor(events: Events) {
    this.#events = events;
  }

  /** `reason` as links end with it: `key not allowed: …`. */
  refused(from: string, reason: string): void {
    const name = reason.split(':', 1)[0] ?? '';
    if (name in REFUSALS) this.#latest.set(name, from);
  }

  /** `fullest`: the link for which most waits. */
  look({ drops, closes }: Pick<StatsInfo, 'drops' | 'closes'>, nowMs: number, fullest?: string): void {
    if (fullest !== undefined) for (const reason of BEHIND_A_LINK) this.#latest.set(reason, fullest);
    this.#compare('drop', drops, nowMs);
    this.#compare('close', closes, nowMs);
    this.#isFirst = false;
  }

  #compare(what: 'drop' | 'close', counts: Readonly<Record<string, number>>, nowMs: number): void {
    for (const [reason, count] of Object.entries(counts)) {
      const name = `${what} ${reason}`;
      const seen = this.#seen.get(name) ?? { count: this.#isFirst ? count : 0, toldMs: Number.NEGATIVE_INFINITY };
      this.#seen.set(name, seen);
      if (count <= seen.count || nowMs - seen.toldMs < REPEAT_MS) continue;
      // Who ended our own dial is told with the peer.
      const latest = this.#latest.get(reason);
      const { kind, level, text } = wordsOf(what, reason, latest !== undefined);
      const named = latest === undefined ? {} : BEHIND_A_LINK.includes(reason) ? { link: latest } : { latest };
      const fields = { count: count - seen.count, ...named };
      this.#events.add(kind, level, text, fields);
      seen.count = count;
      seen.toldMs = nowMs;
      this.#latest.delete(reason);
    }
  }
}

function wordsOf(what: 'drop' | 'close', reason: string, isTheirs: boolean): Words {
  const limit = what === 'drop' ? LIMITS[reason] : undefined;
  if (limit !== undefined) return { kind: 'limit', level: 'warn', text: `limit reached: ${limit} (${reason})` };
  const refusal = what === 'close' && isTheirs ? REFUSALS[reason] : undefined;
  if (refusal !== undefined) return { kind: 'link', level: 'warn', text: `a link was refused: ${refusal} (${reason})` };
  return { kind: 'drops', level: 'info', text: `${what === 'drop' ? 'dropped' : 'links ended here'}: ${reason}` };
}
