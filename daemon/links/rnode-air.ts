/** What an RNode's frames cost and how it comes to the channel (radio reference, section 2.2). Times in ms. */
import type { ModemAir } from './dialect.ts';
import type { LoraOptions } from './modem-options.ts';

const PREAMBLE = { symbols: 18, ms: 24, fastMs: 6 };
/** From here on preambles and slots are short. */
const FAST_BITS_PER_SECOND = 30_000;
const SLOT = { symbols: 12, least: 24, fastLeast: 6, most: 100 };
/** Two slots, then 0 to 14 more. */
const MEAN_SLOTS = 2 + 7;
/** Up to this rate one access empties the modem's queue. */
const FLUSH_BITS_PER_SECOND = 14_000;
const TURNAROUND_MS = 20;
/** In front of each transmission. */
const HEADER = 1;

export function rnodeAir({ bandwidthHz, spreadingFactor, codingRate }: LoraOptions): ModemAir {
  const symbolMs = (2 ** spreadingFactor * 1_000) / bandwidthHz;
  const bitsPerSecond = ((spreadingFactor * 1_000) / symbolMs) * (4 / codingRate);
  const isFast = bitsPerSecond > FAST_BITS_PER_SECOND;
  const preambleMs = isFast ? PREAMBLE.fastMs : PREAMBLE.ms;
  const preambleSymbols = Math.max(PREAMBLE.symbols, Math.ceil(preambleMs / symbolMs));
  const leastMs = isFast ? SLOT.fastLeast : SLOT.least;
  const slotMs = Math.min(SLOT.most, Math.max(leastMs, SLOT.symbols * symbolMs));
  return {
    modulation: { kind: 'lora', spreadingFactor, bandwidthHz, codingRate, preambleSymbols },
    frameOverhead: HEADER,
    accessMs: MEAN_SLOTS * slotMs,
    sharesAccess: bitsPerSecond <= FLUSH_BITS_PER_SECOND,
    turnaroundMs: TURNAROUND_MS,
  };
}
