import { readFileSync } from 'node:fs';

/** Of package.json, which lies three levels above the built file and two above the source. */
export function version(): string {
  for (const up of ['../../..', '../..']) {
    try {
      const text = readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8');
      const found: unknown = JSON.parse(text);
      if (typeof found === 'object' && found !== null && 'version' in found) return String(found.version);
    } catch {
      // Look at the next place.
    }
  }
  return 'unknown';
}
