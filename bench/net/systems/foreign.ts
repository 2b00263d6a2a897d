/** Other overlay daemons between two hosts, as their documentation sets them up, everything else at its default. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../../../test/support/lab.ts';
import { needs, needsRoot, needsTool, needsTun } from '../../../test/support/needs.ts';
import type { Cable, CableEnd, Netns } from '../../../test/support/netns.ts';
import { repoRoot, toolInPath } from '../../../test/support/places.ts';
import type { Running } from '../../../test/support/process.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { Daemon, Host, Line, System } from '../host.ts';

export const INTERFACE = 'vpn0';

/** Addresses of the two hosts inside the overlay, unless it knows IPv4 only. */
export const INSIDE = ['fd98::1', 'fd98::2'] as const;

export type ForeignOptions = {
  readonly label: string;
  readonly netns: Netns;
  readonly address: string;
  readonly argv: readonly string[];
  readonly device?: string;
  /** Runs beside the daemon from its start: what the operator's script would do. */
  readonly setUp?: string;
};

class ForeignDaemon implements Daemon {
  readonly #lab: Lab;
  readonly #options: ForeignOptions;
  #running: Running | undefined;

  constructor(lab: Lab, options: ForeignOptions) {
    this.#lab = lab;
    this.#options = options;
  }

  get pid(): number {
    return this.#running?.pid ?? -1;
  }

  launch(): void {
    const { netns, argv, setUp } = this.#options;
    this.#running = this.#lab.adopt(netns.start(argv));
    if (setUp !== undefined) this.#lab.adopt(netns.start(['sh', '-c', setUp]));
  }

  async ready(): Promise<void> {
    const { argv, netns, address, device = INTERFACE } = this.#options;
    await waitFor(`${argv[0]} to be ready\n${this.#running?.output}`, async () => {
      if (this.#running?.end !== undefined) return true;
      return (await netns.mustRun(['ip', '-o', 'addr', 'show', 'dev', device])).includes(` ${address}/`);
    });
    if (this.#running?.end !== undefined) throw new Error(`${argv.join(' ')} ended:\n${this.#running.output}`);
  }
}

/** Of `.tools/peers` if it is there: newer than what the system has. */
export function peerTool(name: string): string {
  const places = ['bin', 'sbin'].map((folder) => join(repoRoot, '.tools/peers/usr', folder, name));
  return places.find((path) => existsSync(path)) ?? toolInPath(name) ?? name;
}

/** How an address is given to an interface, as a line for a shell. */
export function addressLine(address: string, device = INTERFACE): string {
  const options = address.includes(':') ? '/64 nodad' : '/24';
  return `ip addr add ${address}${options} dev ${device} && ip link set ${device} up`;
}

/** `host` makes what one end needs: 0 is waited for, 1 comes later and connects. */
export function foreignSystem(
  id: string,
  tools: readonly string[],
  host: (lab: Lab, index: 0 | 1, ends: readonly [CableEnd, CableEnd]) => Omit<ForeignOptions, 'label' | 'netns'>,
): System {
  return {
    id,
    title: id,
    references: [],
    missing: () => {
      const absent = tools.filter((tool) => !existsSync(peerTool(tool)));
      return needs(
        needsRoot(),
        needsTun(),
        needsTool('ip', 'setpriv'),
        absent.length === 0 ? undefined : `needs ${absent.join(', ')}`,
      );
    },
    lay: async (lab): Promise<Line> => {
      const cable: Cable = await lab.cable(await lab.netns('a'), await lab.netns('b'));
      const make = (index: 0 | 1): Host => {
        const { netns } = index === 0 ? cable.a : cable.b;
        const options = { label: index === 0 ? 'a' : 'b', netns, ...host(lab, index, [cable.a, cable.b]) };
        return { ...options, daemon: new ForeignDaemon(lab, options) };
      };
      return { hosts: [make(0), make(1)], cables: [cable] };
    },
  };
}
