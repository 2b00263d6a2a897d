import { test } from 'node:test';
import { withLab } from '../support/lab.ts';
import { survivesNat } from '../support/nat.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';

const skip = needsMesh('ratatosk') || needs(needsTool('nft', 'sysctl'));

test(
  'a NAT that changes its mapping every 15 s for a minute and a half breaks no flow',
  { skip, timeout: 300_000 },
  withLab((lab, t) => survivesNat(lab, t, { changes: 6, everyMs: 15_000, octets: 500_000_000 })),
);
