/** Makes events of the limits of radios: when time on the air is used up, and when there is some again. A value machine. */
import type { RadioInfo } from '../core/port.ts';

export type AirNews = { readonly level: 'info' | 'warn'; readonly text: string };

/** The node's own share of a channel makes packets wait for up to 15 s; only the law makes them wait longer. */
const LONG_MS = 15_000;
/** What is left of a limit is for acknowledgements. */
const ALL = 0.9;

export class AirWatch {
  /** Modems without air time. */
  readonly #empty = new Set<string>();

  look(radios: readonly Pick<RadioInfo, 'uri' | 'air' | 'limits' | 'classes'>[]): AirNews[] {
    const present = new Set(radios.map(({ uri }) => uri));
    for (const uri of this.#empty) if (!present.has(uri)) this.#empty.delete(uri);
    return radios.flatMap((radio): AirNews[] => {
      const { uri, classes } = radio;
      const waitMs = classes.find(({ airClass }) => airClass === 'normal')?.waitMs ?? Number.POSITIVE_INFINITY;
      const wasEmpty = this.#empty.has(uri);
      if (!wasEmpty && waitMs > LONG_MS) {
        this.#empty.add(uri);
        return [{ level: 'warn', text: emptyText(radio, waitMs) }];
      }
      if (!wasEmpty || waitMs > 0) return [];
      this.#empty.delete(uri);
      return [{ level: 'info', text: `there is air time again on ${uri}` }];
    });
  }
}

function emptyText({ uri, air, limits }: Pick<RadioInfo, 'uri' | 'air' | 'limits'>, waitMs: number): string {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  // Of several limits the one that leaves least.
  const rows = air.limits.map((limit, i) => ({ limit, usedMs: limits[i]?.usedMs ?? 0 }));
  const [tightest] = rows.sort((a, b) => b.usedMs / b.limit.airMs - a.usedMs / a.limit.airMs);
  const wait = waitMs === Number.POSITIVE_INFINITY ? 'packets wait for good' : `packets wait ${seconds(waitMs)}`;
  if (tightest === undefined) return `duty limit reached on ${uri}: ${wait}`;
  const { limit, usedMs } = tightest;
  const window = limit.windowMs === 3_600_000 ? 'any hour' : `any ${seconds(limit.windowMs)}`;
  // Limits of long windows are not used up at once.
  const spread = usedMs < ALL * limit.airMs ? ', spread over it' : '';
  const sent = `${seconds(usedMs)} sent of ${seconds(limit.airMs)} allowed in ${window}${spread}`;
  return `duty limit reached on ${uri}: ${sent}; ${wait}`;
}
