/** Rules of the firewall: their text, and which of them hold after what people have written and commanded. */
import { addressText, parseAddress } from './address.ts';

export type Rule = {
  readonly firstPort: number;
  readonly lastPort: number;
  readonly protocol: 'tcp' | 'udp';
  /** Address, subnet, key or name; undefined: from everywhere. */
  readonly from: string | undefined;
};

/** A rule that somebody has set. One that is `isDenied` was taken back by a command and has no effect. */
export type SetRule = { readonly rule: Rule; readonly by: 'configuration' | 'command'; readonly isDenied: boolean };

/** What commands have changed, as rule texts: rules beside those of the configuration, and ones of it taken back. */
export type Kept = { readonly allow: readonly string[]; readonly deny: readonly string[] };

export const NOTHING_KEPT: Kept = { allow: [], deny: [] };
export const RULE_FORM = 'a rule like "22", "5353/udp" or "80 from NAME"';

const RULE = /^\s*(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp))?(?:\s+from\s+(\S{1,255}))?\s*$/i;
const PORT_MAX = 65_535;

/** Undefined: it is no rule. Whether the target means anything is not looked at. */
export function parseRule(text: string): Rule | undefined {
  const match = RULE.exec(text);
  if (match === null) return undefined;
  const firstPort = Number(match[1]);
  const lastPort = match[2] === undefined ? firstPort : Number(match[2]);
  if (firstPort < 1 || lastPort < firstPort || lastPort > PORT_MAX) return undefined;
  const protocol = match[3]?.toLowerCase() === 'udp' ? 'udp' : 'tcp';
  return { firstPort, lastPort, protocol, from: match[4] === undefined ? undefined : sameWriting(match[4]) };
}

/** The same for rules that are the same. */
export function ruleText({ firstPort, lastPort, protocol, from }: Rule): string {
  const ports = firstPort === lastPort ? String(firstPort) : `${firstPort}-${lastPort}`;
  return `${ports}${protocol === 'udp' ? '/udp' : ''}${from === undefined ? '' : ` from ${from}`}`;
}

/** All rules in the order they were set, those of the configuration first. What is no rule is left out. */
export function setRules(configured: readonly string[], kept: Kept): SetRule[] {
  const denied = new Set(kept.deny);
  const ofFile = rulesOf(configured);
  const texts = new Set(ofFile.map(ruleText));
  const ofCommands = rulesOf(kept.allow).filter((rule) => !texts.has(ruleText(rule)));
  return [
    ...ofFile.map((rule) => ({ rule, by: 'configuration' as const, isDenied: denied.has(ruleText(rule)) })),
    ...ofCommands.map((rule) => ({ rule, by: 'command' as const, isDenied: false })),
  ];
}

/** Without what has become pointless: rules that the configuration has too, and denials of rules it has no longer. */
export function prune(configured: readonly string[], kept: Kept): Kept {
  const texts = new Set(rulesOf(configured).map(ruleText));
  return {
    allow: rulesOf(kept.allow)
      .map(ruleText)
      .filter((text) => !texts.has(text)),
    deny: kept.deny.filter((text) => texts.has(text)),
  };
}

export function withAllowed(rule: Rule, configured: readonly string[], kept: Kept): Kept {
  const text = ruleText(rule);
  const deny = kept.deny.filter((other) => other !== text);
  const isThere = setRules(configured, kept).some((set) => ruleText(set.rule) === text);
  return { allow: isThere ? kept.allow : [...kept.allow, text], deny };
}

/** Takes the rule back; without a target all rules of its ports. */
export function withDenied(rule: Rule, configured: readonly string[], kept: Kept): Kept {
  const hit = setRules(configured, kept).filter((set) => isMeant(set.rule, rule));
  const texts = (by: SetRule['by']): string[] => hit.filter((set) => set.by === by).map((set) => ruleText(set.rule));
  const ofCommands = new Set(texts('command'));
  return {
    allow: kept.allow.filter((text) => !ofCommands.has(text)),
    deny: [...new Set([...kept.deny, ...texts('configuration')])],
  };
}

/** Open rules that share a port with this one. */
export function rulesAcross(rule: Rule, rules: readonly SetRule[]): Rule[] {
  return rules
    .filter((set) => !set.isDenied && set.rule.protocol === rule.protocol)
    .map((set) => set.rule)
    .filter((other) => other.firstPort <= rule.lastPort && other.lastPort >= rule.firstPort);
}

/** Whether denying `named` takes back `rule`. */
function isMeant(rule: Rule, named: Rule): boolean {
  return ruleText({ ...rule, from: named.from === undefined ? undefined : rule.from }) === ruleText(named);
}

function rulesOf(texts: readonly string[]): Rule[] {
  return texts.map(parseRule).filter((rule) => rule !== undefined);
}

/** Names and keys are taken without regard to case, addresses in any of their writings. */
function sameWriting(target: string): string {
  const [head = '', ...length] = target.toLowerCase().split('/');
  const octets = parseAddress(head);
  return [octets === undefined ? head : addressText(octets), ...length].join('/');
}
