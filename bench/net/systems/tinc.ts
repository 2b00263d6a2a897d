/** tinc 1.0 in its default mode, a router. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../host.ts';
import { addressLine, foreignSystem, INSIDE, INTERFACE, peerTool } from './foreign.ts';

const NAMES = ['a', 'b'] as const;

export function tinc(): System {
  const keys = NAMES.map(() =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    }),
  );
  return foreignSystem('tinc', ['tincd'], (lab, index, ends) => {
    const folder = join(lab.folder, `tinc-${index}`);
    mkdirSync(join(folder, 'hosts'), { recursive: true });
    const connect = index === 0 ? '' : `ConnectTo = ${NAMES[0]}\n`;
    writeFileSync(join(folder, 'tinc.conf'), `Name = ${NAMES[index]}\nInterface = ${INTERFACE}\n${connect}`);
    writeFileSync(join(folder, 'rsa_key.priv'), keys[index]?.privateKey ?? '', { mode: 0o600 });
    writeFileSync(join(folder, 'tinc-up'), `#!/bin/sh\n${addressLine(INSIDE[index])}\n`, { mode: 0o755 });
    for (const [i, name] of NAMES.entries()) {
      const head = `Address = ${ends[i === 0 ? 0 : 1].ipv4}\nSubnet = ${INSIDE[i === 0 ? 0 : 1]}/128\n`;
      writeFileSync(join(folder, 'hosts', name), `${head}${keys[i]?.publicKey ?? ''}`);
    }
    return {
      address: INSIDE[index],
      argv: [peerTool('tincd'), '-c', folder, '-D', `--pidfile=${join(folder, 'pid')}`],
    };
  });
}
