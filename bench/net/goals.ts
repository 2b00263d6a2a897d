/** What the data plane must reach, and how far a result is from that. Floors must hold; aims are what we are after. */
import { FIGURES, type FigureName } from './figures.ts';
import { type Result, ratio } from './result.ts';
import { short, table } from './statistics.ts';

/** As a ratio to another system of the same run, above 1 is better. */
type Relative = { system: string; figure: FigureName; to: string; floor: number; aim?: number };
/** At most. */
type Absolute = { system: string; figure: FigureName; most: number };

const RELATIVE: readonly Relative[] = [
  { system: 'tcp', figure: 'tcpGbit', to: 'yggdrasil-tcp', floor: 4.5, aim: 6 },
  { system: 'tcp', figure: 'tcpCpuPerGb', to: 'yggdrasil-tcp', floor: 3, aim: 4 },
  { system: 'udp', figure: 'tcpGbit', to: 'wireguard-go', floor: 1.15, aim: 1.4 },
  { system: 'tls', figure: 'tcpGbit', to: 'yggdrasil-tls', floor: 2, aim: 3 },
  { system: 'ws', figure: 'tcpGbit', to: 'yggdrasil-ws', floor: 2, aim: 3 },
  { system: 'tcp3', figure: 'tcpGbit', to: 'yggdrasil-tcp3', floor: 3.5, aim: 5 },
  { system: 'tcp3', figure: 'tcpCpuPerGbHop', to: 'yggdrasil-tcp3', floor: 2 },
  { system: 'to-yggdrasil', figure: 'tcpGbit', to: 'yggdrasil-tcp', floor: 1 },
  { system: 'from-yggdrasil', figure: 'tcpGbit', to: 'yggdrasil-tcp', floor: 1 },
  { system: 'tcp', figure: 'iperfKpps', to: 'yggdrasil-tcp', floor: 1.5 },
  { system: 'tcp', figure: 'smallKpps', to: 'yggdrasil-tcp', floor: 2, aim: 3 },
  { system: 'tcp', figure: 'smallCpuMicros', to: 'yggdrasil-tcp', floor: 2, aim: 3 },
  { system: 'tcp', figure: 'mediumKpps', to: 'yggdrasil-tcp', floor: 2, aim: 3 },
  { system: 'tcp', figure: 'rttP50Micros', to: 'yggdrasil-tcp', floor: 1 / 0.65 },
  { system: 'tcp', figure: 'rttP99Micros', to: 'yggdrasil-tcp', floor: 1 / 0.6 },
];

const ABSOLUTE: readonly Absolute[] = [
  { system: 'tcp', figure: 'loadedRttP99Ms', most: 7 },
  { system: 'udp', figure: 'loadedRttP99Ms', most: 5 },
  { system: 'stalled-tcp', figure: 'loadedRttP99Ms', most: 7 },
  { system: 'stalled-udp', figure: 'loadedRttP99Ms', most: 5 },
  { system: 'tcp4', figure: 'voiceLostPercent', most: 0.5 },
  { system: 'tcp4', figure: 'voicePingMeanMs', most: 2 },
  { system: 'tcp4', figure: 'voicePingMaxMs', most: 25 },
  { system: 'tcp4', figure: 'pageP99Ms', most: 200 },
  { system: 'tcp4', figure: 'pageWorstMs', most: 1000 },
  { system: 'udp', figure: 'shapedAddedP95Ms', most: 30 },
  { system: 'tcp', figure: 'shapedAddedP95Ms', most: 80 },
  { system: 'tcp', figure: 'joinMs', most: 400 },
  { system: 'tcp5', figure: 'joinMs', most: 800 },
  { system: 'tcp', figure: 'rssIdleMib', most: 90 },
  { system: 'tcp', figure: 'rssPeakMib', most: 200 },
];

/** The goals that the result has figures for, and those that it should have and has not. */
export function judged({ systems }: Result): string {
  const relative = RELATIVE.flatMap(({ system, figure, to, floor, aim }) => {
    const value = systems[system]?.figures[figure]?.median;
    const reference = systems[to]?.figures[figure]?.median;
    if (isMissing(systems, figure, system, to)) return [lost(figure, system, wanted(floor, aim))];
    if (value === undefined || reference === undefined) return [];
    const times = ratio(value, reference, FIGURES[figure].isMoreBetter);
    const word = times < floor ? 'below' : aim !== undefined && times < aim ? 'floor' : 'met';
    return [[word, `${FIGURES[figure].title}, ${system}`, `${short(times)} x ${to}`, wanted(floor, aim)]];
  });
  const absolute = ABSOLUTE.flatMap(({ system, figure, most }) => {
    const value = systems[system]?.figures[figure]?.median;
    if (isMissing(systems, figure, system)) return [lost(figure, system, `at most ${short(most)}`)];
    if (value === undefined) return [];
    return [
      [value > most ? 'below' : 'met', `${FIGURES[figure].title}, ${system}`, short(value), `at most ${short(most)}`],
    ];
  });
  return table([...relative, ...absolute, ...shares(systems)]);
}

/** One of these ran and has no such figure, although others have: all its rounds failed. */
function isMissing(systems: Result['systems'], figure: FigureName, ...ids: string[]): boolean {
  const ran = ids.map((id) => systems[id]);
  const isMeasured = Object.values(systems).some(({ figures }) => figures[figure] !== undefined);
  return isMeasured && !ran.includes(undefined) && ran.some((one) => one?.figures[figure] === undefined);
}

function lost(figure: FigureName, system: string, goal: string): string[] {
  return ['missing', `${FIGURES[figure].title}, ${system}`, '-', goal];
}

/** Beside a real Yggdrasil ours uses at most half of what that does. */
function shares(systems: Result['systems']): string[][] {
  const pairs = [
    ['to-yggdrasil', 'tcpCpuPerGbFirst', 'tcpCpuPerGbLast'],
    ['from-yggdrasil', 'tcpCpuPerGbLast', 'tcpCpuPerGbFirst'],
  ] as const;
  return pairs.flatMap(([id, own, other]) => {
    const ours = systems[id]?.figures[own]?.median;
    const theirs = systems[id]?.figures[other]?.median;
    if (ours === undefined || theirs === undefined) return [];
    const share = ours / theirs;
    return [[share > 0.5 ? 'below' : 'met', `CPU of ours to its peer's, ${id}`, short(share), 'at most 0.5']];
  });
}

function wanted(floor: number, aim: number | undefined): string {
  return aim === undefined ? `floor ${short(floor)}` : `floor ${short(floor)}, aim ${short(aim)}`;
}
