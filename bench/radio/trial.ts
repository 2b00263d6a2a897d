/** What a trial is, and what its figures mean. */

/** One run in virtual time; the same seed gives the same figures. */
export type Trial = {
  /** Letter of its case, then what is special. */
  readonly name: string;
  readonly run: (seed: number) => Figures;
  /** Bounds of medians over the seeds. */
  readonly goals: readonly Goal[];
};

export type Figures = Partial<Record<Figure, number>>;

export type Goal = { readonly figure: Figure; readonly least?: number; readonly most?: number };

/** Titles, in the order of the columns. Shares are 0 to 1, times in s. */
export const FIGURES = {
  raw: 'goodput/raw',
  physical: 'goodput/physical',
  airPerKb: 'air s/kB',
  airRatio: 'air/ideal',
  delivered: 'delivered',
  p50: 'p50 s',
  p95: 'p95 s',
  control: 'control',
  joined: 'join s',
  gossip: 'octets/min',
  budget: 'budget used',
  violations: 'violations',
  wrong: 'wrong frames',
  theory: 'theory/raw',
} as const;

export type Figure = keyof typeof FIGURES;

export const GROUPS: Readonly<Record<string, string>> = {
  A: 'bulk: one TCP download, 1220-octet segments; datagrams of 1200 octets as many as go',
  B: 'echoes: 56 octets by ICMPv6, key strokes of 36 octets by TCP; idle, and beside a download',
  C: 'five stations that hear each other',
  D: 'a chain whose ends do not hear each other',
  E: 'leaves behind a gateway whose LAN is busy',
  F: 'nodes that come and go',
  G: 'two hours within a duty cycle, under load',
  H: 'a serial cable with noise',
  S: 'stop and wait on the same channel, and what theory says of it',
};

export function isMet({ figure, least, most }: Goal, median: number | undefined): boolean {
  if (median === undefined || Number.isNaN(median)) return false;
  return (least === undefined || median >= least) && (most === undefined || median <= most) && figure in FIGURES;
}
