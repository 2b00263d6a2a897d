/**
 * Where a daemon keeps its things when nobody says otherwise. systemd names its folders by environment variables; root
 * uses the system's folders; everybody else those of the XDG base directory specification.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Places = {
  readonly config: string;
  readonly stateFolder: string;
  readonly runtimeFolder: string;
  readonly adminSocket: string;
};

export const SYSTEM_SOCKET = '/run/ratatosk/ratatosk.sock';

export function defaultPlaces(env: NodeJS.ProcessEnv = process.env, isRoot = process.geteuid?.() === 0): Places {
  const config =
    firstFolder(env.CONFIGURATION_DIRECTORY) ?? (isRoot ? '/etc/ratatosk' : xdg(env.XDG_CONFIG_HOME, '.config'));
  const state =
    firstFolder(env.STATE_DIRECTORY) ?? (isRoot ? '/var/lib/ratatosk' : xdg(env.XDG_STATE_HOME, '.local/state'));
  // A user without a login session has no runtime folder; the state folder is as private.
  const runtime =
    firstFolder(env.RUNTIME_DIRECTORY) ?? (isRoot ? '/run/ratatosk' : (absolute(env.XDG_RUNTIME_DIR) ?? state));
  return {
    config: join(config, 'ratatosk.conf'),
    stateFolder: state,
    runtimeFolder: runtime,
    adminSocket: join(runtime, 'ratatosk.sock'),
  };
}

/** systemd lists several folders with colons between them. */
function firstFolder(list: string | undefined): string | undefined {
  return absolute(list?.split(':')[0]);
}

function xdg(base: string | undefined, fallback: string): string {
  return join(absolute(base) ?? join(homedir(), fallback), 'ratatosk');
}

/** The specification asks to ignore relative paths. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') ? path : undefined;
}
