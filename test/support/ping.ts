/**
 * ICMPv6 echo between nodes, and raw packets of chosen sizes.
 */
import assert from 'node:assert/strict';
import type { Place } from './iperf.ts';
import type { Lab } from './lab.ts';
import { python, supportFile } from './places.ts';
import type { Running } from './process.ts';
import { waitFor } from './wait.ts';

export type PingReport = {
  sent: number;
  received: number;
  /** In order of sending; `atMs` counts from the first request. */
  answers: { atMs: number; rttMs: number }[];
};

export type PingOptions = {
  count?: number;
  intervalMs?: number;
  /** Of the whole IPv6 packet. */
  size?: number;
  /** How long to wait for the last answer. */
  limitMs?: number;
};

/** A daemon, or a host without one. */
export type Target = Place & { readonly label: string };

export async function ping(from: Target, to: Target, options: PingOptions = {}): Promise<PingReport> {
  return reportIn(await from.netns.mustRun(pingLine(to, options), { limitMs: 60_000 + spanMs(options) }));
}

/** Pings until the first answer; gives the time that took. */
export async function firstAnswerMs(from: Target, to: Target, limitMs = 20_000): Promise<number> {
  const startMs = performance.now();
  await waitFor(
    `an answer to ${from.label} from ${to.label}`,
    async () => (await ping(from, to, { limitMs: 500 })).received > 0,
    { limitMs, everyMs: 10 },
  );
  return performance.now() - startMs;
}

/** A ping that runs until `finish`, for what happens meanwhile. */
export async function startPing(lab: Lab, from: Target, to: Target, intervalMs: number) {
  const running = lab.adopt(from.netns.start(pingLine(to, { count: 100_000, intervalMs, limitMs: 1000 })));
  await running.says('ready');
  return {
    finish: async (): Promise<PingReport> => {
      running.signal('SIGINT');
      await running.ended(5000);
      return reportIn(running.stdout);
    },
  };
}

/** Echo answers every request of a short series both ways. */
export async function assertPings(a: Target, b: Target): Promise<void> {
  await firstAnswerMs(a, b);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const report = await ping(from, to, { count: 10, intervalMs: 20, limitMs: 2000 });
    assert.equal(report.received, report.sent, `${from.label} → ${to.label}: echo requests without an answer`);
  }
}

export type SizesReport = { sizes: number; repeated: number[]; lost: number[] };

/** Sends a raw packet of each size and expects the same octets back. Sizes are numbers or `from:to:step`. */
export async function exchangeSizes(
  lab: Lab,
  from: Target,
  to: Target,
  sizes: readonly string[],
  limitMs: number,
): Promise<SizesReport> {
  const echo: Running = lab.adopt(to.netns.start([python, supportFile('packets.py'), 'echo', to.address]));
  await echo.says('ready');
  const line = [python, supportFile('packets.py'), 'sizes', to.address, ...sizes];
  const report = JSON.parse(await from.netns.mustRun(line, { limitMs }));
  await echo.stop('SIGKILL');
  return report;
}

function pingLine(to: Target, options: PingOptions): string[] {
  const { count = 1, intervalMs = 100, size = 104, limitMs = 1000 } = options;
  const numbers = [count, intervalMs / 1000, size, limitMs / 1000].map(String);
  return [python, supportFile('packets.py'), 'ping', to.address, ...numbers];
}

function reportIn(output: string): PingReport {
  return JSON.parse(output.slice(output.indexOf('{')));
}

function spanMs(options: PingOptions): number {
  return (options.count ?? 1) * (options.intervalMs ?? 100) + (options.limitMs ?? 1000);
}
