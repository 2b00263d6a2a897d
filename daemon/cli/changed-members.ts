/** What a reload says of members whose change shows nowhere else: what holds now, and what a running daemon cannot take over. */
import type { LoadedConfig } from '../host/config.ts';
import type { Config } from '../host/schema.ts';

const AFTER_RESTART = 'it takes effect after a restart';
const NO_EFFECT = 'it has no effect';

/** By member; undefined: whoever takes it over says so. Who adds a member decides. */
const SAID: Readonly<Record<keyof Config, string | undefined>> = {
  PrivateKey: undefined,
  PrivateKeyPath: undefined,
  Peers: undefined,
  InterfacePeers: undefined,
  Listen: undefined,
  AdminListen: AFTER_RESTART,
  MulticastInterfaces: undefined,
  AllowedPublicKeys: 'links that came in from other nodes have ended',
  GroupPassword: AFTER_RESTART,
  IfName: AFTER_RESTART,
  IfMTU: AFTER_RESTART,
  LogLookups: AFTER_RESTART,
  NodeInfoPrivacy: 'the new one is told from now on',
  NodeInfo: 'the new one is told from now on',
  Name: undefined,
  Names: undefined,
  Firewall: undefined,
  Metrics: undefined,
  LogLevel: 'it holds from now on',
  E2E: AFTER_RESTART,
  Radio: AFTER_RESTART,
  AutoPeers: NO_EFFECT,
  RequireBound: AFTER_RESTART,
  RootAllow: NO_EFFECT,
  Limits: AFTER_RESTART,
};

/** One line each, beginning with the member's name. */
export function changedMembers(
  before: LoadedConfig,
  after: LoadedConfig,
  { hasLogLevel }: { readonly hasLogLevel: boolean },
): string[] {
  const said = { ...SAID, ...(hasLogLevel ? { LogLevel: '--log-level goes before it' } : {}) };
  const lines = keyOf(before) === keyOf(after) ? [] : [`PrivateKey has changed: ${AFTER_RESTART}`];
  for (const name of Object.keys(said) as (keyof Config)[]) {
    if (said[name] === undefined) continue;
    if (JSON.stringify(before.config[name]) === JSON.stringify(after.config[name])) continue;
    lines.push(`${name} has changed: ${said[name]}`);
  }
  return lines;
}

function keyOf({ identity }: LoadedConfig): string {
  return Buffer.from(identity?.publicKey ?? []).toString('hex');
}
