/** Metrics as the configuration wants them, also after it has changed. Never stops the daemon: packets go on without. */
import { DEFAULT_LIMITS } from '../core/limits.ts';
import type { Limits } from '../core/port.ts';
import type { MetricsState } from '../host/answers.ts';
import type { Log } from '../host/log.ts';
import type { Health, MetricsServer } from '../host/metrics-server.ts';
import type { Config } from '../host/schema.ts';
import type { MetricsSource } from '../host/snapshot.ts';

/** Those of the code, with those of the configuration instead where it has some. */
export function limitsOf({ Limits: changed }: Config): Limits {
  return {
    ...DEFAULT_LIMITS,
    ...Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)),
  };
}

export class MetricsDesk {
  readonly #log: Log;
  readonly #source: MetricsSource;
  readonly #health: Health;
  #where: string | undefined;
  #server: MetricsServer | undefined;
  #problem: string | undefined;

  constructor(log: Log, source: MetricsSource, health: Health) {
    this.#log = log;
    this.#source = source;
    this.#health = health;
  }

  /** Undefined: they are not wanted. */
  get state(): MetricsState | undefined {
    if (this.#where === undefined) return undefined;
    const url = `http://${this.#where}/metrics`;
    return this.#problem === undefined ? { url } : { url, problem: this.#problem };
  }

  /** At the start. */
  async open({ Metrics }: Config): Promise<void> {
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
      this.#server = await Server.listen(this.#where, this.#source, this.#health);
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
