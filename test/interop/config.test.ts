import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { adminRequest, type SelfAnswer } from '../support/admin.ts';
import { type Lab, withLab } from '../support/lab.ts';
import { needsMesh } from '../support/needs.ts';
import { ratatoskMain, yggdrasilTool } from '../support/places.ts';
import { mustRun, type Running } from '../support/process.ts';
import { waitFor } from '../support/wait.ts';

const options = { skip: needsMesh('ratatosk', 'yggdrasil'), timeout: 60_000 };
const SOCKET = '/run/ratatosk/ratatosk.sock';

for (const [name, flags] of [
  ['HJSON', []],
  ['JSON', ['-json']],
] as const) {
  test(
    `the ${name} that yggdrasil generates runs unchanged and gives the same address and subnet in both daemons`,
    options,
    withLab(async (lab) => {
      const yggdrasil = yggdrasilTool('yggdrasil') ?? 'yggdrasil';
      const path = join(lab.folder, 'yggdrasil.conf');
      writeFileSync(path, await mustRun([yggdrasil, '-genconf', ...flags]), { mode: 0o600 });
      const ask = async (what: string) => (await mustRun([yggdrasil, '-useconffile', path, what])).trim();
      const expected = { address: await ask('-address'), subnet: await ask('-subnet'), key: await ask('-publickey') };

      const { address, subnet, key } = await selfOf(await startWithPrivateRun(lab, path));
      assert.deepEqual({ address, subnet, key }, expected);
    }),
  );
}

/** The file names no admin socket, so the daemon takes its default; `/run` is a private one. */
async function startWithPrivateRun(lab: Lab, configPath: string): Promise<Running> {
  const netns = await lab.netns('conf');
  const script = 'mount -t tmpfs tmpfs /run && exec "$0" "$@"';
  return lab.adopt(
    netns.start(['sh', '-c', script, process.execPath, ratatoskMain, 'up', '--config', configPath], {
      env: { HOME: lab.folder, STATE_DIRECTORY: lab.folder },
    }),
  );
}

async function selfOf(daemon: Running): Promise<SelfAnswer> {
  return waitFor(`an answer from the default socket\n${daemon.output}`, async () => {
    if (daemon.end !== undefined) throw new Error(`ended: ${daemon.output}`);
    return await adminRequest<SelfAnswer>(`/proc/${daemon.pid}/root${SOCKET}`, 'getself');
  });
}
