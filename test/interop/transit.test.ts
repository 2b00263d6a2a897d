import { describe, test } from 'node:test';
import { needsMesh } from '../support/needs.ts';
import { carriesAlongLine, carriesBulk } from '../support/scenarios.ts';

const options = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 120_000 };
const [r, y] = ['ratatosk', 'yggdrasil'] as const;

describe('traffic both ways', { concurrency: 2 }, () => {
  test('between two yggdrasils through a ratatosk', options, carriesAlongLine([y, r, y]));
  test('between two ratatosks through a yggdrasil', options, carriesAlongLine([r, y, r]));
  test('along an alternating line of five, ratatosks at its ends', options, carriesAlongLine([r, y, r, y, r]));
  test('along an alternating line of five, yggdrasils at its ends', options, carriesAlongLine([y, r, y, r, y]));
});

test('64 MiB arrive whole both ways through a yggdrasil', options, carriesBulk([r, y, r], 64 * 1024 * 1024));
test('64 MiB arrive whole both ways through a ratatosk', options, carriesBulk([y, r, y], 64 * 1024 * 1024));
