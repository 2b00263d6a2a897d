/** The configuration file: HJSON or JSON, checked as a whole, and either taken as a whole or refused. */
import Hjson from 'hjson';
import { RatatoskError } from '../core/error.ts';
import { type Identity, identityFromHex, identityFromPem } from './keys.ts';
import { isMembers, type Members, matchMembers } from './members.ts';
import { type Config, configSchema, memberNames, wholeConfigSchema } from './schema.ts';
import { readSecretFile } from './secret-file.ts';

/** First line of the files that `init` makes: only such files have their mode repaired. */
export const OWN_MARK = '# Configuration of ratatosk';

export type LoadedConfig = {
  readonly config: Config;
  /** Undefined: the file names none. */
  readonly identity: Identity | undefined;
  readonly warnings: readonly string[];
};

export function loadConfig(path: string): LoadedConfig {
  const { octets, warnings } = readSecretFile(path, (content) => content.includes(OWN_MARK));
  const parsed = parseConfig(decodeText(octets), path);
  octets.fill(0);
  const { identity, warnings: keyWarnings } = loadIdentity(parsed.config, path);
  // From here on the key exists as octets only.
  const config = { ...parsed.config, PrivateKey: undefined };
  return { config, identity, warnings: [...warnings, ...parsed.warnings, ...keyWarnings] };
}

/** `source` is what problems are reported on. */
export function parseConfig(text: string, source: string): { config: Config; warnings: string[] } {
  const warnings: string[] = [];
  const members = matchAll(parseText(text, source), warnings);
  const result = wholeConfigSchema.safeParse(members);
  if (result.success) return { config: result.data, warnings };
  const problems = result.error.issues.map((issue) => describeIssue(issue, members));
  throw invalid(source, problems);
}

/** Everything as it is when no file says otherwise. */
export function defaultConfig(): Config {
  return configSchema.parse({});
}

function invalid(source: string, problems: readonly string[]): RatatoskError {
  const lines = problems.map((problem) => `\n  ${problem}`).join('');
  return new RatatoskError('CONFIG_INVALID', `${source}: nothing of it is used until this is corrected:${lines}`);
}

/** UTF-8, or UTF-16 with a byte-order mark (section 7.4). */
export function decodeText(octets: Uint8Array): string {
  const label =
    octets[0] === 0xff && octets[1] === 0xfe
      ? 'utf-16le'
      : octets[0] === 0xfe && octets[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  return new TextDecoder(label).decode(octets);
}

function parseText(text: string, source: string): Members {
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : Hjson.parse(text);
  } catch (cause) {
    // Hjson quotes the line it stopped at, which may hold a key or a password.
    const reason = cause instanceof Error ? (cause.message.split('>>>')[0] as string).trim() : String(cause);
    throw new RatatoskError('CONFIG_INVALID', `${source}: is neither HJSON nor JSON: ${reason}`, { cause });
  }
  if (!isMembers(value)) throw invalid(source, [`found ${describeValue(value)}, expected an object`]);
  return value;
}

function matchAll(found: Members, warnings: string[]): Members {
  const members = matchMembers(found, memberNames[''], '', warnings);
  for (const name of ['Firewall', 'Radio', 'Limits'] as const) {
    const inner = members[name];
    if (isMembers(inner)) members[name] = matchMembers(inner, memberNames[name], `${name}.`, warnings);
  }
  const rules = members.MulticastInterfaces;
  if (Array.isArray(rules)) {
    members.MulticastInterfaces = rules.map((rule: unknown, i) =>
      isMembers(rule)
        ? matchMembers(rule, memberNames.MulticastInterfaces, `MulticastInterfaces[${i}].`, warnings)
        : rule,
    );
  }
  return members;
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string };

function describeIssue(issue: Issue, members: Members): string {
  let path = '';
  let value: unknown = members;
  for (const step of issue.path) {
    path += typeof step === 'number' ? `[${step}]` : path === '' ? String(step) : `.${String(step)}`;
    value = isMembers(value) || Array.isArray(value) ? (value as Record<PropertyKey, unknown>)[step] : undefined;
  }
  return `${path}: found ${describeValue(value, path)}, expected ${issue.message}`;
}

/** Never shows what may be secret: keys, passwords, and URIs, which can hold a password. */
function describeValue(value: unknown, path = ''): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value !== 'string') return `the ${typeof value} ${String(value).slice(0, 40)}`;
  if (/key|password|peers|listen/i.test(path)) return `text of ${value.length} characters`;
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
}

function loadIdentity(config: Config, source: string): { identity: Identity | undefined; warnings: readonly string[] } {
  if (config.PrivateKeyPath !== '') return identityFromPem(config.PrivateKeyPath);
  if (config.PrivateKey === undefined) return { identity: undefined, warnings: [] };
  try {
    return { identity: identityFromHex(config.PrivateKey), warnings: [] };
  } catch (cause) {
    if (!(cause instanceof RatatoskError)) throw cause;
    throw invalid(source, [cause.message]);
  }
}
