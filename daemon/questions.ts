/** Questions to other nodes under way, and who waits for their answers. */
import { RatatoskError } from './core/error.ts';
import { type CoreEvent, publicKey } from './core/port.ts';
import type { Driver } from './driver.ts';
import type { Commands } from './host/commands.ts';

type Waiting = { resolve(body: Uint8Array): void; reject(error: RatatoskError): void };

export class Questions {
  readonly #waiting = new Map<string, Waiting[]>();

  /** The answer as it came; rejects with `NO_ANSWER` or `QUERIES_FULL`. The core ends every question in time. */
  ask(driver: Driver, { key, topic }: Commands['query']['args']): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const name = nameOf(key, topic);
      const waiting = this.#waiting.get(name);
      if (waiting === undefined) this.#waiting.set(name, [{ resolve, reject }]);
      else waiting.push({ resolve, reject });
      driver.feed({ kind: 'query', key: publicKey(key), topic });
    });
  }

  heard(event: CoreEvent): void {
    if (event.kind !== 'queryAnswered' && event.kind !== 'queryFailed') return;
    const name = nameOf(event.key, event.topic);
    const waiting = this.#waiting.get(name) ?? [];
    this.#waiting.delete(name);
    for (const { resolve, reject } of waiting) {
      if (event.kind === 'queryAnswered') resolve(event.body);
      else reject(failure(event));
    }
  }
}

function failure({ key, reason }: Extract<CoreEvent, { kind: 'queryFailed' }>): RatatoskError {
  const hex = Buffer.from(key).toString('hex');
  if (reason === 'too many') return new RatatoskError('QUERIES_FULL', 'too many questions are open: try again');
  return new RatatoskError('NO_ANSWER', `no answer from ${hex} in time: it is not reachable, or does not tell`);
}

function nameOf(key: Uint8Array, topic: string): string {
  return `${topic} ${Buffer.from(key).toString('hex')}`;
}
