/** How much of something there was in the last second, to a tenth. */
const SLOTS = 10;
const SLOT_MS = 100;

export class Rate {
  readonly #slots = new Float64Array(SLOTS);
  #slot = 0;
  #sum = 0;

  add(amount: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#slots[this.#slot % SLOTS] = (this.#slots[this.#slot % SLOTS] as number) + amount;
    this.#sum += amount;
  }

  perSecond(nowMs: number): number {
    this.#turn(nowMs);
    return this.#sum;
  }

  #turn(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    if (slot - this.#slot >= SLOTS) {
      this.#slots.fill(0);
      this.#sum = 0;
      this.#slot = slot;
    }
    while (this.#slot < slot) {
      this.#slot++;
      this.#sum -= this.#slots[this.#slot % SLOTS] as number;
      this.#slots[this.#slot % SLOTS] = 0;
    }
  }
}
