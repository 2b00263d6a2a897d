/** Which index stands for which key or attempt, and the keys that nobody has used yet. */
import type { Context } from '../../context.ts';
import { type Identities, UnconfirmedKeys } from './identities.ts';
import type { Attempt } from './initiation.ts';
import type { LinkKey } from './link-key.ts';

export class KeyTable {
  readonly unconfirmed = new UnconfirmedKeys();
  readonly identities: Identities;
  readonly #context: Context;
  readonly #keys = new Map<number, LinkKey>();
  readonly #attempts = new Map<number, Attempt>();

  constructor(context: Context, identities: Identities) {
    this.#context = context;
    this.identities = identities;
  }

  get size(): number {
    return this.#keys.size + this.#attempts.size;
  }

  key(index: number): LinkKey | undefined {
    return this.#keys.get(index);
  }

  attempt(index: number): Attempt | undefined {
    return this.#attempts.get(index);
  }

  /** Random, not zero, not in use. */
  newIndex(): number {
    for (;;) {
      const index = new DataView(this.#context.randomOctets(4).buffer).getUint32(0);
      if (index !== 0 && !this.#keys.has(index) && !this.#attempts.has(index)) return index;
    }
  }

  addKey(key: LinkKey): void {
    this.#keys.set(key.index, key);
    key.terms.identity.keys++;
  }

  addAttempt(attempt: Attempt): void {
    this.#attempts.set(attempt.index, attempt);
  }

  eraseAttempt(attempt: Attempt): void {
    this.#attempts.delete(attempt.index);
    attempt.noise.wipe();
  }

  /** Nothing is received or sent under it from now on; its octets are overwritten. */
  eraseKey(key: LinkKey): void {
    if (key.isGone) return;
    this.#keys.delete(key.index);
    this.unconfirmed.delete(key);
    key.wipe();
    key.terms.identity.keys--;
    this.identities.release(key.terms.identity);
  }

  /** The key has been used: it is not unconfirmed any more. */
  confirm(key: LinkKey): void {
    this.unconfirmed.delete(key);
    key.forgetResp();
  }
}
