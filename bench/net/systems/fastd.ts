/** fastd in its default mode (TAP) with the method that its documentation recommends. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../host.ts';
import { addressLine, foreignSystem, INSIDE, INTERFACE, peerTool } from './foreign.ts';

const PORT = 10000;

export function fastd(): System {
  let keys: readonly [Keys, Keys] | undefined;
  return foreignSystem('fastd', ['fastd'], (lab, index, ends) => {
    keys ??= [newKeys(), newKeys()];
    const other = index === 0 ? 1 : 0;
    const remote = index === 0 ? '' : `remote ${ends[0].ipv4}:${PORT};`;
    const file = join(lab.folder, `fastd-${index}.conf`);
    writeFileSync(
      file,
      `log level warn;
      interface "${INTERFACE}";
      method "salsa2012+umac";
      bind ${ends[index].ipv4}:${PORT};
      secret "${keys[index].secret}";
      on up "${addressLine(INSIDE[index])}";
      peer "other" { key "${keys[other].open}"; ${remote} }\n`,
      { mode: 0o600 },
    );
    return { address: INSIDE[index], argv: [peerTool('fastd'), '--config', file] };
  });
}

type Keys = { secret: string; open: string };

function newKeys(): Keys {
  const text = execFileSync(peerTool('fastd'), ['--generate-key'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const find = (name: string): string => new RegExp(`${name}:\\s*([0-9a-f]{64})`).exec(text)?.[1] ?? '';
  return { secret: find('Secret'), open: find('Public') };
}
