import { test } from 'node:test';
import { needsMesh } from '../support/needs.ts';
import { keepsPeerOverCables } from '../support/scenarios-life.ts';

const options = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 90_000 };

// The real daemon goes on sending over a dead cable for 3 s.
test(
  'a ratatosk with two cables to a yggdrasil keeps it as a peer when one is cut, then the other',
  options,
  keepsPeerOverCables(['yggdrasil', 'ratatosk'], 4_500),
);
