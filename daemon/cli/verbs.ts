/** The verbs, each loaded only when it is used: a start takes as long as its verb needs, not as all need. */
import type { Verb } from './verb.ts';

type Row = { readonly name: string; readonly says: string; readonly load: () => Promise<Verb> };

const VERBS: readonly Row[] = [
  { name: 'init', says: 'makes an identity and a configuration', load: async () => (await import('./init.ts')).verb },
  { name: 'up', says: 'runs the daemon in the foreground', load: async () => (await import('./up.ts')).verb },
];

export function findVerb(name: string): (() => Promise<Verb>) | undefined {
  return VERBS.find((row) => row.name === name)?.load;
}

export function mainHelp(): string {
  const lines = VERBS.map(({ name, says }) => `  ${name.padEnd(9)} ${says}`);
  return `Usage: ratatosk VERB [OPTIONS]

${lines.join('\n')}

  ratatosk VERB --help tells more of a verb, ratatosk --version the version.
Exit codes: 0 done, 1 failed, 2 wrong usage.`;
}
