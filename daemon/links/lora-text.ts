import type { LoraOptions } from './modem-options.ts';

/** Parameters in one line: `869.525 MHz, SF7, 125 kHz, 4/5, 14 dBm`. */
export function loraText({ frequencyHz, bandwidthHz, spreadingFactor, codingRate, powerDbm }: LoraOptions): string {
  const parts = [
    `${frequencyHz / 1e6} MHz`,
    `SF${spreadingFactor}`,
    `${bandwidthHz / 1e3} kHz`,
    `4/${codingRate}`,
    `${powerDbm} dBm`,
  ];
  return parts.join(', ');
}
