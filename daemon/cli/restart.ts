/** Changes of the configuration that a running daemon cannot take over. */
import type { LoadedConfig } from '../host/config.ts';

const NEED_RESTART = [
  'AdminListen',
  'IfName',
  'IfMTU',
  'AllowedPublicKeys',
  'RequireBound',
  'GroupPassword',
  'E2E',
  'NodeInfo',
  'NodeInfoPrivacy',
  'Limits',
  'Radio',
] as const;

export function restartWarnings(before: LoadedConfig, after: LoadedConfig): string[] {
  const changed: string[] = NEED_RESTART.filter(
    (name) => JSON.stringify(before.config[name]) !== JSON.stringify(after.config[name]),
  );
  const key = (loaded: LoadedConfig): string => Buffer.from(loaded.identity?.publicKey ?? []).toString('hex');
  if (key(before) !== key(after)) changed.unshift('PrivateKey');
  return changed.map((name) => `${name} has changed: it takes effect after a restart`);
}
