/** Certificates of the real daemon prove its key, whoever dials; so a closed network can hold both kinds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testIdentity } from '../support/identity.ts';
import { withLab } from '../support/lab.ts';
import { at, startMesh } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { assertPings } from '../support/ping.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 60_000 };
const CLOSED = { RequireBound: true, AllowedPublicKeys: [testIdentity(1).publicKeyHex] };

describe('a ratatosk that takes bound links and one key only', { concurrency: 2 }, () => {
  for (const dialler of ['a', 'b'] as const) {
    const who = dialler === 'a' ? 'ratatosk dialling' : 'yggdrasil dialling';
    test(`is linked over tls with the yggdrasil that has it, ${who}`, options, (t) =>
      withLab(async (lab) => {
        const { nodes } = await startMesh(lab, {
          kinds: ['ratatosk', 'yggdrasil'],
          link: { scheme: 'tls', dialler },
          node: (index) => (index === 0 ? { config: CLOSED } : {}),
        });
        const [ours, theirs] = [at(nodes, 0), at(nodes, 1)];
        await waitFor('the link', () => ours.hasPeer(theirs.identity));
        await assertPings(ours, theirs);
        const [peer] = await ours.peers();
        assert.equal((peer as { bound?: boolean } | undefined)?.bound, true);
      })(t),
    );
  }

  test('has no link over tcp, and says why', options, (t) =>
    withLab(async (lab) => {
      const { nodes } = await startMesh(lab, {
        kinds: ['ratatosk', 'yggdrasil'],
        link: { scheme: 'tcp', dialler: 'a' },
        node: (index) => (index === 0 ? { config: CLOSED } : {}),
      });
      const ours = at(nodes, 0);
      const reason = await waitFor('a reason', async () => (await ours.peers())[0]?.last_error);
      assert.match(reason, /link not bound/);
      assert.match(ours.log, /RequireBound refuses every link over tcp/);
    })(t),
  );

  test('has no link over tls with another yggdrasil', options, (t) =>
    withLab(async (lab) => {
      const { nodes } = await startMesh(lab, {
        kinds: ['ratatosk', 'yggdrasil'],
        link: { scheme: 'tls', dialler: 'b' },
        node: (index) =>
          index === 0 ? { config: { ...CLOSED, AllowedPublicKeys: [testIdentity(7).publicKeyHex] } } : {},
      });
      const [ours, theirs] = [at(nodes, 0), at(nodes, 1)];
      await waitFor('the refusal', async () => (await theirs.peers())[0]?.last_error !== undefined);
      assert.equal(await ours.hasPeer(theirs.identity), false);
    })(t),
  );
});
