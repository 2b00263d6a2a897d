import { describe, test } from 'node:test';
import { testIdentity } from '../support/identity.ts';
import type { DaemonKind } from '../support/kind.ts';
import { needsMesh } from '../support/needs.ts';
import { refusesLink } from '../support/scenarios.ts';

const options = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 60_000 };
const strangersKey = testIdentity(99).publicKeyHex;
/** The first one listens, the second one dials. */
const pairs: readonly (readonly [DaemonKind, DaemonKind])[] = [
  ['ratatosk', 'yggdrasil'],
  ['yggdrasil', 'ratatosk'],
];

describe('a link that is not wanted', { concurrency: 3 }, () => {
  for (const kinds of pairs) {
    const who = `a ${kinds[1]} dialling a ${kinds[0]}`;
    test(
      `with a wrong password is refused: ${who}`,
      options,
      refusesLink(
        kinds,
        { scheme: 'tls', password: 'right', diallerPassword: 'wrong' },
        (uri) => `${uri}?password=right`,
      ),
    );
    test(
      `without the password is refused: ${who}`,
      options,
      refusesLink(kinds, { scheme: 'ws', password: 'right', diallerPassword: '' }, (uri) => `${uri}?password=right`),
    );
    test(
      `to a key other than the pinned one is refused: ${who}`,
      options,
      refusesLink(kinds, { pinnedKeyHex: strangersKey }, (uri) => uri),
    );
  }
});
