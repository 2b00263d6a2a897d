import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DaemonKind } from '../support/kind.ts';
import { withLab } from '../support/lab.ts';
import { becomeNeighbours, startLan } from '../support/lan.ts';
import { at } from '../support/mesh.ts';
import { needs, needsMesh, needsNewerYggdrasil } from '../support/needs.ts';
import { assertPings, ping } from '../support/ping.ts';
import { newerYggdrasil } from '../support/places.ts';

const skip = needsMesh('ratatosk', 'yggdrasil') || needs(needsNewerYggdrasil());
const options = { skip, timeout: 90_000 };
const withPassword = (kind: DaemonKind, GroupPassword: string) => ({
  kind,
  config: { GroupPassword },
  binary: kind === 'yggdrasil' ? newerYggdrasil() : undefined,
});

describe('a group password', { concurrency: 2 }, () => {
  test(
    'that is the same in both daemons lets them speak',
    options,
    withLab(async (lab) => {
      const word = 'four owls & a bell';
      const nodes = await startLan(lab, [withPassword('ratatosk', word), withPassword('yggdrasil', word)]);
      await becomeNeighbours(nodes);
      await assertPings(at(nodes, 0), at(nodes, 1));
      await assertPings(at(nodes, 1), at(nodes, 0));
    }),
  );

  test(
    'that one of three lacks leaves all links, and only those who have it speak',
    options,
    withLab(async (lab) => {
      const nodes = await startLan(lab, [
        withPassword('ratatosk', 'owls'),
        withPassword('yggdrasil', ''),
        withPassword('yggdrasil', 'owls'),
      ]);
      await becomeNeighbours(nodes);
      await assertPings(at(nodes, 0), at(nodes, 2));
      const inVain = await Promise.all([
        ping(at(nodes, 0), at(nodes, 1), { count: 3, limitMs: 2_000 }),
        ping(at(nodes, 1), at(nodes, 0), { count: 3, limitMs: 2_000 }),
      ]);
      assert.deepEqual(
        inVain.map(({ received }) => received),
        [0, 0],
      );
    }),
  );
});
