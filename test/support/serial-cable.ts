/** A serial cable between two devices that are ptys: what is written to one end is read from the other. */
import { existsSync } from 'node:fs';
import type { Lab } from './lab.ts';
import { Running } from './process.ts';
import { waitFor } from './wait.ts';

export class SerialCable {
  readonly ends: readonly [string, string];
  readonly #lab: Lab;
  #socat: Running | undefined;

  /** The paths are free for the ends. */
  constructor(lab: Lab, a: string, b: string) {
    this.#lab = lab;
    this.ends = [a, b];
  }

  async plug(): Promise<void> {
    this.#socat = this.#lab.adopt(new Running(['socat', ...this.ends.map((end) => `pty,raw,echo=0,link=${end}`)]));
    await waitFor('the cable', () => this.ends.every((end) => existsSync(end)));
  }

  /** Both devices are gone. */
  async unplug(): Promise<void> {
    await this.#socat?.stop('SIGTERM');
    this.#socat = undefined;
  }
}

/** A device whose octets go to a TCP port, as if the modem behind it had a cable. */
export async function deviceTo(lab: Lab, path: string, port: number): Promise<Running> {
  const socat = lab.adopt(new Running(['socat', `pty,raw,echo=0,link=${path}`, `tcp:127.0.0.1:${port}`]));
  await waitFor('the device', () => existsSync(path));
  return socat;
}
