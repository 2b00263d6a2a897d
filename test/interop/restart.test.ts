import { describe, test } from 'node:test';
import { needsMesh } from '../support/needs.ts';
import { recoversFromKill } from '../support/scenarios.ts';

const options = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 60_000 };
const kinds = ['ratatosk', 'yggdrasil'] as const;

describe('after SIGKILL and restart of one side traffic flows within 10 s', { concurrency: 2 }, () => {
  for (const victim of ['a', 'b'] as const) {
    for (const dialler of ['a', 'b'] as const) {
      const who = victim === 'a' ? 'ratatosk killed' : 'yggdrasil killed';
      const how = dialler === victim ? 'the killed side dialling' : 'the survivor dialling';
      test(`${who}, ${how}`, options, recoversFromKill(kinds, { victim, dialler }));
    }
  }
});
