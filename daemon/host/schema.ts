/**
 * Members of the configuration: Yggdrasil's (section 7.4 of the reference), then our own. Each message completes the
 * sentence "found …, expected …".
 */
import { hostname } from 'node:os';
import { z } from 'zod';
import type { Limits } from '../core/port.ts';
import { parseRule, RULE_FORM } from './firewall-rules.ts';
import { patternOf } from './pattern.ts';
import { REGIONS } from './regions.ts';
import { findPrefix } from './targets.ts';

const text = z.string('text in quotes');
const bool = z.boolean('true or false');
const uris = z.array(z.string('a URI in quotes, like "tls://host:port"'), 'a list of URIs: [ "tls://host:port" ]');
const keyHex = z.string('a public key in quotes').regex(/^[0-9a-fA-F]{64}$/, 'a public key of 64 hex digits');
const keys = z.array(keyHex, 'a list of public keys');

function whole(least: number, most: number): z.ZodNumber {
  const expected = `a whole number from ${least} to ${most}`;
  return z.number(expected).int(expected).min(least, expected).max(most, expected);
}

function choice<const T extends readonly [string, ...string[]]>(...values: T): z.ZodEnum<{ [K in T[number]]: K }> {
  return z.enum(values, values.map((value) => `"${value}"`).join(' or '));
}

const octets64 = text.refine((value) => Buffer.byteLength(value) <= 64, 'text of at most 64 octets');

export const multicastSchema = z.object(
  {
    Regex: text.refine((value) => patternOf(value) !== undefined, 'a regular expression like "eth.*"').default(''),
    Beacon: bool.default(false),
    Listen: bool.default(false),
    Port: whole(0, 65535).default(0),
    Priority: whole(0, 255).default(0),
    Password: octets64.default(''),
  },
  'an object like { Regex: ".*", Beacon: true, Listen: true }',
);

const rule = z.union(
  [
    z.string().refine((value) => parseRule(value) !== undefined, RULE_FORM),
    // What HJSON makes of a bare port; unlike a password it has one writing only.
    z.number().int().min(1).max(65535).transform(String),
  ],
  RULE_FORM,
);
export const firewallSchema = z.object(
  {
    Inbound: choice('deny', 'allow').default('deny'),
    Allow: z.array(rule, 'a list of rules: [ "22", "5353/udp from NAME" ]').default([]),
  },
  'an object like { Inbound: "deny", Allow: [ "22" ] }',
);

const share = 'a number from 0.01 to 1';
export const radioSchema = z.object(
  { Region: choice(...REGIONS).default('none'), Share: z.number(share).min(0.01, share).max(1, share).default(0.25) },
  'an object like { Region: "EU868" }',
);

const count = whole(1, 2 ** 31 - 1).optional();
const limitMembers = {
  links: count,
  lookupsPerPeerPerSecond: count,
  trafficQueueBytes: count,
  sessions: count,
  debugAnswersPerSecond: whole(0, 1000).optional(),
  traceAnswersPerSecond: whole(0, 1000).optional(),
} satisfies Record<keyof Limits, z.ZodType>;
export const limitsSchema = z.object(limitMembers, 'an object like { links: 512 }');

const HOST_PORT = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/;
const metrics = z.union(
  [z.literal(false), z.literal('off'), z.string().regex(HOST_PORT)],
  'an address like "127.0.0.1:9464", or "off"',
);

export const configSchema = z.object(
  {
    PrivateKey: z.string('128 hex digits').optional(),
    PrivateKeyPath: z.string('the path of a PEM file in quotes').default(''),
    Peers: uris.default([]),
    InterfacePeers: z.record(z.string(), uris.nullable(), 'an object like { eth0: [ "tls://host:port" ] }').default({}),
    Listen: uris.default([]),
    AdminListen: z.string('a URI in quotes, like "unix:///run/ratatosk/ratatosk.sock"').optional(),
    MulticastInterfaces: z
      .array(multicastSchema, 'a list of objects')
      .default([{ Regex: '.*', Beacon: true, Listen: true, Port: 0, Priority: 0, Password: '' }]),
    AllowedPublicKeys: keys.default([]),
    GroupPassword: octets64.default(''),
    IfName: text.default('auto'),
    IfMTU: whole(0, Number.MAX_SAFE_INTEGER).default(65535),
    LogLookups: bool.default(false),
    NodeInfoPrivacy: bool.default(false),
    NodeInfo: z.record(z.string(), z.unknown(), 'an object, or null').nullable().default(null),

    Name: text.default(hostname),
    Names: z
      .record(z.string(), z.string('a public key or an address in quotes'), 'an object like { laptop: "KEY" }')
      .default({}),
    Firewall: firewallSchema.default({ Inbound: 'deny', Allow: [] }),
    Metrics: metrics.default('off'),
    LogLevel: choice('debug', 'info', 'warn', 'error').default('info'),
    E2E: choice('prefer', 'require', 'off').default('prefer'),
    Radio: radioSchema.default({ Region: 'none', Share: 0.25 }),
    AutoPeers: z.union([bool, z.literal('off')], 'true or false').default(false),
    RequireBound: bool.default(false),
    RootAllow: keys.default([]),
    Limits: limitsSchema.default({}),
  },
  'an object',
);

/** What members say of one another. */
export const wholeConfigSchema = configSchema.superRefine(({ Firewall, Names }, context) => {
  for (const [i, text] of Firewall.Allow.entries()) {
    const message = targetProblem(parseRule(text)?.from, Names);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['Firewall', 'Allow', i], message });
  }
});

function targetProblem(target: string | undefined, names: Config['Names']): string | undefined {
  try {
    // Any address of the mesh will do in place of a key's own.
    if (target !== undefined) findPrefix(target, names, () => Uint8Array.of(2, ...Array(15).fill(0)));
    return undefined;
  } catch (error) {
    return `another target: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export type Config = z.infer<typeof configSchema>;

/** Objects inside the configuration whose member names are matched as those of the top are. */
export const memberNames = {
  '': Object.keys(configSchema.shape),
  MulticastInterfaces: Object.keys(multicastSchema.shape),
  Firewall: Object.keys(firewallSchema.shape),
  Radio: Object.keys(radioSchema.shape),
  Limits: Object.keys(limitsSchema.shape),
} as const;
