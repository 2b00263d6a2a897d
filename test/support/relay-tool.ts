/**
 * A bad cable: forwards IP packets between two TUNs, losing some at random and delaying the others.
 *
 *   relay-tool.js TUN TUN LOSS DELAY_MS SEED      loss 0..1 and delay for each way
 *
 * Says `ready` when the TUNs are there; their owner then moves them to where they belong. Runs until it is killed.
 */
import assert from 'node:assert/strict';
import { findAddon, type Tun } from '../../native-bindings/addon.ts';
import { Chance } from './core.ts';

const PACKET_MAX = 2_048;
/** Packets on their way in one direction; the cable of a fast network holds no more. */
const SLOTS = 16_384;
const BATCH = 256;

/** Each packet of a batch names its buffer. */
const BUFFERS = Array<Uint8Array>(BATCH).fill(new Uint8Array(0));

/** One way: packets of `from` in order of arrival, each leaving at its time. */
class Way {
  readonly #from: Tun;
  readonly #to: Tun;
  readonly #isLost: () => boolean;
  readonly #delayMs: number;
  readonly #octets = new Uint8Array(SLOTS * PACKET_MAX);
  readonly #lengths = new Int32Array(SLOTS);
  readonly #dueMs = new Float64Array(SLOTS);
  #first = 0;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #arena = new Uint8Array(BATCH * PACKET_MAX);
  readonly #at = new Int32Array(BATCH);
  readonly #size = new Int32Array(BATCH);

  constructor(from: Tun, to: Tun, options: { isLost: () => boolean; delayMs: number }) {
    this.#from = from;
    this.#to = to;
    this.#isLost = options.isLost;
    this.#delayMs = options.delayMs;
    from.startReading(() => this.#read());
  }

  #read(): void {
    const count = this.#from.readBatch(this.#arena, PACKET_MAX, 0, this.#at, this.#size, BATCH);
    const dueMs = performance.now() + this.#delayMs;
    for (let i = 0; i < count; i++) {
      if (this.#count === SLOTS || this.#isLost()) continue;
      const slot = (this.#first + this.#count++) % SLOTS;
      const at = this.#at[i] as number;
      const size = this.#size[i] as number;
      this.#octets.set(this.#arena.subarray(at, at + size), slot * PACKET_MAX);
      this.#lengths[slot] = size;
      this.#dueMs[slot] = dueMs;
    }
    this.#deliver();
  }

  #deliver(): void {
    const nowMs = performance.now();
    let leaving = 0;
    while (this.#count > 0 && (this.#dueMs[this.#first] as number) <= nowMs) {
      this.#at[leaving] = this.#first * PACKET_MAX;
      this.#size[leaving] = this.#lengths[this.#first] as number;
      this.#first = (this.#first + 1) % SLOTS;
      this.#count--;
      if (++leaving === BATCH) leaving = this.#write(leaving);
    }
    this.#write(leaving);
    if (this.#count === 0 || this.#timer !== undefined) return;
    // Up to a millisecond late, which is the grain of the delay.
    const waitMs = Math.max(1, (this.#dueMs[this.#first] as number) - nowMs);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#deliver();
    }, waitMs);
  }

  #write(count: number): 0 {
    if (count > 0) this.#to.writeBatch(BUFFERS.fill(this.#octets, 0, count), this.#at, this.#size, count);
    return 0;
  }
}

const [nameA = '', nameB = '', loss = '', delayMs = '', seed = ''] = process.argv.slice(2);
const { addon, problem } = findAddon();
assert.ok(addon !== undefined, problem);
const [a, b] = [addon.openTun(nameA), addon.openTun(nameB)];
const chance = new Chance(Number(seed));
const isLost = (): boolean => Number(loss) > 0 && chance.below(1_000_000) < Number(loss) * 1_000_000;
new Way(a, b, { isLost, delayMs: Number(delayMs) });
new Way(b, a, { isLost, delayMs: Number(delayMs) });
process.stdout.write('ready\n');
