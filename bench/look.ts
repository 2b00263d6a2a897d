/**
 * A daemon with hundreds of links and thousands of sessions, and whether its packets notice that somebody looks at it. Pings go
 * through it from one more daemon to another, while nobody looks, then a dashboard does, nobody, subscribers, and so on in turns.
 */
import { Lab } from '../test/support/lab.ts';
import { needs, needsMesh, needsTool } from '../test/support/needs.ts';
import { command, numberOf } from './command.ts';
import { type Phase, phase } from './look/phase.ts';
import { type Asked, askAll } from './look/requests.ts';
import { layScene, type Scene, type Size } from './look/scene.ts';
import { dashboard, nobody, subscribers, type Watcher } from './look/watchers.ts';
import { percentile, short, summarise, table } from './net/statistics.ts';
import { buildTraffic } from './net/traffic.ts';
import { residentMib } from './net/usage.ts';

const WATCHERS: readonly Watcher[] = [dashboard('top, peers', '1'), dashboard('top, sessions', '3'), subscribers(2)];

await command({
  usage: `bench:look -- [--links N] [--sessions N] …

What it costs to look at a busy daemon; needs root and tmux.
  --links N      to the daemon, by TCP; 400 unless told
  --sessions N   with it, each of a node of its own; 5000 unless told
  --interval S   between two pings of one of these nodes; 10 unless told
  --rounds N     3 unless told
  --pings N      through the daemon, 4 ms apart, in each phase; 1000 unless told`,
  options: {
    links: { type: 'string', default: '400' },
    sessions: { type: 'string', default: '5000' },
    interval: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    pings: { type: 'string', default: '1000' },
  },
  words: [0, 0],
  main: async (flags) => {
    const missing = needsMesh('ratatosk') || needs(needsTool('tmux'), await buildTraffic());
    if (missing !== false) throw new Error(missing);
    const links = numberOf('links', flags.links, 1, 440);
    const size: Size = {
      links,
      sessions: numberOf('sessions', flags.sessions, links, 16_000),
      intervalMs: 1_000 * numberOf('interval', flags.interval, 1, 50),
    };
    await look(size, numberOf('rounds', flags.rounds, 1, 100), numberOf('pings', flags.pings, 10, 100_000));
  },
});

async function look(size: Size, rounds: number, pings: number): Promise<void> {
  const lab = new Lab();
  try {
    const scene = await layScene(lab, size, progress);
    progress('warming up');
    await phase(lab, scene, nobody, pings);
    const phases = new Map<Watcher, Phase[]>([nobody, ...WATCHERS].map((watcher) => [watcher, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const watcher of WATCHERS.flatMap((one) => [nobody, one])) {
        progress(`round ${round}: ${watcher.title}`);
        phases.get(watcher)?.push(await phase(lab, scene, watcher, pings));
      }
    }
    progress('asking');
    const asked = await askAll(scene.hub);
    process.stdout.write(`${await shownScene(scene)}\n${shownPhases(phases)}\n${shownAsked(asked)}`);
  } catch (error) {
    for (const node of lab.nodes) process.stderr.write(`${node.label}: ${node.log.slice(-2_000)}\n`);
    throw error;
  } finally {
    await lab.close();
  }
}

async function shownScene({ hub }: Scene): Promise<string> {
  const peers = await hub.peers();
  const { sessions } = await hub.admin<{ sessions: { kind: string }[] }>('getsessions');
  const e2e = sessions.filter(({ kind }) => kind === 'e2e').length;
  const memory = `${residentMib(hub.pid, 'VmRSS').toFixed(0)} MiB`;
  return `${peers.length} links, ${sessions.length} sessions (${e2e} of our own kind), ${memory} resident\n`;
}

/** Medians of the phases, and their range of p99; drawing over all of them. */
function shownPhases(phases: ReadonlyMap<Watcher, readonly Phase[]>): string {
  const head = ['who looks', 'p50 ms', 'p99 ms', 'range', 'max ms', 'lost', 'daemon %', 'host %', 'top %', 'drawn ms'];
  const rows = [...phases].map(([{ title }, list]) => {
    const of = (figure: (one: Phase) => number): ReturnType<typeof summarise> => summarise(list.map(figure));
    const p99 = of(({ p99Ms }) => p99Ms);
    return [
      title,
      short(of(({ p50Ms }) => p50Ms).median),
      short(p99.median),
      `${short(p99.min)}–${short(p99.max)}`,
      short(of(({ maxMs }) => maxMs).max),
      `${list.reduce((sum, { lost }) => sum + lost, 0)}`,
      short(100 * of(({ hub }) => hub).median),
      short(100 * of(({ hubHost }) => hubHost).median),
      short(100 * of(({ watcher }) => watcher).median),
      drawnText(list.flatMap(({ drawnMs }) => drawnMs).sort((a, b) => a - b)),
    ];
  });
  return table([head, ...rows]);
}

/** Median and longest. */
function drawnText(sorted: readonly number[]): string {
  return sorted.length === 0 ? '-' : `${short(percentile(sorted, 0.5))} / ${short(percentile(sorted, 1))}`;
}

function shownAsked(asked: readonly Asked[]): string {
  return table([['asked', 'ms', 'kB'], ...asked.map(({ what, ms, octets }) => [what, short(ms), short(octets / 1e3)])]);
}

function progress(step: string): void {
  process.stderr.write(`${step}\n`);
}
