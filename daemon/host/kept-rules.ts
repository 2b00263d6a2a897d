/** Where the rules that commands have set outlast the daemon: a file in the state folder, written as a whole. */
import { join } from 'node:path';
import { RatatoskError } from '../core/error.ts';
import { hexText } from './address.ts';
import { type Kept, NOTHING_KEPT, parseRule, ruleText } from './firewall-rules.ts';
import { isMembers } from './members.ts';
import { readSecretFile, replaceSecretFile } from './secret-file.ts';

export type RuleStore = {
  /** Throws `FIREWALL_KEPT` if the file is there and cannot be used. */
  load(): Kept;
  /** Throws when it cannot be written; then the file is as it was. */
  save(kept: Kept): void;
};

/** One file a key: two daemons of one user share the folder. */
export function ruleStore(folder: string, publicKey: Uint8Array): RuleStore {
  const path = join(folder, `firewall-${hexText(publicKey.subarray(0, 8))}.json`);
  return {
    load: () => read(path),
    save: (kept) => replaceSecretFile(path, `${JSON.stringify(kept, undefined, 2)}\n`),
  };
}

function read(path: string): Kept {
  try {
    return decode(readSecretFile(path, () => true).octets.toString('utf8'));
  } catch (cause) {
    if (cause instanceof RatatoskError && cause.code === 'FILE_MISSING') return NOTHING_KEPT;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'correct or remove it';
    throw new RatatoskError('FIREWALL_KEPT', `the rules in ${path} are not used: ${reason}: ${remedy}`, { cause });
  }
}

function decode(text: string): Kept {
  const value: unknown = JSON.parse(text);
  if (!isMembers(value)) throw new Error('it holds no object');
  return { allow: rulesIn(value.allow), deny: rulesIn(value.deny) };
}

function rulesIn(list: unknown): string[] {
  if (!Array.isArray(list)) throw new Error('it holds no lists of rules');
  return list.map((text: unknown) => {
    const rule = typeof text === 'string' ? parseRule(text) : undefined;
    if (rule === undefined) throw new Error(`${JSON.stringify(text)} is no rule`);
    return ruleText(rule);
  });
}
