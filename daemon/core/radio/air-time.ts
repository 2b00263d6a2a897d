/** How long octets are on the air (radio reference, section 3; Semtech AN1200.13). */
import type { AirFacts, Modulation } from './facts.ts';

type Lora = Extract<Modulation, { kind: 'lora' }>;

/** What a LoRa transceiver sends at once; longer frames leave as several. */
export const LORA_OCTETS_MAX = 255;

/** Symbols as long as this make transceivers use two bits a symbol less. */
const SLOW_SYMBOL_MS = 16;

/** RNode (section 2.2): a preamble has so many symbols, and lasts so long. */
const RNODE_PREAMBLE = { symbols: 18, ms: 24, fastMs: 6, fastBitsPerSecond: 30_000 };

/** ms of one transmission of `octets`, all that the transceiver is given. LoRa: explicit header, CRC on, at most 255 octets. */
export function airMs(modulation: Modulation, octets: number): number {
  if (modulation.kind === 'rate') return modulation.frameMs + (octets * 8_000) / modulation.bitsPerSecond;
  return (preambleSymbols(modulation) + payloadSymbols(modulation, octets)) * symbolMs(modulation);
}

/** ms of one frame of a link: with what the modem puts before it, in as many transmissions as it takes. */
export function frameAirMs(air: AirFacts, octets: number): number {
  const room = LORA_OCTETS_MAX - air.frameOverhead;
  if (air.modulation.kind === 'rate' || octets <= room) return airMs(air.modulation, octets + air.frameOverhead);
  const full = Math.floor((octets - 1) / room);
  const rest = octets - full * room + air.frameOverhead;
  return full * airMs(air.modulation, LORA_OCTETS_MAX) + airMs(air.modulation, rest);
}

/** Bits per second of a frame's content, the preamble apart. */
export function bitRate(modulation: Modulation): number {
  if (modulation.kind === 'rate') return modulation.bitsPerSecond;
  return ((modulation.spreadingFactor * 1_000) / symbolMs(modulation)) * (4 / modulation.codingRate);
}

/** Symbols of the preamble that an RNode sends. */
export function rnodePreambleSymbols(spreadingFactor: number, bandwidthHz: number, codingRate: number): number {
  const modulation = { kind: 'lora', spreadingFactor, bandwidthHz, codingRate, preambleSymbols: 0 } as const;
  const isFast = bitRate(modulation) > RNODE_PREAMBLE.fastBitsPerSecond;
  const leastMs = isFast ? RNODE_PREAMBLE.fastMs : RNODE_PREAMBLE.ms;
  return Math.max(RNODE_PREAMBLE.symbols, Math.ceil(leastMs / symbolMs(modulation)));
}

export function symbolMs(lora: Pick<Lora, 'spreadingFactor' | 'bandwidthHz'>): number {
  return (2 ** lora.spreadingFactor * 1_000) / lora.bandwidthHz;
}

function isShort(lora: Lora): boolean {
  return lora.spreadingFactor < 7;
}

function preambleSymbols(lora: Lora): number {
  return lora.preambleSymbols + (isShort(lora) ? 6.25 : 4.25);
}

function payloadSymbols(lora: Lora, octets: number): number {
  const bits = 8 * octets - 4 * lora.spreadingFactor + (isShort(lora) ? 36 : 44);
  const isSlow = symbolMs(lora) >= SLOW_SYMBOL_MS;
  const bitsPerBlock = 4 * (lora.spreadingFactor - (isSlow ? 2 : 0));
  return 8 + Math.max(Math.ceil(bits / bitsPerBlock) * lora.codingRate, 0);
}
