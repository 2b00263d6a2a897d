/** What happens when: a heap ordered by time, then by the order of scheduling. */
export class Schedule {
  nowMs = 0;
  readonly #heap: Entry[] = [];
  #sequence = 0;

  /** Nothing happens in the past: an earlier time means now. */
  at(timeMs: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ timeMs: Math.max(timeMs, this.nowMs), sequence: this.#sequence++, act });
    let i = heap.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i] as Entry, heap[parent] as Entry)) break;
      swap(heap, i, parent);
      i = parent;
    }
  }

  after(delayMs: number, act: () => void): void {
    this.at(this.nowMs + delayMs, act);
  }

  /** Lets everything happen up to and including a time. */
  runTo(timeMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.timeMs <= timeMs; next = this.#heap[0]) {
      this.#removeFirst();
      this.nowMs = next.timeMs;
      next.act();
    }
    this.nowMs = timeMs;
  }

  /** Until a condition holds, for `ms` at most; false: it did not within the time. */
  runUntil(isTrue: () => boolean, ms: number, stepMs: number): boolean {
    const untilMs = this.nowMs + ms;
    while (!isTrue()) {
      if (this.nowMs >= untilMs) return false;
      this.runTo(Math.min(this.nowMs + stepMs, untilMs));
    }
    return true;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && isBefore(heap[child] as Entry, heap[least] as Entry)) least = child;
      }
      if (least === i) return;
      swap(heap, i, least);
      i = least;
    }
  }
}

type Entry = { readonly timeMs: number; readonly sequence: number; readonly act: () => void };

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeMs !== b.timeMs ? a.timeMs < b.timeMs : a.sequence < b.sequence;
}

function swap(heap: Entry[], i: number, j: number): void {
  const entry = heap[i] as Entry;
  heap[i] = heap[j] as Entry;
  heap[j] = entry;
}
