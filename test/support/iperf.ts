/**
 * iperf3 between nodes.
 */
import type { Lab } from './lab.ts';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

export type Place = { readonly netns: Netns; readonly address: string };

export type IperfOptions = {
  seconds: number;
  /** Ask the server to send instead. */
  isReverse?: boolean;
  /** UDP datagrams of this payload, as fast as it goes; TCP unless given. */
  udpPayload?: number;
  /** How long the tool may need beside the traffic: its own connection crosses the same link. */
  patienceMs?: number;
};

export type IperfReport = {
  /** At the receiver. */
  bitsPerSecond: number;
  packetsPerSecond: number;
  /** At the receiver, one for each second. */
  octetsOfInterval: number[];
  retransmits: number;
};

type RawSum = { bytes: number; bits_per_second: number; packets?: number; lost_packets?: number; seconds: number };
type RawReport = {
  error?: string;
  intervals: { sum: RawSum & { omitted: boolean; sender: boolean } }[];
  end: { sum_received?: RawSum; sum_sent?: RawSum & { retransmits?: number }; sum?: RawSum };
  server_output_json?: RawReport;
};

export async function iperf(lab: Lab, from: Place, to: Place, options: IperfOptions): Promise<IperfReport> {
  // With -J the server says nothing when it is ready; its report then holds what the receiver saw.
  const server = lab.adopt(to.netns.start(['iperf3', '-s', '-1', '-J', '-B', to.address]));
  await waitFor('iperf3 to listen', async () => (await to.netns.mustRun(['ss', '-Hltn'])).includes(':5201'));
  const line = ['iperf3', '-c', to.address, '-t', String(options.seconds), '-i', '1', '-J', '--get-server-output'];
  if (options.isReverse === true) line.push('-R');
  if (options.udpPayload !== undefined) line.push('-u', '-b', '0', '-l', String(options.udpPayload));
  const outcome = await from.netns.run(line, { limitMs: options.seconds * 1000 + (options.patienceMs ?? 20_000) });
  await server.stop('SIGKILL');
  const report: RawReport = JSON.parse(outcome.stdout);
  if (report.error !== undefined) throw new Error(`iperf3 ${from.address} → ${to.address}: ${report.error}`);
  return digest(report, options);
}

function digest(report: RawReport, options: IperfOptions): IperfReport {
  // Intervals of the receiving side show a stall; the sender's only show how its socket buffer fills.
  const receiver = options.isReverse === true ? report : (report.server_output_json ?? report);
  const received = receiver.end.sum_received ?? receiver.end.sum ?? { bytes: 0, bits_per_second: 0, seconds: 1 };
  const packets = (receiver.end.sum?.packets ?? 0) - (receiver.end.sum?.lost_packets ?? 0);
  return {
    bitsPerSecond: received.bits_per_second,
    packetsPerSecond: packets / received.seconds,
    octetsOfInterval: receiver.intervals.filter(isWholeInterval).map(({ sum }) => sum.bytes),
    retransmits: report.end.sum_sent?.retransmits ?? 0,
  };
}

/** The receiver's last interval may be a remnant of some milliseconds. */
function isWholeInterval({ sum }: { sum: RawSum }): boolean {
  return sum.seconds > 0.5;
}
