/** A radio for simulated cables: LoRa at SF7 and 125 kHz behind an RNode (radio reference, sections 2.2 and 3). */
import type { AirFacts } from '../../daemon/core/port.ts';
import type { DatagramWeather } from './datagram-cable.ts';

export const SF7: AirFacts = {
  modulation: { kind: 'lora', spreadingFactor: 7, bandwidthHz: 125_000, codingRate: 5, preambleSymbols: 24 },
  frameOverhead: 1,
  accessMs: 216,
  sharesAccess: true,
  turnaroundMs: 20,
  limits: [],
  share: 1,
  ledger: 'simulated',
};

export function radioWeather(loss = 0, air = SF7): DatagramWeather {
  return { loss, repeat: 0, jitterMs: 0, mtu: 254, air };
}
