/** The dashboard without a terminal: one overview as text, or the state as JSON. */
import { draw } from './draw.ts';
import { Model } from './model.ts';
import { problemsOf } from './problems.ts';
import { apply, type Entry } from './recording.ts';
import { type Endpoint, Source } from './source.ts';
import { newUi, type UiOptions } from './ui.ts';

/** All tables are told of at once; an event is not owed. */
const NEEDED = ['status', 'stats', 'peers', 'sessions', 'paths', 'tree', 'radio', 'firewall'] as const;
const LIMIT_MS = 8_000;
/** As many as are given to anybody. */
const MOST_ROWS = 2_000;

/** Rejects when the daemon cannot be asked. */
export function lookOnce(endpoint: Endpoint): Promise<Model> {
  const model = new Model();
  return new Promise((resolve, reject) => {
    let hasEvents = false;
    let lost = 'it does not tell all that was asked for';
    const end = (error?: Error): void => {
      clearTimeout(timer);
      source.end();
      if (error === undefined) resolve(model);
      else reject(error);
    };
    const timer = setTimeout(
      () => end(new Error(`the daemon on ${endpoint.name} cannot be watched: ${lost}`)),
      LIMIT_MS,
    );
    const told = (entry: Entry): void => {
      apply(model, entry);
      if ('recall' in entry) hasEvents = true;
      // A daemon that refuses will refuse again.
      if ('lost' in entry && entry.lost.includes('refuses')) return end(new Error(entry.lost));
      if ('lost' in entry) lost = entry.lost;
      const isWhole = [model.peers, model.sessions, model.paths, model.tree, model.radios].every(
        ({ rows, total }) => rows.size >= Math.min(total, MOST_ROWS),
      );
      if (hasEvents && isWhole && NEEDED.every((topic) => model.told.has(topic))) end();
    };
    const source = new Source({ endpoint, intervalMs: 1_000, most: MOST_ROWS, told });
  });
}

export function replayWhole(entries: readonly Entry[]): Model {
  const model = new Model();
  for (const entry of entries) apply(model, entry);
  return model;
}

/** As tall as its peers need, within reason; without the footer. */
export function overviewText(model: Model, options: UiOptions, width: number): string {
  const height = Math.min(60, Math.max(24, model.peers.rows.size + 20));
  const canvas = draw({ model, ui: newUi(options) }, width, height);
  return `${canvas.lines().slice(0, -1).join('\n').trimEnd()}\n`;
}

/** Control characters that a terminal would obey, and marks that turn its text around, are escaped. */
export function stateJson(model: Model): string {
  const { connection, status, stats, firewall, events } = model;
  const rows = <T>({ rows: map, total }: { rows: Map<string, T>; total: number }) => ({
    total,
    rows: [...map.values()],
  });
  const state = {
    time: model.nowMs / 1_000,
    connection: connection.kind,
    problems: problemsOf(model),
    status: status && { ...status, names: Object.fromEntries(status.names) },
    stats: stats && {
      ...stats,
      counters: Object.fromEntries(stats.counters),
      drops: Object.fromEntries(stats.drops),
      closes: Object.fromEntries(stats.closes),
    },
    firewall,
    peers: rows(model.peers),
    sessions: rows(model.sessions),
    paths: rows(model.paths),
    tree: rows(model.tree),
    radios: rows(model.radios),
    rules: rows(model.rules),
    events,
  };
  return JSON.stringify(state, undefined, 2).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
