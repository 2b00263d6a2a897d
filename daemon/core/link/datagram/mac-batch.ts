/** The MACs of many handshake packets at once: what comes from strangers is checked this way (link document, section 4.1). */
import { INIT_SIZE, MAC } from '../../../wire/link-packets.ts';
import type { Crypto, MacJobs } from '../../port.ts';

const KEY = 32;
/** The longest text is what mac2 of an INIT covers. */
const STRIDE = INIT_SIZE;

export class MacBatch {
  readonly #macs: Crypto['macs'];
  readonly #jobs: MacJobs;

  /** @param rows the most texts at once */
  constructor({ macs }: Pick<Crypto, 'macs'>, rows: number) {
    this.#macs = macs;
    this.#jobs = {
      texts: new Uint8Array(rows * STRIDE),
      stride: STRIDE,
      lengths: new Int32Array(rows),
      keys: new Uint8Array(rows * KEY),
      macs: new Uint8Array(rows * KEY),
      count: 0,
    };
  }

  clear(): void {
    this.#jobs.count = 0;
  }

  /** A text of at most 139 octets under a key of at most 32: a shorter one is the same as with zeros behind it. */
  add(key: Uint8Array, text: Uint8Array): void {
    const { texts, lengths, keys } = this.#jobs;
    const i = this.#jobs.count++;
    texts.set(text, i * STRIDE);
    lengths[i] = text.length;
    keys.fill(0, i * KEY + key.length, (i + 1) * KEY);
    keys.set(key, i * KEY);
  }

  sign(): void {
    if (this.#jobs.count > 0) this.#macs.sign(this.#jobs);
  }

  /** All 32 octets of row i; good until the next `sign`. */
  digest(i: number): Uint8Array {
    return this.#jobs.macs.subarray(i * KEY, (i + 1) * KEY);
  }

  /** The MAC of row i; good until the next `sign`. */
  mac(i: number): Uint8Array {
    return this.#jobs.macs.subarray(i * KEY, i * KEY + MAC);
  }

  /** Whether the MAC of row i is what stands at `packet[at..]`; takes as long whatever stands there. */
  isAt(i: number, packet: Uint8Array, at: number): boolean {
    const { macs } = this.#jobs;
    let difference = 0;
    for (let k = 0; k < MAC; k++) difference |= (macs[i * KEY + k] as number) ^ (packet[at + k] as number);
    return difference === 0;
  }
}
