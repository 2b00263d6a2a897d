/** Tells when a device file may have come: udev makes it, and its names by id, when the modem is plugged in. */
import { existsSync, type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';

/** A device comes as several events, and its access rights after its name. */
const SETTLE_MS = 300;

export class DeviceWatch {
  readonly #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param changed something in the folder of `path`, or in that above where it is missing, is new; at most once in 300 ms */
  constructor(path: string, changed: () => void) {
    const tell = (): void => {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        changed();
      }, SETTLE_MS);
    };
    let folder = dirname(path);
    while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
    try {
      const watcher = watch(folder, { persistent: false }, tell);
      // Without it the device is found when it is tried again.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      return;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }
}
