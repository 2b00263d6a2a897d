import { test } from 'node:test';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import { carriesBulk, carriesSizes, runsWithoutStall } from '../support/scenarios.ts';
import { EVERY_SIZE } from '../support/sizes.ts';

const [r, y] = ['ratatosk', 'yggdrasil'] as const;
const skip = needsMesh(r, y);
const skipIperf = skip || needs(needsTool('iperf3', 'ss'));
const GIB = 1024 * 1024 * 1024;

test('1 GiB arrives whole both ways through a yggdrasil', { skip, timeout: 600_000 }, carriesBulk([r, y, r], GIB));
test('1 GiB arrives whole both ways through a ratatosk', { skip, timeout: 600_000 }, carriesBulk([y, r, y], GIB));

for (const kinds of [
  [r, r],
  [r, y],
] as const) {
  const who = kinds.join(' and ');
  test(
    `iperf3 between ${who} runs 30 s without a stall`,
    { skip: skipIperf, timeout: 180_000 },
    runsWithoutStall(kinds, 30),
  );
  test(
    `packets of every size from 40 to 65535 octets pass between ${who}`,
    { skip, timeout: 1_800_000 },
    carriesSizes(kinds, EVERY_SIZE, 800_000),
  );
}
