/** Nebula, its first host the lighthouse. IPv4 inside: it knows no other. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../host.ts';
import { foreignSystem, INTERFACE, peerTool } from './foreign.ts';

const PORT = 4242;
const ADDRESSES = ['192.168.98.1', '192.168.98.2'] as const;

export function nebula(): System {
  return foreignSystem('nebula', ['nebula', 'nebula-cert'], (lab, index, ends) => {
    const file = (name: string): string => join(lab.folder, name);
    const cert = (...args: string[]) => execFileSync(peerTool('nebula-cert'), args, { stdio: 'ignore' });
    const ca = ['-ca-crt', file('ca.crt'), '-ca-key', file('ca.key')];
    if (!existsSync(file('ca.crt'))) {
      cert('ca', '-name', 'bench', '-out-crt', file('ca.crt'), '-out-key', file('ca.key'));
    }
    const name = `host${index}`;
    const out = ['-out-crt', file(`${name}.crt`), '-out-key', file(`${name}.key`)];
    cert('sign', '-name', name, '-ip', `${ADDRESSES[index]}/24`, ...ca, ...out);
    const anything = [{ port: 'any', proto: 'any', host: 'any' }];
    const config = {
      pki: { ca: file('ca.crt'), cert: file(`${name}.crt`), key: file(`${name}.key`) },
      static_host_map: { [ADDRESSES[0]]: [`${ends[0].ipv4}:${PORT}`] },
      lighthouse: { am_lighthouse: index === 0, hosts: index === 0 ? [] : [ADDRESSES[0]] },
      listen: { host: '0.0.0.0', port: PORT },
      tun: { dev: INTERFACE },
      firewall: { outbound: anything, inbound: anything },
    };
    // Every JSON document is a YAML one.
    writeFileSync(file(`${name}.yml`), JSON.stringify(config), { mode: 0o600 });
    return { address: ADDRESSES[index], argv: [peerTool('nebula'), '-config', file(`${name}.yml`)] };
  });
}
