import { test } from 'node:test';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import { carriesSizes, runsWithoutStall } from '../support/scenarios.ts';
import { SAMPLED_SIZES } from '../support/sizes.ts';

const kinds = ['ratatosk', 'yggdrasil'] as const;
const skip = needsMesh(...kinds);

test(
  'iperf3 between ratatosk and yggdrasil never stalls for a second',
  { skip: skip || needs(needsTool('iperf3', 'ss')), timeout: 60_000 },
  runsWithoutStall(kinds, 5),
);

test(
  'packets of sampled sizes from 40 to 65535 octets pass between ratatosk and yggdrasil',
  { skip, timeout: 120_000 },
  carriesSizes(kinds, SAMPLED_SIZES, 60_000),
);
