/** Takes secrets out: members of the configuration and options of URIs by their names, and every place where their values stand. */
import type { LoadedConfig } from '../../host/config.ts';
import type { Config } from '../../host/schema.ts';

export const REMOVED = '(removed)';

/** Options of URIs that tell nobody anything; all others go. */
const OPTIONS_KEPT =
  'key priority cost maxbackoff slow baud flow rate mtu freq bw sf cr power txdelay persistence slottime'.split(' ');
/** A shorter one stands in other words by chance, and protects nothing. */
const LENGTH_LEAST = 4;

/** The configuration without secrets. `NodeInfo` holds what its owner likes: only its members are named. */
export function withoutSecrets(config: Config): Record<string, unknown> {
  const { PrivateKey, PrivateKeyPath, GroupPassword, MulticastInterfaces, NodeInfo, ...rest } = config;
  return {
    ...rest,
    ...(PrivateKey === undefined ? {} : { PrivateKey: REMOVED }),
    PrivateKeyPath: PrivateKeyPath === '' ? '' : REMOVED,
    GroupPassword: GroupPassword === '' ? '' : REMOVED,
    MulticastInterfaces: MulticastInterfaces.map((rule) => ({
      ...rule,
      Password: rule.Password === '' ? '' : REMOVED,
    })),
    NodeInfo: NodeInfo === null ? null : Object.keys(NodeInfo),
    Peers: config.Peers.map(withoutOptions),
    Listen: config.Listen.map(withoutOptions),
    InterfacePeers: Object.fromEntries(
      Object.entries(config.InterfacePeers).map(([name, uris]) => [name, (uris ?? []).map(withoutOptions)]),
    ),
  };
}

function withoutOptions(uri: string): string {
  const [place = '', query] = splitOnce(uri, '?');
  const shown = place.replace(/\/\/.*@/s, `//${REMOVED}@`).replace(/(password|psk)=.*/is, `$1=${REMOVED}`);
  if (query === undefined) return shown;
  const pairs = query.split('&').map((pair) => {
    const [name = '', value = ''] = splitOnce(pair, '=');
    if (OPTIONS_KEPT.includes(name)) return `${name}=${value}`;
    return /^\w{1,20}$/.test(name) ? `${name}=${REMOVED}` : REMOVED;
  });
  return `${shown}?${pairs.join('&')}`;
}

/** Every text that must stand nowhere, in every way that it may be written. */
export function secretsOf({ config, identity }: LoadedConfig): string[] {
  const uris = [
    ...config.Peers,
    ...config.Listen,
    ...Object.values(config.InterfacePeers).flatMap((some) => some ?? []),
  ];
  const found = [
    config.GroupPassword,
    config.PrivateKeyPath,
    ...config.MulticastInterfaces.map((rule) => rule.Password),
  ];
  if (identity !== undefined) found.push(Buffer.from(identity.seed).toString('hex'));
  for (const uri of uris) found.push(...secretsOfUri(uri));
  const written = found.flatMap((secret) => {
    const decoded = decode(secret.replaceAll('+', ' '));
    return [secret, decoded, decode(secret), encodeURIComponent(decoded), JSON.stringify(secret).slice(1, -1)];
  });
  const distinct = new Set(written.filter((text) => text.length >= LENGTH_LEAST));
  // Of two that begin alike the longer one first.
  return [...distinct].sort((a, b) => b.length - a.length);
}

/** What is no kept option: also those with a slip in their name, and users of proxies with their passwords. */
function secretsOfUri(uri: string): string[] {
  const [place = '', query = ''] = splitOnce(uri, '?');
  const user = /\/\/(.*)@/s.exec(place)?.[1];
  const parts = user === undefined ? [] : [user, ...user.split(':')];
  for (const pair of query.split('&')) {
    const [name = '', value = ''] = splitOnce(pair, '=');
    if (!OPTIONS_KEPT.includes(name)) parts.push(value);
  }
  const lost = /(?:password|psk)=(.*)/is.exec(place)?.[1];
  return lost === undefined ? parts : [...parts, lost];
}

/** In the text of a whole bundle. */
export function strike(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, REMOVED), text);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
