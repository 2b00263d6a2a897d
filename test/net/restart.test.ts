import { describe, test } from 'node:test';
import { needsMesh } from '../support/needs.ts';
import { recoversFromKill } from '../support/scenarios.ts';

const options = { skip: needsMesh('ratatosk'), timeout: 60_000 };
const two = ['ratatosk', 'ratatosk'] as const;

describe('after SIGKILL and restart of a ratatosk traffic flows within 10 s', { concurrency: 2 }, () => {
  test('when it dials', options, recoversFromKill(two, { victim: 'b', dialler: 'b' }));
  test('when the surviving ratatosk dials', options, recoversFromKill(two, { victim: 'b', dialler: 'a' }));
});
