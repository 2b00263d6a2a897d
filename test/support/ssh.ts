/** A login by ssh between nodes, with keys of the test's own. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import type { TestNode } from './node.ts';
import { run } from './process.ts';
import { waitFor } from './wait.ts';

const PORT = 2_222;
/** Not in the PATH of everybody. */
export const SSHD = '/usr/sbin/sshd';
/** Where it gives up its rights; Debian makes it when the service starts. */
const SSHD_FOLDER = '/run/sshd';

/** Runs a command at `server` for `client`; what it printed. */
export async function overSsh(
  lab: Lab,
  server: TestNode,
  client: TestNode,
  command: string,
  limitMs: number,
): Promise<string> {
  const file = (name: string): string => join(lab.folder, name);
  for (const name of ['host', 'user']) {
    const { code, stderr } = await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
    if (code !== 0) throw new Error(`ssh-keygen: ${stderr}`);
  }
  mkdirSync(SSHD_FOLDER, { recursive: true, mode: 0o755 });
  writeFileSync(file('known'), `[${server.address}]:${PORT} ${readFileSync(file('host.pub'), 'utf8')}`);
  const serverOptions = [
    `ListenAddress=[${server.address}]:${PORT}`,
    `AuthorizedKeysFile=${file('user.pub')}`,
    'PermitRootLogin=yes',
    'StrictModes=no',
    'UsePAM=no',
    'PidFile=none',
    `HostKey=${file('host')}`,
    `LoginGraceTime=${Math.ceil(limitMs / 1_000)}`,
  ];
  const serving = lab.adopt(server.netns.start([SSHD, '-D', '-e', '-f', '/dev/null', ...asOptions(serverOptions)]));
  await waitFor('sshd to listen', async () => {
    if (serving.end !== undefined) throw new Error(serving.output);
    return (await server.netns.mustRun(['ss', '-Hltn', `sport = :${PORT}`])) !== '';
  });
  const clientOptions = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    `IdentityFile=${file('user')}`,
    `UserKnownHostsFile=${file('known')}`,
    `ConnectTimeout=${Math.ceil(limitMs / 1_000)}`,
  ];
  const line = ['ssh', '-F', '/dev/null', '-p', String(PORT), ...asOptions(clientOptions), `root@${server.address}`];
  const printed = await client.netns.mustRun([...line, command], { limitMs });
  await serving.stop('SIGKILL');
  return printed;
}

function asOptions(options: readonly string[]): string[] {
  return options.flatMap((option) => ['-o', option]);
}
