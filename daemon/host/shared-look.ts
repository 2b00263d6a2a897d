/** What several want to look at again and again: one look serves all whose time has come, and without them there is none. */

type Latest<Look> = { readonly atMs: number; readonly most: number; readonly look: Promise<Look> };

export class SharedLook<Look> {
  readonly #take: (most: number) => Promise<Look>;
  readonly #wants = new Set<{ readonly most: number }>();
  #latest: Latest<Look> | undefined;

  constructor(take: (most: number) => Promise<Look>) {
    this.#take = take;
  }

  /** From now on looks have at least so many rows, if there are; until the answer is called. */
  want(most: number): () => void {
    const want = { most };
    this.#wants.add(want);
    return () => {
      this.#wants.delete(want);
      if (this.#wants.size === 0) this.#latest = undefined;
    };
  }

  /** One that began within the last `maxAgeMs` is taken for a new one. */
  at(maxAgeMs: number): Promise<Look> {
    const nowMs = performance.now();
    const most = Math.max(...[...this.#wants].map((want) => want.most));
    const latest = this.#latest;
    const isRecent = latest !== undefined && nowMs - latest.atMs <= maxAgeMs;
    if (isRecent && latest.most >= most) return latest.look;
    const look = this.#take(most);
    this.#latest = { atMs: nowMs, most, look };
    return look;
  }
}
