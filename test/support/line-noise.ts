/** What a bad serial line does to octets: some come out wrong, some not at all, some are new. */
import type { Chance } from './core.ts';

/** `share` of the octets are met by an error, each kind as often as the others. */
export function lineNoise(octets: Uint8Array, share: number, chance: Chance): { octets: Uint8Array; errors: number } {
  const out: number[] = [];
  let errors = 0;
  for (const octet of octets) {
    const isHit = chance.u32() / 2 ** 32 < share;
    if (!isHit) {
      out.push(octet);
      continue;
    }
    errors++;
    const kind = chance.u32() % 3;
    if (kind === 0) out.push(octet ^ (1 + (chance.u32() % 255)));
    else if (kind === 1) out.push(octet, chance.u32() % 256);
  }
  return { octets: Uint8Array.from(out), errors };
}
