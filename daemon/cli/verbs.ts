/** The verbs, each loaded only when it is used: a start takes as long as its verb needs, not as all need. */
import type { Verb } from './verb.ts';

export type VerbRow = { readonly name: string; readonly says: string; readonly load: () => Promise<Verb> };

export const VERBS: readonly VerbRow[] = [
  { name: 'init', says: 'makes an identity and a configuration', load: async () => (await import('./init.ts')).verb },
  { name: 'up', says: 'runs the daemon in the foreground', load: async () => (await import('./up.ts')).verb },
  { name: 'status', says: 'what works and what does not', load: async () => (await import('./status.ts')).verb },
  { name: 'peers', says: 'the nodes this one is linked to', load: async () => (await import('./peers.ts')).verb },
  { name: 'tree', says: 'the known part of the spanning tree', load: async () => (await import('./tree.ts')).verb },
  { name: 'paths', says: 'the paths in use', load: async () => (await import('./paths.ts')).verb },
  { name: 'radio', says: 'radios: signal, air time, what waits', load: async () => (await import('./radio.ts')).verb },
  { name: 'sessions', says: 'the encrypted sessions', load: async () => (await import('./sessions.ts')).verb },
  { name: 'events', says: 'what has happened', load: async () => (await import('./events.ts')).verb },
  {
    name: 'peer',
    says: 'peer add URI, peer remove URI: at once, no restart',
    load: async () => (await import('./peer.ts')).verb,
  },
  {
    name: 'invite',
    says: 'a string, and a QR code, with which others join',
    load: async () => (await import('./invite.ts')).verb,
  },
  { name: 'join', says: 'connects to the node that made one', load: async () => (await import('./join.ts')).verb },
  {
    name: 'ping',
    says: 'round trip to an address, a key or a name',
    load: async () => (await import('./ping.ts')).verb,
  },
  {
    name: 'why',
    says: 'what happens to packets to a node, and why',
    load: async () => (await import('./why.ts')).verb,
  },
  {
    name: 'trace',
    says: 'the nodes that packets to a node pass',
    load: async () => (await import('./trace.ts')).verb,
  },
  {
    name: 'firewall',
    says: 'who may connect from the mesh: show, allow, deny',
    load: async () => (await import('./firewall.ts')).verb,
  },
  { name: 'doctor', says: 'looks for what is wrong', load: async () => (await import('./doctor.ts')).verb },
  { name: 'report', says: 'a file for a report of a fault', load: async () => (await import('./report.ts')).verb },
  { name: 'top', says: 'the dashboard', load: async () => (await import('./top.ts')).verb },
  {
    name: 'reload',
    says: 'reads the configuration again, as SIGHUP',
    load: async () => (await import('./reload.ts')).verb,
  },
  {
    name: 'demo',
    says: 'a small mesh on this machine, and its dashboard',
    load: async () => (await import('./demo.ts')).verb,
  },
  { name: 'bench', says: 'what this machine can do at most', load: async () => (await import('./bench.ts')).verb },
  {
    name: 'completion',
    says: 'a script that completes verbs for bash, zsh or fish',
    load: async () => (await import('./completion.ts')).verb,
  },
];

export function findVerb(name: string): (() => Promise<Verb>) | undefined {
  return VERBS.find((row) => row.name === name)?.load;
}

const NAME_COLUMNS = Math.max(...VERBS.map(({ name }) => name.length));

export function mainHelp(): string {
  const lines = VERBS.map(({ name, says }) => `  ${name.padEnd(NAME_COLUMNS)} ${says}`);
  return `Usage: ratatosk VERB [OPTIONS]

${lines.join('\n')}

ratatosk VERB --help tells more of a verb, ratatosk --version the version. Verbs
that ask a daemon find it by --socket PATH, also on another machine:
--socket tcp://HOST:PORT (AdminListen there; only what changes nothing).
Exit codes: 0 done, 1 failed, 2 wrong usage.`;
}
