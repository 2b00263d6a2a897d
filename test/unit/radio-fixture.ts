/** A radio as operators in Europe have it. */
import type { AirFacts } from '../../daemon/core/port.ts';
import { HOUR_MS } from '../../daemon/core/radio/ledger.ts';

export const AIR: AirFacts = {
  modulation: { kind: 'lora', spreadingFactor: 7, bandwidthHz: 125_000, codingRate: 5, preambleSymbols: 24 },
  frameOverhead: 1,
  accessMs: 216,
  sharesAccess: true,
  turnaroundMs: 20,
  limits: [{ windowMs: HOUR_MS, airMs: 36_000, frameMs: Number.POSITIVE_INFINITY }],
  share: 0.25,
  ledger: 'rnode:///dev/ttyUSB0 EU868 868-868.6 MHz',
};
