/** Questions about next hops under way, and who waits for their answers. */
import { type CoreEvent, publicKey } from './core/port.ts';
import type { Driver } from './driver.ts';
import type { Commands } from './host/commands.ts';

/** What a node has told; undefined: nothing. */
export type HopTold = Omit<Extract<CoreEvent, { kind: 'hopAnswered' }>, 'kind' | 'id'> | undefined;

export class HopQuestions {
  readonly #waiting = new Map<number, (told: HopTold) => void>();
  #next = 0;

  /** The core ends every question in time. */
  ask(driver: Driver, { at, dest, watermark }: Commands['hop']['args']): Promise<HopTold> {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      driver.feed({ kind: 'askHop', request: { id, key: publicKey(at), dest: publicKey(dest), watermark } });
    });
  }

  heard(event: CoreEvent): void {
    if (event.kind !== 'hopAnswered' && event.kind !== 'hopFailed') return;
    const resolve = this.#waiting.get(event.id);
    this.#waiting.delete(event.id);
    resolve?.(event.kind === 'hopAnswered' ? event : undefined);
  }
}
