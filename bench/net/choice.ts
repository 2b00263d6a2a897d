/** Which systems a run has, from the words of its command line. */
import { join } from 'node:path';
import type { Scheme } from '../../test/support/carriers.ts';
import { wrongUsage } from '../command.ts';
import type { System } from './host.ts';
import { fastd } from './systems/fastd.ts';
import { type MeshSystem, meshSystem } from './systems/mesh-system.ts';
import { nebula } from './systems/nebula.ts';
import { tinc } from './systems/tinc.ts';
import { VETH } from './systems/veth.ts';
import { wireguard } from './systems/wireguard.ts';

/** `tcp`, `udp3` (a line of three), `stalled-tcp`, `to-yggdrasil`, `from-yggdrasil`. */
export const OURS = ['tcp', 'udp', 'tls', 'ws', 'tcp3', 'udp3', 'tcp5', 'to-yggdrasil', 'from-yggdrasil'] as const;
export const OTHERS = ['yggdrasil', 'wireguard-go', 'nebula', 'tinc', 'fastd'] as const;

const FOREIGN: Readonly<Record<string, () => System>> = { 'wireguard-go': wireguard, nebula, tinc, fastd };
const SCHEMES: readonly Scheme[] = ['tcp', 'tls', 'ws', 'wss', 'udp', 'socks'];
const LINE_MAX = 9;

type Way = { scheme: Scheme; count: number; mixed: 'to' | 'from' | undefined; isStalled: boolean };

/** `base` is another checkout of Ratatosk whose daemon runs beside ours. Throws on a word that means nothing. */
export function chooseSystems(only: readonly string[], against: readonly string[], base: string | undefined): System[] {
  const ways = only.map(readWay);
  const systems = [VETH];
  if (against.includes('yggdrasil')) systems.push(...yggdrasils(ways));
  for (const name of against) {
    if (name === 'yggdrasil') continue;
    const make = FOREIGN[name];
    if (make === undefined) throw wrongUsage(`--against: found ${name}, expected ${OTHERS.join(', ')}`);
    systems.push(make());
  }
  for (const way of ways) {
    const ours = ratatosk(way);
    const id = `base ${ours.id}`;
    systems.push(meshSystem(base === undefined ? ours : { ...ours, references: [...ours.references, id] }));
    if (base === undefined) continue;
    systems.push(meshSystem({ ...ours, id, title: `${ours.title}, base`, main: join(base, 'dist/daemon/main.js') }));
  }
  return systems;
}

function readWay(word: string): Way {
  const mixed = word === 'to-yggdrasil' ? 'to' : word === 'from-yggdrasil' ? 'from' : undefined;
  if (mixed !== undefined) return { scheme: 'tcp', count: 2, mixed, isStalled: false };
  const [, stalled, name, digits] = /^(stalled-)?([a-z]+)([0-9]?)$/.exec(word) ?? [];
  const scheme = SCHEMES.find((one) => one === name);
  const count = Number(digits || 2);
  if (scheme === undefined || count < 2 || count > LINE_MAX) {
    throw wrongUsage(`--only: found ${word}, expected ${OURS.join(', ')} or a scheme with another length of the line`);
  }
  return { scheme, count, mixed, isStalled: stalled !== undefined };
}

function ratatosk(way: Way): MeshSystem {
  const { scheme, count, mixed, isStalled } = way;
  const references = [yggdrasilId(way), ...(scheme === 'udp' && count === 2 ? ['wireguard-go'] : [])];
  if (mixed !== undefined) {
    const [a, b] = mixed === 'to' ? (['ratatosk', 'yggdrasil'] as const) : (['yggdrasil', 'ratatosk'] as const);
    return { id: `${mixed}-yggdrasil`, title: `${a} → ${b}, tcp`, kinds: [a, b], scheme, references };
  }
  const id = `${scheme}${count === 2 ? '' : count}`;
  const plain = { id, title: `ratatosk, ${titleOf(way)}`, kinds: Array(count).fill('ratatosk'), scheme, references };
  if (!isStalled) return plain;
  const env = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'stall.js')}` };
  return {
    ...plain,
    id: `stalled-${id}`,
    title: `${plain.title}, host thread stalled`,
    env,
    references: [...references, id],
  };
}

/** The same ways, each once, by Yggdrasil. It has no udp: tcp stands against that. */
function yggdrasils(ways: readonly Way[]): System[] {
  const systems = new Map<string, System>();
  for (const way of ways) {
    const id = yggdrasilId(way);
    const scheme = schemeOfYggdrasil(way.scheme);
    const title = `yggdrasil, ${titleOf({ ...way, scheme })}`;
    const kinds = Array(way.count).fill('yggdrasil');
    if (!systems.has(id)) systems.set(id, meshSystem({ id, title, kinds, scheme, references: [] }));
  }
  return [...systems.values()];
}

function yggdrasilId({ scheme, count }: Way): string {
  return `yggdrasil-${schemeOfYggdrasil(scheme)}${count === 2 ? '' : count}`;
}

function schemeOfYggdrasil(scheme: Scheme): Scheme {
  return scheme === 'udp' ? 'tcp' : scheme;
}

function titleOf({ scheme, count }: Way): string {
  return count === 2 ? scheme : `${scheme}, line of ${count}`;
}
