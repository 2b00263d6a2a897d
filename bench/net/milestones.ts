/** What a daemon has reached since its start, read from /proc: nothing is started to ask, so nothing is slowed down. */
import { readFileSync, readlinkSync } from 'node:fs';
import { mustRun } from '../../test/support/process.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { Figures } from './figures.ts';
import type { Daemon } from './host.ts';

const EVERY_MS = 2;
const OWN_NAMESPACE = readlinkSync('/proc/self/ns/net');

/** Starts it and waits until it is ready. */
export async function launchWatched(daemon: Daemon): Promise<Figures> {
  const startMs = performance.now();
  daemon.launch();
  let listeningMs: number | undefined;
  let tunMs: number | undefined;
  await waitFor(
    'the daemon to listen and to have an address',
    () => {
      const { pid } = daemon;
      // On its way there the process is still in our namespace.
      if (readlinkSync(`/proc/${pid}/ns/net`) === OWN_NAMESPACE) return false;
      if (listens(pid)) listeningMs ??= performance.now() - startMs;
      if (hasAddress(pid)) tunMs ??= performance.now() - startMs;
      return listeningMs !== undefined && tunMs !== undefined;
    },
    { everyMs: EVERY_MS },
  );
  await daemon.ready();
  return { ...(listeningMs === undefined ? {} : { listeningMs }), ...(tunMs === undefined ? {} : { tunMs }) };
}

/** From its exec to the first statement of a program that imports nothing. */
export async function nodeStartMs(): Promise<number> {
  const startMs = performance.timeOrigin + performance.now();
  const script = 'process.stdout.write(String(performance.timeOrigin + performance.now()))';
  return Number(await mustRun([process.execPath, '-e', script])) - startMs;
}

/** Nothing else in its namespace has a socket. The tables of sockets themselves take milliseconds to read. */
function listens(pid: number): boolean {
  return ['sockstat', 'sockstat6'].some((file) =>
    /^(TCP|UDP)6?: inuse [1-9]/m.test(readFileSync(`/proc/${pid}/net/${file}`, 'utf8')),
  );
}

/** On an interface that no cable and no loopback is: an address of IPv6, a route of IPv4. */
function hasAddress(pid: number): boolean {
  const isOther = (name: string | undefined): boolean => name !== undefined && !/^(lo|cable\d+|)$/.test(name);
  const six = readFileSync(`/proc/${pid}/net/if_inet6`, 'utf8').trim().split('\n');
  return (
    six.some((line) => !line.startsWith('fe80') && isOther(line.trim().split(/\s+/)[5])) ||
    linesOf(pid, 'route').some((line) => isOther(line.split('\t')[0]))
  );
}

function linesOf(pid: number, table: string): string[] {
  return readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1);
}
