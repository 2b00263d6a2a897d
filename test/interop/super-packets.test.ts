import { test } from 'node:test';
import { needsMesh } from '../support/needs.ts';
import { carriesSuperPackets } from '../support/super-scenarios.ts';

const pair = ['ratatosk', 'yggdrasil'] as const;
const options = { skip: needsMesh(...pair), timeout: 120_000 };

for (const mtu of [1_280, 65_535]) {
  test(
    `ratatosk and yggdrasil give each other whole packets, IfMTU ${mtu}`,
    options,
    carriesSuperPackets({ kinds: pair, mtu, isWhole: false }),
  );
}

test(
  'super-packets pass a yggdrasil in between',
  options,
  carriesSuperPackets({ kinds: ['ratatosk', 'yggdrasil', 'ratatosk'], mtu: 1_280, isWhole: true }),
);
