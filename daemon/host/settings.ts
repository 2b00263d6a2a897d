/** From the checked configuration to what the router thread needs, and what of it cannot be honoured yet. */
import type { RouterSettings } from './commands.ts';
import type { Identity } from './keys.ts';
import type { Config } from './schema.ts';

const MTU_MIN = 1280;
const MTU_MAX = 65535;

export function routerSettings(
  config: Config,
  identity: Identity,
  e2eKnown: RouterSettings['e2eKnown'] = [],
): RouterSettings {
  const peers = config.Peers.map((uri) => ({ uri, sourceInterface: '' }));
  for (const [sourceInterface, uris] of Object.entries(config.InterfacePeers)) {
    for (const uri of uris ?? []) peers.push({ uri, sourceInterface });
  }
  const limits: Record<string, number> = {};
  for (const [name, value] of Object.entries(config.Limits)) if (value !== undefined) limits[name] = value;
  return {
    seed: identity.seed,
    peers,
    listen: config.Listen,
    allowedKeys: config.AllowedPublicKeys.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))),
    groupPassword: config.GroupPassword,
    e2e: config.E2E,
    e2eKnown,
    ifName: config.IfName === '' ? 'auto' : config.IfName,
    ifMtu: Math.min(MTU_MAX, Math.max(MTU_MIN, config.IfMTU)),
    limits,
  };
}

/** One line for each member that is set and has no effect yet, or another than its number says. */
export function settingWarnings(config: Config): string[] {
  const notBuilt: [name: string, isSet: boolean][] = [
    ['Firewall', config.Firewall.Allow.length > 0],
    ['Metrics', config.Metrics !== 'off' && config.Metrics !== false],
    ['Radio', config.Radio.Region !== 'none'],
    ['AutoPeers', config.AutoPeers === true],
    ['RequireBound', config.RequireBound],
    ['RootAllow', config.RootAllow.length > 0],
    ['LogLookups', config.LogLookups],
  ];
  const warnings = notBuilt.filter(([, isSet]) => isSet).map(([name]) => `${name}: not built yet, it has no effect`);
  if (config.IfMTU < MTU_MIN) warnings.push(`IfMTU: ${config.IfMTU} is too small for IPv6, ${MTU_MIN} is used`);
  if (config.IfMTU > MTU_MAX) warnings.push(`IfMTU: ${config.IfMTU} is too large, ${MTU_MAX} is used`);
  return warnings;
}
