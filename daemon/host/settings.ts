/** From the checked configuration to what the router thread needs, and what of it cannot be honoured yet. */
import type { MulticastSetting, RouterSettings } from './commands.ts';
import type { Policy } from './firewall.ts';
import type { Identity } from './keys.ts';
import { nodeInfoOctets } from './node-info.ts';
import { patternOf } from './pattern.ts';
import type { Config } from './schema.ts';

const MTU_MIN = 1280;
const MTU_MAX = 65535;

/** What is kept from one start to the next. */
export type Memories = Partial<Pick<RouterSettings, 'e2eKnown' | 'airMemories'>>;

/** Throws `CONFIG_INVALID` for what only the whole of it shows. */
export function routerSettings(
  config: Config,
  identity: Identity,
  version: string,
  { e2eKnown = [], airMemories = [] }: Memories = {},
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
    multicast: config.MulticastInterfaces.map(multicastSetting),
    allowedKeys: config.AllowedPublicKeys.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))),
    requiresBound: config.RequireBound,
    groupPassword: config.GroupPassword,
    e2e: config.E2E,
    e2eKnown,
    ifName: config.IfName === '' ? 'auto' : config.IfName,
    ifMtu: hasOnlySlowLinks(config) ? MTU_MIN : Math.min(MTU_MAX, Math.max(MTU_MIN, config.IfMTU)),
    nodeInfo: nodeInfoOctets(config, version),
    logsLookups: config.LogLookups,
    limits,
    radio: { region: config.Radio.Region, share: config.Radio.Share },
    airMemories,
  };
}

/** What is said of serial cables and radios in `daemon/links/schemes.ts`. */
const SLOW_SCHEMES = ['serial', 'rnode', 'kiss', 'meshcore'];

/** And nobody has asked for another MTU than the default: packets that take seconds on a cable help nobody. */
function hasOnlySlowLinks({ Peers, InterfacePeers, Listen, IfMTU }: Config): boolean {
  const uris = [...Peers, ...Object.values(InterfacePeers).flatMap((some) => some ?? []), ...Listen];
  const isSlow = (uri: string): boolean => SLOW_SCHEMES.includes(uri.split(':', 1)[0]?.toLowerCase() ?? '');
  return IfMTU === MTU_MAX && uris.length > 0 && uris.every(isSlow);
}

type MulticastRule = Config['MulticastInterfaces'][number];

function multicastSetting({ Regex, Beacon, Listen, Port, Priority, Password }: MulticastRule): MulticastSetting {
  return {
    // Whoever checked the configuration has tried it.
    regex: patternOf(Regex) ?? /$^/,
    beacon: Beacon,
    listen: Listen,
    port: Port,
    priority: Priority,
    password: new TextEncoder().encode(Password),
  };
}

export function firewallPolicy({ Firewall, Names }: Config): Policy {
  return { inbound: Firewall.Inbound, allow: Firewall.Allow, names: Names };
}

/** One line for each member that is set and has no effect yet, or another than its number says. */
export function settingWarnings(config: Config): string[] {
  const notBuilt: [name: string, isSet: boolean][] = [
    ['AutoPeers', config.AutoPeers === true],
    ['RootAllow', config.RootAllow.length > 0],
  ];
  const warnings = notBuilt.filter(([, isSet]) => isSet).map(([name]) => `${name}: not built yet, it has no effect`);
  if (config.IfMTU < MTU_MIN) warnings.push(`IfMTU: ${config.IfMTU} is too small for IPv6, ${MTU_MIN} is used`);
  if (config.IfMTU > MTU_MAX) warnings.push(`IfMTU: ${config.IfMTU} is too large, ${MTU_MAX} is used`);
  return warnings;
}
