/** A bottleneck of 20 Mbit/s on each host's own way out, as on a home line, saturated both ways. */
import { iperf } from '../../test/support/iperf.ts';
import type { Figures } from './figures.ts';
import type { Row } from './rows.ts';
import { percentile } from './statistics.ts';
import { echo, startEcho } from './traffic.ts';

const SHAPE = ['rate', '20mbit', 'burst', '16kb', 'latency', '400ms'];
const SECONDS_MIN = 8;
const ECHO_INTERVAL_MS = 20;
const PATIENCE_MS = 60_000;

/** The delay that the load adds to the median of the same way without load. */
export const shaped: Row = async ({ lab, line, from, to, seconds }): Promise<Figures> => {
  const ends = line.cables.flatMap(({ a, b }) => [a, b]);
  for (const { netns, device } of ends) {
    await netns.mustRun(['tc', 'qdisc', 'replace', 'dev', device, 'root', 'tbf', ...SHAPE]);
  }
  const idle = rising(await echo(from, to, 100, ECHO_INTERVAL_MS));
  const pings = await startEcho(lab, from, to, ECHO_INTERVAL_MS);
  const options = { seconds: Math.max(SECONDS_MIN, seconds), patienceMs: PATIENCE_MS };
  const reports = await Promise.all([iperf(lab, from, to, options), iperf(lab, to, from, options)]);
  const loaded = rising(await pings.finish());
  for (const { netns, device } of ends) await netns.mustRun(['tc', 'qdisc', 'del', 'dev', device, 'root']);
  return {
    shapedAddedP95Ms: percentile(loaded, 0.95) - percentile(idle, 0.5),
    shapedMbit: reports.reduce((sum, { bitsPerSecond }) => sum + bitsPerSecond, 0) / 1e6,
  };
};

function rising({ answers }: { answers: readonly { rttMs: number }[] }): number[] {
  return answers.map(({ rttMs }) => rttMs).sort((a, b) => a - b);
}
