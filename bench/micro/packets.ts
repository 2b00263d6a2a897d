/** The whole road of packets in memory, and of a datagram link's messages. */
import { bench, group } from 'mitata';
import { Line } from '../../daemon/cli/ceiling/line.ts';
import { SIZES } from '../../daemon/cli/ceiling/sizes.ts';
import type { Crypto } from '../../daemon/core/port.ts';
import { WirePair } from './wire-pair.ts';

export function packets(crypto: Crypto): void {
  group('packets through whole nodes, µs for a batch', () => {
    for (const count of [2, 3, 5]) {
      for (const size of SIZES) {
        for (const [mode, name] of [
          ['off', 'boxes'],
          ['require', 'records'],
        ] as const) {
          const line = new Line(count, size, crypto, mode);
          bench(`${count} nodes, ${line.batchSize} × ${size} octets in ${name}`, () => line.carry());
        }
      }
    }
  });
  group('messages through a pair of channels without keys, µs for a batch', () => {
    for (const [size, mtu] of [
      [64, 1_472],
      [1_400, 1_472],
      [1_400, 65_507],
      [16_384, 1_472],
      [65_000, 65_507],
    ] as const) {
      const pair = new WirePair(size, mtu, crypto);
      bench(`${pair.batchSize} × ${size} octets, packets of ${mtu}`, () => pair.carry());
    }
  });
}
