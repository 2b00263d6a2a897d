/** One system in one round: laid, joined, measured row by row, removed. */
import { Lab } from '../../test/support/lab.ts';
import { at } from '../../test/support/mesh.ts';
import { TestNode } from '../../test/support/node.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { Figures } from './figures.ts';
import type { Daemon, Host, Line, System } from './host.ts';
import { launchWatched, nodeStartMs } from './milestones.ts';
import type { Row } from './rows.ts';
import { echo, idle, startEcho } from './traffic.ts';
import { residentMib } from './usage.ts';

const JOIN_ECHO_INTERVAL_MS = 4;
/** After joining; sessions, filters and the collector come to rest. */
const REST_MS = 1000;
/** Filters spread by one hop a second. */
const TOUCHY_REST_MS = 6000;
const TOUCHY_LIMIT_MS = 80_000;
const WARM_UP_ECHOES = 500;

/** `rows` by name, in order. */
export async function measure(
  system: System,
  rows: ReadonlyMap<string, Row>,
  seconds: number,
  progress: (step: string) => void,
): Promise<Figures> {
  const lab = new Lab();
  try {
    const line = await system.lay(lab);
    progress('join');
    const figures = await join(lab, line);
    const scene = { lab, line, from: at(line.hosts, 0), to: at(line.hosts, line.hosts.length - 1), seconds };
    await echo(scene.from, scene.to, WARM_UP_ECHOES, 2);
    for (const [name, row] of rows) {
      progress(name);
      Object.assign(figures, await row(scene));
    }
    return { ...figures, ...memory(line, 'VmHWM', 'rssPeakMib') };
  } catch (error) {
    throw new Error(await lab.account(), { cause: error });
  } finally {
    await lab.close();
  }
}

/** Everything up; the last daemon comes when all others are there, unless that is too much for them. */
async function join(lab: Lab, line: Line): Promise<Figures> {
  const { hosts } = line;
  const first = at(hosts, 0);
  const last = at(hosts, hosts.length - 1);
  const figures = first.daemon === undefined ? {} : await start(first.daemon);
  for (const { daemon } of hosts.slice(1, -1)) {
    daemon?.launch();
    await daemon?.ready();
  }
  const isTimed = last.daemon !== undefined && line.isTouchy !== true;
  if (isTimed && hosts.length > 2) await line.settle?.(hosts.length - 1);
  const joinMs = isTimed ? await joinTime(lab, first, last, last.daemon) : undefined;
  if (!isTimed) {
    last.daemon?.launch();
    await last.daemon?.ready();
  }
  await line.settle?.(hosts.length);
  if (line.isTouchy === true) await idle(TOUCHY_REST_MS);
  const isAnswered = async (): Promise<boolean> => (await echo(first, last, 1, 1)).received > 0;
  await waitFor(`an answer to ${first.label}`, isAnswered, {
    limitMs: line.isTouchy === true ? TOUCHY_LIMIT_MS : 20_000,
  });
  await idle(REST_MS);
  return { ...figures, ...(joinMs === undefined ? {} : { joinMs }), ...memory(line, 'VmRSS', 'rssIdleMib') };
}

/** From the start of the last daemon to the first echo that it gets from the first. */
async function joinTime(lab: Lab, first: Host, last: Host, daemon: Daemon): Promise<number> {
  const pings = await startEcho(lab, last, first, JOIN_ECHO_INTERVAL_MS);
  const startUnixMs = performance.timeOrigin + performance.now();
  daemon.launch();
  await daemon.ready();
  await waitFor(`an answer to ${last.label}`, async () => (await echo(last, first, 1, 1)).received > 0);
  const { beginUnixMs, answers } = await pings.finish();
  const { atMs, rttMs } = at(answers, 0);
  return beginUnixMs + atMs + rttMs - startUnixMs;
}

/** The first daemon's, all alone. */
async function start(daemon: Daemon): Promise<Figures> {
  const isNode = daemon instanceof TestNode && daemon.kind === 'ratatosk';
  return { ...(isNode ? { nodeMs: await nodeStartMs() } : {}), ...(await launchWatched(daemon)) };
}

/** Of the daemon that has most. */
function memory(line: Line, which: 'VmRSS' | 'VmHWM', name: 'rssIdleMib' | 'rssPeakMib'): Figures {
  const sizes = line.hosts.flatMap(({ daemon }) => (daemon === undefined ? [] : [residentMib(daemon.pid, which)]));
  return sizes.length === 0 ? {} : { [name]: Math.max(...sizes) };
}
