/** What is measured on a line that has been laid and joined, by the name of its row. */
import { iperf } from '../../test/support/iperf.ts';
import type { Lab } from '../../test/support/lab.ts';
import type { Figures } from './figures.ts';
import type { Host, Line } from './host.ts';
import { lossFreeRate } from './loss-free.ts';
import { fetchPages } from './pages.ts';
import { shaped } from './shaped.ts';
import { percentile } from './statistics.ts';
import { echo, flood, startEcho } from './traffic.ts';
import { cpuOf, cpuSince } from './usage.ts';

export type Scene = {
  readonly lab: Lab;
  readonly line: Line;
  readonly from: Host;
  readonly to: Host;
  /** Of each stretch of traffic. */
  readonly seconds: number;
};

export type Row = (scene: Scene) => Promise<Figures>;

const ECHO_COUNT = 1000;
const ECHO_INTERVAL_MS = 2;
const LOADED_ECHO_INTERVAL_MS = 5;
const SMALL = 64;
const MEDIUM = 1200;
const VOICE_OCTETS = 160;
const VOICE_RATE = 50;
const VOICE_ECHO_INTERVAL_MS = 20;
const PAGE_CONNECTIONS = 100;

export const ROWS: Readonly<Record<string, Row>> = {
  rtt: async ({ from, to }) => {
    const { answers } = await echo(from, to, ECHO_COUNT, ECHO_INTERVAL_MS);
    const { p50, p99 } = roundTrips(answers);
    return { rttP50Micros: p50 * 1e3, rttP99Micros: p99 * 1e3 };
  },
  tcp: async ({ lab, line, from, to, seconds }) => {
    const pings = await startEcho(lab, from, to, LOADED_ECHO_INTERVAL_MS);
    const before = cpuOf(line.hosts);
    const report = await iperf(lab, from, to, { seconds });
    const cpu = cpuSince(before, line.hosts);
    const { p50, p99 } = roundTrips((await pings.finish()).answers);
    const gigabytes = (report.bitsPerSecond * seconds) / 8e9;
    return {
      tcpGbit: report.bitsPerSecond / 1e9,
      tcpCpuPerGb: cpu.all / gigabytes,
      tcpCpuPerGbFirst: cpu.first / gigabytes,
      tcpCpuPerGbLast: cpu.last / gigabytes,
      tcpCpuPerGbHop: cpu.hop / gigabytes,
      loadedRttP50Ms: p50,
      loadedRttP99Ms: p99,
    };
  },
  small: async (scene) => {
    const { kpps, cpuMicros } = await overload(scene, SMALL);
    return { smallKpps: kpps, smallCpuMicros: cpuMicros };
  },
  medium: async (scene) => {
    const { kpps, cpuMicros } = await overload(scene, MEDIUM);
    return { mediumKpps: kpps, mediumCpuMicros: cpuMicros };
  },
  iperf: async ({ lab, line, from, to, seconds }) => {
    const before = cpuOf(line.hosts);
    const { packetsPerSecond } = await iperf(lab, from, to, { seconds, udpPayload: SMALL });
    const cpu = cpuSince(before, line.hosts);
    return { iperfKpps: packetsPerSecond / 1e3, iperfCpuMicros: (cpu.all * 1e6) / (packetsPerSecond * seconds) };
  },
  lossfree: async (scene) => ({
    smallLossFreeKpps: (await lossFreeRate(scene, SMALL)) / 1e3,
    mediumLossFreeKpps: (await lossFreeRate(scene, MEDIUM)) / 1e3,
  }),
  voice: async ({ lab, from, to, seconds }) => {
    const pings = await startEcho(lab, from, to, VOICE_ECHO_INTERVAL_MS);
    const [, voice] = await Promise.all([
      iperf(lab, from, to, { seconds: seconds + 1 }),
      flood(lab, from, to, { octets: VOICE_OCTETS, seconds, rate: VOICE_RATE }),
    ]);
    const times = (await pings.finish()).answers.map(({ rttMs }) => rttMs);
    return {
      voiceLostPercent: 100 * (1 - voice.received / voice.sent),
      voicePingMeanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length,
      voicePingMaxMs: Math.max(...times),
    };
  },
  http: async ({ lab, from, to, seconds }) => {
    const times = await fetchPages(lab, from, to, PAGE_CONNECTIONS, seconds);
    return {
      pagesPerSecond: times.length / seconds,
      pageP99Ms: percentile(times, 0.99),
      pageWorstMs: times.at(-1) ?? Number.NaN,
    };
  },
  shaped,
};

/** More than it takes; CPU of all daemons for each packet that arrived. */
async function overload(
  { lab, line, from, to, seconds }: Scene,
  octets: number,
): Promise<{ kpps: number; cpuMicros: number }> {
  const before = cpuOf(line.hosts);
  const flooded = await flood(lab, from, to, { octets, seconds });
  const cpu = cpuSince(before, line.hosts);
  return { kpps: flooded.receivedPerSecond / 1e3, cpuMicros: (cpu.all * 1e6) / flooded.received };
}

/** Milliseconds. */
export function roundTrips(answers: readonly { rttMs: number }[]): { p50: number; p99: number } {
  const sorted = answers.map(({ rttMs }) => rttMs).sort((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}
