/**
 * What Prometheus reads of a node. Nothing is kept between scrapes: each one asks the router once, sets every series
 * from the answer, and writes them. Labels are bounded by the code and the configuration, never by what others do.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { SERIES } from './series.ts';
import type { MetricsSource, Series, Snapshot } from './snapshot.ts';

export class Metrics {
  readonly contentType: string;
  readonly #source: MetricsSource;
  readonly #registry = new Registry();
  readonly #series: readonly { readonly rows: Series['rows']; readonly metric: Gauge | Counter }[];
  /** One at a time: whoever comes while it is made gets the same. */
  #scrape: Promise<string> | undefined;

  constructor(source: MetricsSource) {
    this.#source = source;
    this.contentType = this.#registry.contentType;
    this.#series = SERIES.map(({ name, help, kind, labels, rows }) => {
      const config = { name, help, labelNames: [...labels], registers: [this.#registry] };
      return { rows, metric: kind === 'gauge' ? new Gauge(config) : new Counter(config) };
    });
  }

  /** In Prometheus' text format. Rejects when the router does not answer. */
  text(): Promise<string> {
    this.#scrape ??= this.#read().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  async #read(): Promise<string> {
    const { ask } = this.#source;
    const [self, stats, rows, tun, radios] = await Promise.all([
      ask('self', {}),
      ask('stats', {}),
      ask('peers', {}),
      ask('tun', {}),
      ask('radios', {}),
    ]);
    const now: Snapshot = { source: this.#source, self, stats, rows, radios, hasTun: tun.isEnabled };
    for (const { rows: read, metric } of this.#series) {
      metric.reset();
      for (const [value, labels = {}] of read(now)) metric.inc(labels, value);
    }
    return this.#registry.metrics();
  }
}
