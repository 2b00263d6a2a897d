import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { checksum, fetchOver } from '../support/http.ts';
import { withLab } from '../support/lab.ts';
import { needs, needsMesh, needsTool } from '../support/needs.ts';
import { EmulatedRadios } from '../support/radio/emulated.ts';
import { answersByRadio, LORA_SF7, startLeafScene } from '../support/radio/leaf-scene.ts';
import { overSsh, SSHD } from '../support/ssh.ts';

const needsServer = existsSync(SSHD) ? undefined : `needs ${SSHD} (openssh-server)`;
const skip = needsMesh('ratatosk', 'yggdrasil') || needs(needsTool('ssh', 'ssh-keygen', 'ss'), needsServer);

/** A login is some 7 kB in eight round trips. */
const [JOIN_MS, LOGIN_MS, PAGE_MS] = [60_000, 180_000, 200_000];

test(
  'ssh from a real Yggdrasil node in the LAN logs in at a LoRa leaf',
  { skip, timeout: 360_000 },
  withLab(async (lab, t) => {
    const radios = new EmulatedRadios();
    t.after(() => radios.close());
    const { plain, leaf } = await startLeafScene(lab, radios, LORA_SF7);
    await answersByRadio(plain, leaf, JOIN_MS);
    const printed = await overSsh(lab, leaf, plain, 'echo over the air', LOGIN_MS);
    assert.equal(printed.trim(), 'over the air');
  }),
);

test(
  'a page of 5 kB crosses from a LoRa leaf to a real Yggdrasil node in the LAN',
  {
    skip,
    timeout: 240_000,
    todo: 'two minutes where nothing else runs, more elsewhere: TCP sends again what still waits for the radio',
  },
  withLab(async (lab, t) => {
    const radios = new EmulatedRadios();
    t.after(() => radios.close());
    const { plain, leaf } = await startLeafScene(lab, radios, LORA_SF7);
    await answersByRadio(plain, leaf, JOIN_MS);
    const page = { seed: 5, octets: 5_000 };
    const fetched = await fetchOver(lab, leaf, plain, page, PAGE_MS);
    assert.deepEqual([fetched.octets, fetched.sha256], [page.octets, checksum(page.seed, page.octets)]);
  }),
);
