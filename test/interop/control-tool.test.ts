import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Lab, withLab } from '../support/lab.ts';
import { settle, startPair } from '../support/mesh.ts';
import { needsMesh } from '../support/needs.ts';
import { type TestNode, TUN_NAME } from '../support/node.ts';
import { assertPings } from '../support/ping.ts';
import { yggdrasilTool } from '../support/places.ts';
import { type Outcome, run } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const NOBODYS_URI = 'tcp://127.0.0.1:1';

test(
  'the real yggdrasilctl prints its tables from our socket',
  { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 60_000 },
  withLab(async (lab: Lab, t) => {
    const { a, b, cable } = await startPair(lab, ['yggdrasil', 'ratatosk']);
    await settle([a, b]);
    await assertPings(a, b);
    const uri = `tcp://${cable.a.ipv4}:9100`;
    const prints = (name: string, words: readonly string[], cells: readonly (readonly string[])[]) =>
      t.test(name, async () => {
        const outcome = await control(b, words);
        assert.equal(outcome.code, 0, outcome.stdout + outcome.stderr);
        const rows = tableOf(outcome.stdout);
        for (const row of cells) {
          assert.ok(
            rows.some((found) => row.every((cell) => found.includes(cell))),
            `no row with ${row.join(', ')} in\n${outcome.stdout}`,
          );
        }
      });

    await prints(
      'getself',
      ['getself'],
      [
        ['IPv6 address:', b.address],
        ['IPv6 subnet:', b.identity.subnet],
        ['Routing table size:', '2'],
        ['Public key:', b.identity.publicKeyHex],
      ],
    );
    await prints('getpeers', ['getpeers'], [[uri, 'Up', 'Out', a.address]]);
    await prints(
      'gettree',
      ['gettree'],
      [
        [a.identity.publicKeyHex, a.address],
        [b.identity.publicKeyHex, b.address],
      ],
    );
    await prints('getpaths', ['getpaths'], [[a.identity.publicKeyHex, a.address]]);
    await prints('getsessions', ['getsessions'], [[a.identity.publicKeyHex, a.address]]);
    await prints(
      'gettun',
      ['gettun'],
      [
        ['TUN enabled:', 'true'],
        ['Interface name:', TUN_NAME],
        ['Interface MTU:', '65535'],
      ],
    );
    await prints('list', ['list'], [['addpeer', 'uri=..., interface=...'], ['getself'], ['list']]);
    await prints('getmulticastinterfaces', ['getmulticastinterfaces'], [['Name', 'Listen Address', 'Beacon']]);

    await t.test('addpeer and removepeer', async () => {
      assert.deepEqual(await control(b, ['addpeer', `uri=${NOBODYS_URI}`]), printed(''));
      await waitFor('the new peer to be listed with its failure', async () => {
        const rows = tableOf((await control(b, ['getpeers'])).stdout);
        return rows.some(
          (row) => row.includes(NOBODYS_URI) && row.includes('Down') && row.some((cell) => / ago: /.test(cell)),
        );
      });
      assert.equal((await control(b, ['addpeer', `uri=${NOBODYS_URI}`])).code, 1, 'the same peer twice');
      assert.deepEqual(await control(b, ['removepeer', `uri=${NOBODYS_URI}`]), printed(''));
      assert.equal((await control(b, ['removepeer', `uri=${NOBODYS_URI}`])).code, 1, 'a peer that is not there');
      const rows = tableOf((await control(b, ['getpeers'])).stdout);
      assert.ok(!rows.some((row) => row.includes(NOBODYS_URI)), 'still listed');
    });

    await t.test('an unknown command fails with a message', async () => {
      const outcome = await control(b, ['nosuch']);
      assert.equal(outcome.code, 1);
      assert.match(outcome.stdout + outcome.stderr, /nosuch/i);
    });

    await t.test('removepeer ends the link, addpeer makes it anew', async () => {
      await control(b, ['removepeer', `uri=${uri}`]);
      await waitFor(
        'the link to end on both sides',
        async () => !(await a.hasPeer(b.identity)) && !(await b.hasPeer(a.identity)),
      );
      await control(b, ['addpeer', `uri=${uri}`]);
      await waitFor('the link to come back', () => a.hasPeer(b.identity));
      await assertPings(b, a);
    });
  }),
);

function control(node: TestNode, words: readonly string[]): Promise<Outcome> {
  return run([yggdrasilTool('yggdrasilctl') ?? 'yggdrasilctl', `-endpoint=unix://${node.adminPath}`, ...words]);
}

const printed = (stdout: string): Outcome => ({ stdout, stderr: '', code: 0, signal: null });

/** The cells of each line; 0.5.12 separates them by tabs, later ones by frames. */
function tableOf(text: string): string[][] {
  return text.split('\n').map((line) => line.split(/[\t│┃|]/).map((cell) => cell.trim()));
}
