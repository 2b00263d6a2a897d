/** One system in one round: laid, joined, measured row by row, removed. */
import { Lab } from '../../test/support/lab.ts';
import { at } from '../../test/support/mesh.ts';
import { waitFor } from '../../test/support/wait.ts';
import type { Figures } from './figures.ts';
import type { Line, System } from './host.ts';
import type { Row } from './rows.ts';
import { echo, idle, startEcho } from './traffic.ts';
import { residentMib } from './usage.ts';

const JOIN_ECHO_INTERVAL_MS = 4;
/** After joining; sessions, filters and the collector come to rest. */
const REST_MS = 1000;
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

/** From the start of the last daemon, all others being there, to the first echo that it gets from the first. */
async function join(lab: Lab, line: Line): Promise<Figures> {
  const { hosts } = line;
  const first = at(hosts, 0);
  const last = at(hosts, hosts.length - 1);
  const others = hosts.slice(0, -1);
  for (const { daemon } of others) {
    daemon?.launch();
    await daemon?.ready();
  }
  if (others.length > 1) await line.settle?.(others.length);
  const pings = await startEcho(lab, last, first, JOIN_ECHO_INTERVAL_MS);
  const startUnixMs = performance.timeOrigin + performance.now();
  last.daemon?.launch();
  await last.daemon?.ready();
  await waitFor(`an answer to ${last.label}`, async () => (await echo(last, first, 1, 1)).received > 0);
  const { beginUnixMs, answers } = await pings.finish();
  const { atMs, rttMs } = at(answers, 0);
  await line.settle?.(hosts.length);
  await waitFor(`an answer to ${first.label}`, async () => (await echo(first, last, 1, 1)).received > 0);
  await idle(REST_MS);
  const joinMs = last.daemon === undefined ? {} : { joinMs: beginUnixMs + atMs + rttMs - startUnixMs };
  return { ...joinMs, ...memory(line, 'VmRSS', 'rssIdleMib') };
}

/** Of the daemon that has most. */
function memory(line: Line, which: 'VmRSS' | 'VmHWM', name: 'rssIdleMib' | 'rssPeakMib'): Figures {
  const sizes = line.hosts.flatMap(({ daemon }) => (daemon === undefined ? [] : [residentMib(daemon.pid, which)]));
  return sizes.length === 0 ? {} : { [name]: Math.max(...sizes) };
}
