/**
 * What a test needs of the machine. Each function gives a reason to skip, or undefined when the need is met;
 * `needs` joins them for the `skip` option of node:test.
 */
import { existsSync } from 'node:fs';
import { cast, type DaemonKind } from './kind.ts';
import { newerYggdrasil, ratatoskMain, toolInPath, yggdrasilTool } from './places.ts';
import { run } from './process.ts';

export function needs(...reasons: readonly (string | undefined)[]): string | false {
  const missing = reasons.filter((reason) => reason !== undefined);
  return missing.length === 0 ? false : missing.join('; ');
}

export function needsRoot(): string | undefined {
  return process.getuid?.() === 0 ? undefined : 'needs root, to make network namespaces';
}

export function needsTun(): string | undefined {
  return existsSync('/dev/net/tun') ? undefined : 'needs /dev/net/tun (modprobe tun)';
}

export function needsTool(...names: readonly string[]): string | undefined {
  const missing = names.filter((name) => toolInPath(name) === undefined);
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')} in PATH`;
}

export function needsYggdrasil(): string | undefined {
  if (yggdrasilTool('yggdrasil') !== undefined && yggdrasilTool('yggdrasilctl') !== undefined) return undefined;
  return 'needs the real yggdrasil (sh test/support/fetch-yggdrasil.sh .tools/yggdrasil)';
}

/** One that knows `GroupPassword`: 0.5.14. */
export function needsNewerYggdrasil(): string | undefined {
  if (newerYggdrasil() !== undefined) return undefined;
  return 'needs a newer yggdrasil (sh test/support/fetch-yggdrasil.sh .tools/yggdrasil-sid sid)';
}

export function needsRatatosk(): string | undefined {
  return existsSync(ratatoskMain) ? undefined : 'needs the built daemon (npm run build)';
}

/** Whatever meshes of these kinds, with a TUN on each node, cannot do without. */
export function needsMesh(...kinds: readonly DaemonKind[]): string | false {
  return needs(
    needsRoot(),
    needsTun(),
    needsTool('ip', 'setpriv', 'python3'),
    kinds.map(cast).includes('yggdrasil') ? needsYggdrasil() : undefined,
    kinds.map(cast).includes('ratatosk') ? needsRatatosk() : undefined,
  );
}

/** The user nobody must be able to read the build. */
export async function needsOpenFolder(): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || toolInPath('setpriv') === undefined) return undefined;
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const { code } = await run(['setpriv', ...nobody, '--', 'test', '-r', ratatoskMain]);
  return code === 0 ? undefined : 'needs a folder that the user nobody may read';
}
