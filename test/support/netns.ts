/**
 * Network namespaces that a test makes and removes. Their names carry the process id, so that a later run finds and
 * removes what a killed one left behind.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mustRun, type Outcome, Running, type RunOptions, run } from './process.ts';

const NAME_PREFIX = 'rtsk';
const NAMESPACE_FOLDER = '/run/netns';

/** Two ends of a virtual cable; end 0 is `a`, end 1 is `b`. */
export type Cable = {
  readonly a: CableEnd;
  readonly b: CableEnd;
  /** Without carrier on both sides, as a pulled plug. */
  cut(): Promise<void>;
  restore(): Promise<void>;
};

export type CableEnd = { readonly netns: Netns; readonly device: string; readonly ipv4: string; readonly ipv6: string };

export class Netns {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async make(label: string): Promise<Netns> {
    removeLeftovers();
    const netns = new Netns(`${NAME_PREFIX}-${process.pid}-${nextNumber++}-${label}`);
    await mustRun(['ip', 'netns', 'add', netns.name]);
    open.add(netns);
    await mustRun(['ip', '-n', netns.name, 'link', 'set', 'lo', 'up']);
    return netns;
  }

  /** The command line that runs `argv` in here. `ip netns exec` execs, so the process id is the command's own. */
  line(argv: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...argv];
  }

  run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return run(this.line(argv), options);
  }

  mustRun(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return mustRun(this.line(argv), options);
  }

  start(argv: readonly string[], options: RunOptions = {}): Running {
    return new Running(this.line(argv), options);
  }

  async remove(): Promise<void> {
    open.delete(this);
    await run(['ip', 'netns', 'del', this.name]);
  }

  removeNow(): void {
    open.delete(this);
    deleteNamespace(this.name);
  }
}

/** Joins two namespaces by a veth pair with an IPv4 /30 and an IPv6 /64 of its own. `index` is unique in a lab, 0..255. */
export async function layCable(a: Netns, b: Netns, index: number): Promise<Cable> {
  // Both ends are named by index: a namespace may hold several cables.
  const device = `cable${index}`;
  await mustRun(['ip', 'link', 'add', device, 'netns', a.name, 'type', 'veth', 'peer', device, 'netns', b.name]);
  return plugIn(a, b, device, index);
}

/** Gives addresses to the two ends of a cable that are in their namespaces already. */
export async function plugIn(a: Netns, b: Netns, device: string, index: number): Promise<Cable> {
  const ends = {
    a: { netns: a, device, ipv4: `10.99.${index}.1`, ipv6: `fd99:0:0:${index.toString(16)}::1` },
    b: { netns: b, device, ipv4: `10.99.${index}.2`, ipv6: `fd99:0:0:${index.toString(16)}::2` },
  };
  for (const end of [ends.a, ends.b]) {
    await mustRun(['ip', '-n', end.netns.name, '-batch', '-'], {
      // Without duplicate address detection the addresses work at once.
      input: [
        `addr add ${end.ipv4}/30 dev ${device}`,
        `addr add ${end.ipv6}/64 dev ${device} nodad`,
        `link set ${device} up`,
        '',
      ].join('\n'),
    });
  }
  const set = (state: 'up' | 'down') => mustRun(['ip', '-n', a.name, 'link', 'set', device, state]);
  return {
    ...ends,
    cut: async () => void (await set('down')),
    restore: async () => {
      await set('up');
      // The kernel forgets IPv6 addresses of a device that goes down.
      await run(['ip', '-n', a.name, 'addr', 'replace', `${ends.a.ipv6}/64`, 'dev', device, 'nodad']);
    },
  };
}

const open = new Set<Netns>();
let nextNumber = 0;
let isLeftoverCheckDone = false;

process.on('exit', () => {
  for (const netns of open) netns.removeNow();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // An exit by a signal skips the exit handlers; this one does not.
  process.once(signal, () => process.exit(1));
}

/** Namespaces whose maker is gone. What still runs in them belongs to that run, so it is ended. */
function removeLeftovers(): void {
  if (isLeftoverCheckDone || !existsSync(NAMESPACE_FOLDER)) return;
  isLeftoverCheckDone = true;
  for (const name of readdirSync(NAMESPACE_FOLDER)) {
    const pid = new RegExp(`^${NAME_PREFIX}-(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    for (const inside of ip(['netns', 'pids', name]).split('\n')) {
      if (inside !== '') endProcess(Number(inside));
    }
    deleteNamespace(name);
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

function deleteNamespace(name: string): void {
  ip(['netns', 'del', name]);
}

function ip(args: readonly string[]): string {
  try {
    return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}
