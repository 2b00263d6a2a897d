/**
 * The earliest moment at which anything in the core wants to run. Modules keep their own deadlines and arm this; a
 * deadline that was cancelled meanwhile costs one idle wake-up, after which every module arms anew.
 */
export class Timers {
  nextMs = Number.POSITIVE_INFINITY;

  arm(atMs: number): void {
    if (atMs < this.nextMs) this.nextMs = atMs;
  }

  /** True if something is due; all modules must then be asked, and arm again what they still wait for. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.nextMs) return false;
    this.nextMs = Number.POSITIVE_INFINITY;
    return true;
  }
}
