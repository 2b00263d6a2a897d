/** Lines of Ratatosk and of the real Yggdrasil, alone or mixed, over any link. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { needsCarrier, type Scheme } from '../../../test/support/carriers.ts';
import type { DaemonKind } from '../../../test/support/kind.ts';
import { layMesh, settle } from '../../../test/support/mesh.ts';
import { needs, needsMesh } from '../../../test/support/needs.ts';
import { newerYggdrasil, yggdrasilTool } from '../../../test/support/places.ts';
import type { System } from '../host.ts';

export type MeshSystem = {
  readonly id: string;
  readonly title: string;
  readonly references: readonly string[];
  readonly kinds: readonly DaemonKind[];
  readonly scheme: Scheme;
  /** The `main.js` of Ratatosk, if it is not this checkout's. */
  readonly main?: string;
  /** Of Ratatosk's daemons. */
  readonly env?: NodeJS.ProcessEnv;
};

export function meshSystem(options: MeshSystem): System {
  const { id, title, references, kinds, scheme, main, env } = options;
  const binaries = { ratatosk: main, yggdrasil: yggdrasilDaemon() };
  return {
    id,
    title,
    references,
    missing: () => {
      const build = main === undefined || existsSync(main) ? undefined : `needs ${main}`;
      return needsMesh(...kinds) || needs(needsCarrier(scheme), build);
    },
    lay: async (lab) => {
      const node = (index: number) => {
        const kind = kinds[index] ?? 'ratatosk';
        return { binary: binaries[kind], logLevel: 'info' as const, ...(kind === 'ratatosk' && env ? { env } : {}) };
      };
      const { nodes, cables } = await layMesh(lab, { kinds, link: { scheme }, node });
      const hosts = nodes.map((daemon) => ({
        netns: daemon.netns,
        address: daemon.address,
        label: daemon.label,
        daemon,
      }));
      // A first message of a session that finds no way back is repeated after a minute only, if Yggdrasil sends it.
      const isTouchy = kinds.length > 2 && kinds.includes('yggdrasil');
      return { hosts, cables, settle: (count) => settle(nodes.slice(0, count)), isTouchy };
    },
  };
}

/** Of the folder YGGDRASIL_BIN if that is given; else the newest that is here. */
export function yggdrasilDaemon(): string | undefined {
  const folder = process.env.YGGDRASIL_BIN;
  const given = folder === undefined ? undefined : join(folder, 'yggdrasil');
  if (given !== undefined && existsSync(given)) return given;
  return newerYggdrasil() ?? yggdrasilTool('yggdrasil');
}
