/** The figures of one pair of hosts in one run. */

import type { LinkOptions } from '../../test/support/carriers.ts';
import { iperf, type Place } from '../../test/support/iperf.ts';
import type { DaemonKind } from '../../test/support/kind.ts';
import { Lab } from '../../test/support/lab.ts';
import { at, layMesh, settle } from '../../test/support/mesh.ts';
import type { TestNode } from '../../test/support/node.ts';
import { assertPings, ping, startPing, type Target } from '../../test/support/ping.ts';
import { waitFor } from '../../test/support/wait.ts';
import { percentile } from './statistics.ts';
import { cpuSeconds, residentMib } from './usage.ts';

export type Pace = { tcpSeconds: number; udpSeconds: number; pings: number };
export type Figures = Record<string, number>;
export type Progress = (step: string) => void;

const SMALL_PAYLOAD = 64;
const PING_INTERVAL_MS = 2;
const WARM_UP_PINGS = 1000;

/** Two hosts without any daemon: what the cable and the machine give. */
export async function measureVeth(pace: Pace, progress: Progress): Promise<Figures> {
  return inLab(async (lab) => {
    const [near, far] = [await lab.netns('near'), await lab.netns('far')];
    const cable = await lab.cable(near, far);
    const a = { netns: near, address: cable.a.ipv6, label: 'a' };
    const b = { netns: far, address: cable.b.ipv6, label: 'b' };
    await waitFor('the bare cable to answer', async () => (await ping(a, b)).received > 0);
    return traffic(lab, a, b, pace, progress, () => [Number.NaN, Number.NaN]);
  });
}

/** Figures by direction: `forth` from the first kind to the second, `back` the other way if the kinds differ. */
export async function measurePair(
  kinds: readonly [DaemonKind, DaemonKind],
  link: LinkOptions,
  pace: Pace,
  progress: Progress,
): Promise<{ forth: Figures; back: Figures | undefined }> {
  return inLab(async (lab) => {
    const { nodes } = await layMesh(lab, { kinds, link });
    const [a, b] = [at(nodes, 0), at(nodes, 1)];
    progress('join');
    const life = await joinFigures(lab, a, b);
    const forth = await traffic(lab, a, b, pace, progress, cpuOf(a, b));
    if (kinds[0] !== kinds[1]) return { forth, back: await traffic(lab, b, a, pace, progress, cpuOf(b, a)) };
    // Start and memory belong to a kind, so mixed pairs have none of their own.
    const peak = [a, b].map((node) => residentMib(node.pid, 'VmHWM'));
    return { forth: { ...forth, ...life, rssPeakMib: Math.max(...peak) }, back: undefined };
  });
}

/** From the start of a daemon, beside one that runs, to the first answer; memory once it has settled. */
async function joinFigures(lab: Lab, a: TestNode, b: TestNode): Promise<Figures> {
  await a.start();
  const series = await startPing(lab, b, a, 20);
  const startMs = performance.now();
  b.launch();
  await b.ready();
  const readyMs = performance.now() - startMs;
  await waitFor('the session', async () => (await b.admin<{ sessions?: [] }>('getsessions')).sessions?.length);
  await settle([a, b]);
  await assertPings(a, b);
  const joinMs = at((await series.finish()).answers, 0).atMs;
  const idle = [a, b].map((node) => residentMib(node.pid, 'VmRSS'));
  return { startMs: readyMs, joinMs, rssIdleMib: Math.max(...idle) };
}

function cpuOf(from: TestNode, to: TestNode): () => [number, number] {
  return () => [cpuSeconds(from.pid), cpuSeconds(to.pid)];
}

async function traffic(
  lab: Lab,
  from: Place & Target,
  to: Place & Target,
  pace: Pace,
  progress: Progress,
  cpu: () => [number, number],
): Promise<Figures> {
  progress('TCP');
  let before = cpu();
  const tcp = await iperf(lab, from, to, { seconds: pace.tcpSeconds });
  const gigabytes = tcp.octetsOfInterval.reduce((sum, octets) => sum + octets, 0) / 1e9;
  const tcpCpu = since(before, cpu());
  progress('small packets');
  before = cpu();
  const udp = await iperf(lab, from, to, { seconds: pace.udpSeconds, udpPayload: SMALL_PAYLOAD });
  const packets = udp.packetsPerSecond * pace.udpSeconds;
  const udpCpu = since(before, cpu());
  progress('round trip');
  // Bulk leaves every daemon tuned for bulk; what counts is how it answers once single packets are the rule.
  await ping(from, to, { count: WARM_UP_PINGS, intervalMs: PING_INTERVAL_MS });
  const report = await ping(from, to, { count: pace.pings, intervalMs: PING_INTERVAL_MS });
  const rtts = report.answers.map((answer) => answer.rttMs).sort((a, b) => a - b);
  return {
    tcpGbitPerSecond: tcp.bitsPerSecond / 1e9,
    sendCpuSecondsPerGb: tcpCpu[0] / gigabytes,
    receiveCpuSecondsPerGb: tcpCpu[1] / gigabytes,
    smallKpps: udp.packetsPerSecond / 1e3,
    sendCpuMicrosPerPacket: (udpCpu[0] * 1e6) / packets,
    receiveCpuMicrosPerPacket: (udpCpu[1] * 1e6) / packets,
    rttP50Ms: percentile(rtts, 0.5),
    rttP99Ms: percentile(rtts, 0.99),
    pingsLost: report.sent - report.received,
  };
}

function since(before: [number, number], now: [number, number]): [number, number] {
  return [now[0] - before[0], now[1] - before[1]];
}

async function inLab<T>(act: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = new Lab();
  try {
    return await act(lab);
  } catch (error) {
    throw new Error(await lab.account(), { cause: error });
  } finally {
    await lab.close();
  }
}
