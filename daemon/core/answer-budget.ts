/** How much is answered to other nodes' questions: of all, and of one key. Whoever asks too fast is not heard. */
import type { Context } from './context.ts';
import { ANSWERS, ANSWERS_PER_KEY } from './limits.ts';
import { OctetMap } from './octetmap.ts';
import { Bucket } from './policy.ts';
import type { PublicKey } from './port.ts';

type Asker = { readonly key: PublicKey; readonly bucket: Bucket; restedAtMs: number };

export class AnswerBudget {
  readonly #context: Context;
  /** Who was answered lately. New ones come at the rate of all answers, so the table cannot grow beyond that. */
  readonly #askers: OctetMap<Asker>;
  readonly #answers: Bucket;

  constructor(context: Context) {
    this.#context = context;
    this.#askers = new OctetMap(32, context.hashSeed);
    this.#answers = new Bucket(ANSWERS, context.nowMs);
  }

  /** `own`: of this kind of answers. False is counted as a drop. */
  take(from: PublicKey, own?: Bucket): boolean {
    const { nowMs, stats } = this.#context;
    const asker = this.#askers.get(from);
    const isFast = asker?.bucket.take(nowMs) === false || own?.take(nowMs) === false || !this.#answers.take(nowMs);
    if (isFast) {
      stats.drop('query rate');
      return false;
    }
    const restedAtMs = nowMs + (1_000 * ANSWERS_PER_KEY.burst) / ANSWERS_PER_KEY.perSecond;
    if (asker !== undefined) {
      asker.restedAtMs = restedAtMs;
      return true;
    }
    const bucket = new Bucket(ANSWERS_PER_KEY, nowMs);
    bucket.take(nowMs);
    this.#askers.set(from, { key: from, bucket, restedAtMs });
    return true;
  }

  timer(nowMs: number): void {
    for (const asker of [...this.#askers.values()]) if (asker.restedAtMs <= nowMs) this.#askers.delete(asker.key);
  }
}
