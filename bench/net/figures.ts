/** Every figure that a run can give: how it is headed, and whether more of it is better. */
export const FIGURES = {
  tcpGbit: { title: 'TCP Gbit/s', isMoreBetter: true },
  tcpCpuPerGb: { title: 'CPU s/GB', isMoreBetter: false },
  tcpCpuPerGbFirst: { title: 'CPU s/GB, sender', isMoreBetter: false },
  tcpCpuPerGbLast: { title: 'CPU s/GB, receiver', isMoreBetter: false },
  tcpCpuPerGbHop: { title: 'CPU s/GB, a hop between', isMoreBetter: false },
  smallKpps: { title: '64 B kpps', isMoreBetter: true },
  smallCpuMicros: { title: '64 B CPU µs', isMoreBetter: false },
  iperfKpps: { title: '64 B kpps, iperf3', isMoreBetter: true },
  iperfCpuMicros: { title: '64 B CPU µs, iperf3', isMoreBetter: false },
  mediumKpps: { title: '1200 B kpps', isMoreBetter: true },
  mediumCpuMicros: { title: '1200 B CPU µs', isMoreBetter: false },
  smallLossFreeKpps: { title: '64 B loss-free kpps', isMoreBetter: true },
  mediumLossFreeKpps: { title: '1200 B loss-free kpps', isMoreBetter: true },
  rttP50Micros: { title: 'RTT p50 µs', isMoreBetter: false },
  rttP99Micros: { title: 'RTT p99 µs', isMoreBetter: false },
  loadedRttP50Ms: { title: 'loaded RTT p50 ms', isMoreBetter: false },
  loadedRttP99Ms: { title: 'loaded RTT p99 ms', isMoreBetter: false },
  voiceLostPercent: { title: 'voice lost %', isMoreBetter: false },
  voicePingMeanMs: { title: 'ping beside, mean ms', isMoreBetter: false },
  voicePingMaxMs: { title: 'ping beside, worst ms', isMoreBetter: false },
  pagesPerSecond: { title: 'pages/s', isMoreBetter: true },
  pageP99Ms: { title: 'page p99 ms', isMoreBetter: false },
  pageWorstMs: { title: 'page worst ms', isMoreBetter: false },
  shapedAddedP95Ms: { title: 'added at 20 Mbit/s, p95 ms', isMoreBetter: false },
  shapedMbit: { title: 'both ways at 20 Mbit/s', isMoreBetter: true },
  rssIdleMib: { title: 'RSS idle MiB', isMoreBetter: false },
  rssPeakMib: { title: 'RSS peak MiB', isMoreBetter: false },
  nodeMs: { title: "Node's start ms", isMoreBetter: false },
  listeningMs: { title: 'until listening ms', isMoreBetter: false },
  tunMs: { title: 'until TUN ms', isMoreBetter: false },
  joinMs: { title: 'join ms', isMoreBetter: false },
} as const satisfies Record<string, { title: string; isMoreBetter: boolean }>;

export type FigureName = keyof typeof FIGURES;
export type Figures = Partial<Record<FigureName, number>>;

export function figureNames(): FigureName[] {
  return Object.keys(FIGURES) as FigureName[];
}
