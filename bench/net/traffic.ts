/** Echo and floods of datagrams between hosts, by the programs of `bench/traffic`, compiled when they are wanted. */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../../test/support/iperf.ts';
import type { Lab } from '../../test/support/lab.ts';
import { repoRoot, toolInPath } from '../../test/support/places.ts';
import { run } from '../../test/support/process.ts';

const PROGRAMS = ['ping', 'flood', 'pages'] as const;
const FOLDER = join(repoRoot, 'bench/traffic');
const COMPILER = 'g++';
const FLAGS = ['-O2', '-std=c++20', '-Wall', '-Wextra', '-Werror'];
const FLOOD_PORT = 7777;

export type Echoes = {
  sent: number;
  received: number;
  /** When the first request left. */
  beginUnixMs: number;
  /** In order of sending; `atMs` counts from the first request. */
  answers: { atMs: number; rttMs: number }[];
};

export type FloodOptions = {
  /** Payload of UDP. */
  octets: number;
  seconds: number;
  /** Packets a second; as fast as it goes unless given. */
  rate?: number;
};

export type Flooded = {
  sent: number;
  received: number;
  reordered: number;
  /** Of sending. */
  sendSeconds: number;
  /** While packets arrived. */
  receivedPerSecond: number;
};

/** Why there is no traffic of our own, if so. */
export async function buildTraffic(): Promise<string | undefined> {
  if (toolInPath(COMPILER) === undefined) return `needs ${COMPILER}`;
  mkdirSync(join(repoRoot, 'dist/bench/traffic'), { recursive: true });
  const newestMs = Math.max(...readdirSync(FOLDER).map((name) => statSync(join(FOLDER, name)).mtimeMs));
  for (const name of PROGRAMS) {
    const source = join(FOLDER, `${name}.cc`);
    if (existsSync(program(name)) && statSync(program(name)).mtimeMs > newestMs) continue;
    const outcome = await run([COMPILER, ...FLAGS, '-o', program(name), source], { limitMs: 120_000 });
    if (outcome.code !== 0) return `${COMPILER} refuses ${source}: ${outcome.stderr}`;
  }
  return undefined;
}

export async function echo(from: Place, to: Place, count: number, intervalMs: number): Promise<Echoes> {
  return jsonIn(await from.netns.mustRun(pingLine(to, count, intervalMs), { limitMs: 60_000 + count * intervalMs }));
}

/** Echoes until `finish`, for what happens meanwhile. */
export async function startEcho(
  lab: Lab,
  from: Place,
  to: Place,
  intervalMs: number,
): Promise<{ finish: () => Promise<Echoes> }> {
  const running = lab.adopt(from.netns.start(pingLine(to, 1_000_000, intervalMs)));
  await running.says('ready');
  return {
    finish: async () => {
      running.signal('SIGINT');
      await running.ended(10_000);
      return jsonIn(running.stdout);
    },
  };
}

export async function flood(lab: Lab, from: Place, to: Place, options: FloodOptions): Promise<Flooded> {
  const { octets, seconds, rate = 0 } = options;
  const receiver = lab.adopt(to.netns.start([program('flood'), 'receive', to.address, String(FLOOD_PORT)]));
  await receiver.says('ready');
  const line = [program('flood'), 'send', to.address, String(FLOOD_PORT), ...[octets, seconds, rate].map(String)];
  const sent: { sent: number; seconds: number } = jsonIn(
    await from.netns.mustRun(line, { limitMs: seconds * 1000 + 20_000 }),
  );
  // What waits in queues still arrives.
  await idle(STRAGGLERS_MS);
  receiver.signal('SIGINT');
  await receiver.ended(10_000);
  const got: { received: number; reordered: number; seconds: number } = jsonIn(receiver.stdout);
  return {
    sent: sent.sent,
    sendSeconds: sent.seconds,
    received: got.received,
    reordered: got.reordered,
    receivedPerSecond: got.received / Math.max(got.seconds, sent.seconds),
  };
}

const STRAGGLERS_MS = 300;

export const idle = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function program(name: (typeof PROGRAMS)[number]): string {
  return join(repoRoot, 'dist/bench/traffic', name);
}

function pingLine(to: Place, count: number, intervalMs: number): string[] {
  return [program('ping'), to.address, ...[count, intervalMs * 1000, LAST_ANSWER_MS].map(String)];
}

const LAST_ANSWER_MS = 1000;

function jsonIn<T>(output: string): T {
  return JSON.parse(output.slice(output.indexOf('{')));
}
