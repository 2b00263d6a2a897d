import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { RatatoskError } from '../core/error.ts';
import { DEMO_NODES, linkText } from './demo-mesh.ts';
import { removeLeftovers, Stage } from './demo-stage.ts';
import { plural } from './text.ts';
import { EXIT_DONE, type OptionValues, type Verb, wholeOption } from './verb.ts';

/** Without a terminal nobody ends it by a key. */
const PIPE_SECONDS = 10;
const PING_EVERY_MS = 500;
/** Of the longest address. */
const ADDRESS_COLUMNS = 39;

export const verb: Verb = {
  usage: '[--seconds N] [--no-top]',
  help: `A small mesh on this machine to look at: ${DEMO_NODES.length} nodes without network interface,
joined over loopback by links of different kinds, which ping each other, and the
dashboard of one of them. Needs no rights, touches no other daemon, and leaves
nothing behind: not at its end, nor at Ctrl-C; what a crash leaves goes with the
next start.

  --seconds N     ends after so long (default: when the dashboard is left;
                  without a terminal after ${PIPE_SECONDS} s)
  --no-top        shows peers and tree instead of the dashboard, then its socket
                  until Ctrl-C: other verbs can be tried on it`,
  options: { seconds: { type: 'string' }, 'no-top': { type: 'boolean' } },
  words: [0, 0],
  run: demo,
};

async function demo(options: OptionValues): Promise<number> {
  const seconds = wholeOption(options, 'seconds', 1, 86_400);
  const left = await removeLeftovers();
  if (left > 0) say(`Removed what ${plural(left, 'earlier demo has', 'earlier demos have')} left behind.`);
  const stage = new Stage();
  const ended = new AbortController();
  // Ctrl-C, and a terminal that is closed: the mesh goes first.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort());
  try {
    await raise(stage, ended.signal);
    const hasTerminal = process.stdout.isTTY === true && process.stdin.isTTY === true;
    const isShown = hasTerminal && options['no-top'] !== true;
    const lastsMs = seconds === undefined ? (hasTerminal ? undefined : 1000 * PIPE_SECONDS) : 1000 * seconds;
    const traffic = keepPinging(stage, ended.signal);
    if (isShown) await showDashboard(stage, lastsMs, ended.signal);
    else await showVerbs(stage, lastsMs, ended.signal);
    ended.abort();
    const { sent, answered } = await traffic;
    say(`${plural(sent, 'ping', 'pings')} sent across the mesh, ${answered} answered.`);
    return EXIT_DONE;
  } catch (error) {
    if (ended.signal.aborted) return EXIT_DONE;
    throw error;
  } finally {
    await stage.clear();
    say('The demo is gone again.');
  }
}

async function raise(stage: Stage, signal: AbortSignal): Promise<void> {
  say(`A mesh on this machine, in ${stage.folder}:`);
  for (const [i, node] of DEMO_NODES.entries()) {
    await stage.start(node, signal);
    const head = `${i + 1} of ${DEMO_NODES.length}  ${node.name} ${stage.addressOf(node.name).padEnd(ADDRESS_COLUMNS)}`;
    say(`  ${head}  ${linkText(node, stage.hasCable)}`.trimEnd());
  }
  await stage.linked(signal);
}

/** The real dashboard in a process of its own: it ends as it does anywhere. */
function showDashboard(stage: Stage, lastsMs: number | undefined, signal: AbortSignal): Promise<void> {
  const top = spawn(process.execPath, [...stage.command, 'top', '--socket', stage.firstSocket], { stdio: 'inherit' });
  const stop = (): void => void top.kill('SIGTERM');
  const timer = lastsMs === undefined ? undefined : setTimeout(stop, lastsMs);
  signal.addEventListener('abort', stop, { once: true });
  return new Promise((resolve, reject) => {
    top.on('error', reject);
    top.on('close', (code) => {
      clearTimeout(timer);
      if (code !== null && code !== 0 && !signal.aborted)
        reject(new RatatoskError('DASHBOARD', `the dashboard ended with code ${code}`));
      else resolve();
    });
  });
}

async function showVerbs(stage: Stage, lastsMs: number | undefined, signal: AbortSignal): Promise<void> {
  for (const name of ['peers', 'tree']) {
    say(`\n$ ratatosk ${name} --socket ${stage.firstSocket}`);
    say(await stage.shown(name));
  }
  if (lastsMs === undefined) say('\nTry other verbs on this socket; Ctrl-C ends the demo.');
  await wait(lastsMs ?? 2 ** 31 - 1, undefined, { signal }).catch(() => undefined);
}

/** Each node another one, by turns, with packets of all sizes. */
async function keepPinging(stage: Stage, signal: AbortSignal): Promise<{ sent: number; answered: number }> {
  const count = { sent: 0, answered: 0 };
  const one = async (from: number): Promise<void> => {
    for (let turn = 1; !signal.aborted; turn++) {
      const to = (from + 1 + (turn % (DEMO_NODES.length - 1))) % DEMO_NODES.length;
      try {
        const isAnswered = await stage.ping(from, to, 64 << (turn % 5));
        count.sent++;
        if (isAnswered) count.answered++;
      } catch {
        // Its daemon may be ending.
      }
      await wait(PING_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(DEMO_NODES.map((_, i) => one(i)));
  return count;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
