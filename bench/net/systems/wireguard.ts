/** wireguard-go, configured by `wg` as soon as it listens for that. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../host.ts';
import { addressLine, foreignSystem, INSIDE, peerTool } from './foreign.ts';

const PORT = 51820;

export function wireguard(): System {
  const keys = [newKeys(), newKeys()] as const;
  return foreignSystem('wireguard-go', ['wireguard-go', 'wg'], (lab, index, ends) => {
    const other = index === 0 ? 1 : 0;
    // Its control socket has a name of the whole machine.
    const device = `wg${process.pid}${index}`;
    const file = join(lab.folder, `${device}.conf`);
    const endpoint = index === 0 ? '' : `Endpoint = ${ends[0].ipv4}:${PORT}\n`;
    writeFileSync(
      file,
      `[Interface]\nPrivateKey = ${keys[index].privateKey}\nListenPort = ${PORT}\n` +
        `[Peer]\nPublicKey = ${keys[other].publicKey}\nAllowedIPs = ${INSIDE[other]}/128\n${endpoint}`,
      { mode: 0o600 },
    );
    return {
      address: INSIDE[index],
      device,
      argv: [peerTool('wireguard-go'), '-f', device],
      setUp: `until wg setconf ${device} ${file} 2>/dev/null; do sleep 0.002; done; ${addressLine(INSIDE[index], device)}`,
    };
  });
}

function newKeys(): { privateKey: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const raw = (der: Buffer): string => der.subarray(-32).toString('base64');
  return {
    privateKey: raw(privateKey.export({ format: 'der', type: 'pkcs8' })),
    publicKey: raw(publicKey.export({ format: 'der', type: 'spki' })),
  };
}
