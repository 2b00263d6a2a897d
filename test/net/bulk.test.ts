import { test } from 'node:test';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import { carriesSizes, runsWithoutStall } from '../support/scenarios.ts';
import { SAMPLED_SIZES } from '../support/sizes.ts';

const two = ['ratatosk', 'ratatosk'] as const;
const skip = needsMesh('ratatosk');

test(
  'iperf3 between two ratatosks never stalls for a second',
  { skip: skip || needs(needsTool('iperf3', 'ss')), timeout: 60_000 },
  runsWithoutStall(two, 5),
);

test(
  'packets of sampled sizes from 40 to 65535 octets pass between two ratatosks',
  { skip, timeout: 120_000 },
  carriesSizes(two, SAMPLED_SIZES, 60_000),
);
