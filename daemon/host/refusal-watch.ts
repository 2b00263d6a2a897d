/** Makes events of connections that the firewall has refused: who wanted which port, once a minute each, with counts. */

/** One port that one address of the mesh wanted; `packets` since the kernel began to count them. */
export type Refusal = {
  readonly protocol: string;
  readonly port: number;
  readonly from: string;
  readonly packets: number;
};

export type RefusalNews = { readonly text: string; readonly fields: Readonly<Record<string, string | number>> };

const REPEAT_MS = 60_000;
/** Told by name within a while; that there are others is told once in it. */
const NAMED_MAX = 5;
const WHILE_MS = 10_000;

export class RefusalWatch {
  readonly #seen = new Map<string, { packets: number; toldMs: number }>();
  #total = 0;
  #beganMs = Number.NEGATIVE_INFINITY;
  #named = 0;
  #hasToldOthers = false;

  /** `total`: packets refused since the table was made. `list` is asked if there are more than at the last look. */
  look(total: number, list: () => readonly Refusal[], nowMs: number): RefusalNews[] {
    const grown = total - this.#total;
    this.#total = total;
    // Not more than before: nothing, or a new table that begins at 0.
    if (grown <= 0) return [];
    const rows = list();
    this.#forget(rows);
    const fresh = rows.flatMap((row) => {
      const seen = this.#seen.get(nameOf(row)) ?? { packets: 0, toldMs: Number.NEGATIVE_INFINITY };
      const packets = row.packets < seen.packets ? row.packets : row.packets - seen.packets;
      return packets > 0 && nowMs - seen.toldMs >= REPEAT_MS ? [{ row, packets }] : [];
    });
    if (nowMs - this.#beganMs >= WHILE_MS) {
      this.#beganMs = nowMs;
      this.#named = 0;
      this.#hasToldOthers = false;
    }
    const news = fresh.slice(0, NAMED_MAX - this.#named).map(({ row, packets }) => {
      this.#seen.set(nameOf(row), { packets: row.packets, toldMs: nowMs });
      return newsOf(row, packets);
    });
    this.#named += news.length;
    const others = fresh.length - news.length;
    if (others === 0 || this.#hasToldOthers) return news;
    this.#hasToldOthers = true;
    return [...news, { text: 'firewall: refused on other ports or from others too', fields: { count: others } }];
  }

  /** The kernel has forgotten them, and counts anew. */
  #forget(rows: readonly Refusal[]): void {
    const names = new Set(rows.map(nameOf));
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name);
  }
}

function newsOf({ protocol, port, from }: Refusal, packets: number): RefusalNews {
  const rule = `${port}${protocol === 'tcp' ? '' : `/${protocol}`}`;
  const text = `firewall: refused ${protocol} port ${port} to ${from}; to let it in: ratatosk firewall allow ${rule}`;
  return { text, fields: { packets } };
}

function nameOf({ protocol, port, from }: Refusal): string {
  return `${protocol} ${port} ${from}`;
}

/** Of the answer to `nft -j list set`; what is malformed is left out. */
export function readRefusals(text: string): Refusal[] {
  const { nftables } = JSON.parse(text) as { nftables: { set?: { elem?: readonly Element[] } }[] };
  const elements = nftables.find(({ set }) => set !== undefined)?.set?.elem ?? [];
  return elements.flatMap(({ elem }) => {
    const [protocol, port, from] = elem?.val?.concat ?? [];
    const packets = elem?.counter?.packets;
    if (typeof protocol !== 'string' || typeof port !== 'number' || typeof from !== 'string') return [];
    return typeof packets === 'number' ? [{ protocol, port, from, packets }] : [];
  });
}

type Element = {
  readonly elem?: {
    readonly val?: { readonly concat?: readonly unknown[] };
    readonly counter?: { readonly packets?: number };
  };
};
