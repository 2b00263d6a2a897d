/**
 * Whether the clock can be right. Sessions are numbered by it: after a step back others take this node's offers for old ones, and
 * do not answer until ten minutes have passed.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLOCK_STEP } from '../../host/clock-watch.ts';
import { defaultPlaces } from '../../host/places.ts';
import { durationText } from '../text.ts';
import { type Check, type Finding, failed, ok, warning } from './finding.ts';
import { readText } from './system.ts';

/** Unix times in milliseconds. */
export type ClockFacts = {
  readonly nowMs: number;
  /** When this software was built: it cannot run before. */
  readonly builtMs: number;
  /** The latest of what this node has written, and where. */
  readonly written: { readonly ms: number; readonly path: string } | undefined;
  /** What the machine's own clock says, which runs without power. */
  readonly hardwareMs: number | undefined;
  /** The latest step that the daemon has seen. */
  readonly step: string | undefined;
};

/** Zones, builds on machines with clocks of their own. */
const BUILD_SLACK_MS = 86_400_000;
const WRITTEN_SLACK_MS = 60_000;
/** Hardware clocks that run in local time are off by some hours. */
const HARDWARE_SLACK_MS = 26 * 3_600_000;
const REMEDY = 'timedatectl set-ntp true, or date -s; then restart the daemon';

export const clock: Check = {
  name: 'clock',
  look: ({ daemon }) => {
    const step = daemon?.problems.findLast(({ text }) => text.startsWith(CLOCK_STEP));
    return [clockFinding({ ...clockFacts(), step: step?.text })];
  },
};

export function clockFinding({ nowMs, builtMs, written, hardwareMs, step }: ClockFacts): Finding {
  const now = dateText(nowMs);
  if (written !== undefined && nowMs < written.ms - WRITTEN_SLACK_MS) {
    const back = durationText((written.ms - nowMs) / 1_000);
    return failed(
      `the clock is ${back} back: it says ${now}, and ${written.path} is of ${dateText(written.ms)}`,
      REMEDY,
    );
  }
  if (nowMs < builtMs - BUILD_SLACK_MS) {
    const back = durationText((builtMs - nowMs) / 1_000);
    return failed(
      `the clock is at least ${back} back: it says ${now}, and this was built ${dateText(builtMs)}`,
      REMEDY,
    );
  }
  if (hardwareMs !== undefined && Math.abs(nowMs - hardwareMs) > HARDWARE_SLACK_MS) {
    return warning(`the clock says ${now}, the hardware clock ${dateText(hardwareMs)}: one is wrong`, REMEDY);
  }
  if (step !== undefined) return warning(step, 'see who sets it: timedatectl, chronyc tracking');
  return ok(`${now}, as far as can be told`);
}

function clockFacts(): Omit<ClockFacts, 'step'> {
  const hardware = readText('/sys/class/rtc/rtc0/since_epoch');
  return {
    nowMs: Date.now(),
    builtMs: timeOf(fileURLToPath(import.meta.url)) ?? 0,
    written: newestIn(defaultPlaces().stateFolder),
    hardwareMs: hardware === undefined ? undefined : Number(hardware) * 1_000,
  };
}

/** Undefined where nothing is, or nothing may be looked at. */
function newestIn(folder: string): ClockFacts['written'] {
  const names = filesIn(folder);
  const files = names.flatMap((name) => {
    const path = join(folder, name);
    const ms = timeOf(path);
    return ms === undefined ? [] : [{ ms, path }];
  });
  return files.sort((a, b) => b.ms - a.ms)[0];
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true }).map(String);
  } catch {
    return [];
  }
}

function timeOf(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}

function dateText(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 16).replace('T', ' ');
}
