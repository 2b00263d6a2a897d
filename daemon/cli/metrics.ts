/** Metrics as the configuration wants them, also after it has changed. Never stops the daemon: packets go on without. */
import { DEFAULT_LIMITS } from '../core/limits.ts';
import type { Log } from '../host/log.ts';
import type { MetricsSource } from '../host/metrics.ts';
import type { Health, MetricsServer } from '../host/metrics-server.ts';
import type { Config } from '../host/schema.ts';

/** As `getStatus` tells it; undefined: not wanted. */
export type MetricsState = { readonly url: string; readonly problem?: string };

export class MetricsDesk {
  readonly #log: Log;
  readonly #source: Omit<MetricsSource, 'limits'>;
  readonly #health: Health;
  #limits: Config['Limits'] = {};
  #where: string | undefined;
  #server: MetricsServer | undefined;
  #problem: string | undefined;

  constructor(log: Log, source: Omit<MetricsSource, 'limits'>, health: Health) {
    this.#log = log;
    this.#source = source;
    this.#health = health;
  }

  get state(): MetricsState | undefined {
    if (this.#where === undefined) return undefined;
    const url = `http://${this.#where}/metrics`;
    return this.#problem === undefined ? { url } : { url, problem: this.#problem };
  }

  /** At the start. */
  async open({ Metrics, Limits }: Config): Promise<void> {
    // What changes it takes a restart.
    this.#limits = Limits;
    await this.#move(Metrics);
  }

  /** After a reload; one line if something has changed. */
  async reload({ Metrics }: Config): Promise<string[]> {
    if (placeOf(Metrics) === this.#where) return [];
    await this.#move(Metrics);
    if (this.#where === undefined) return ['metrics are served no more'];
    return [this.#problem ?? `metrics are served on http://${this.#where}/metrics`];
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  async #move(where: Config['Metrics']): Promise<void> {
    this.close();
    this.#problem = undefined;
    this.#where = placeOf(where);
    if (this.#where === undefined) return;
    try {
      const { MetricsServer: Server } = await import('../host/metrics-server.ts');
      const limits = { ...DEFAULT_LIMITS, ...defined(this.#limits) };
      this.#server = await Server.listen(this.#where, { ...this.#source, limits: () => limits }, this.#health);
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#log.error(this.#problem);
    }
  }
}

/** Undefined: they are not wanted. */
function placeOf(setting: Config['Metrics']): string | undefined {
  return setting === false || setting === 'off' ? undefined : setting;
}

function defined(limits: Config['Limits']): Partial<typeof DEFAULT_LIMITS> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
