/** Octets per second of each link, which the router does not keep: the difference of two looks, a second apart. */
import type { PeerRow } from './commands.ts';

export type Rate = { readonly received: number; readonly sent: number };

type Look = { readonly atMs: number; readonly received: number; readonly sent: number; readonly rate: Rate };

const NONE: Rate = { received: 0, sent: 0 };
/** Looks nearer than this would show bursts as rates. */
const LEAST_GAP_MS = 500;

export class Rates {
  #looks = new Map<string, Look>();

  look(rows: readonly PeerRow[], nowMs: number): void {
    const looks = new Map<string, Look>();
    for (const { uri, link } of rows) {
      if (link === undefined) continue;
      const name = `${link.link} ${uri}`;
      const before = this.#looks.get(name);
      if (before !== undefined && nowMs - before.atMs < LEAST_GAP_MS) {
        looks.set(name, before);
        continue;
      }
      const { bytesReceived: received, bytesSent: sent } = link;
      const rate = before === undefined ? NONE : rateBetween(before, { received, sent }, nowMs);
      looks.set(name, { atMs: nowMs, received, sent, rate });
    }
    this.#looks = looks;
  }

  of({ uri, link }: PeerRow): Rate {
    return this.#looks.get(`${link?.link} ${uri}`)?.rate ?? NONE;
  }
}

function rateBetween(before: Look, now: Rate, nowMs: number): Rate {
  const seconds = (nowMs - before.atMs) / 1000;
  // A link's number is given to another one later, whose counters start again.
  const perSecond = (from: number, to: number): number => Math.max(0, Math.round((to - from) / seconds));
  return { received: perSecond(before.received, now.received), sent: perSecond(before.sent, now.sent) };
}
