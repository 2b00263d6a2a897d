/** What a run has found, as it is kept in a file. */
import { readFileSync } from 'node:fs';
import type { FigureName, Figures } from './figures.ts';
import { figureNames } from './figures.ts';
import type { System } from './host.ts';
import type { Machine } from './machine.ts';
import { type Summary, summarise } from './statistics.ts';

export type Measured = {
  readonly title: string;
  readonly references: readonly string[];
  readonly figures: Partial<Record<FigureName, Summary>>;
  /** Rounds without figures. */
  readonly failures: number;
};

export type Result = {
  readonly machine: Machine;
  readonly rounds: number;
  readonly seconds: number;
  /** By id. */
  readonly systems: Record<string, Measured>;
};

export function digest(system: System, samples: readonly (Figures | undefined)[]): Measured {
  const found = samples.filter((figures) => figures !== undefined);
  const figures: Partial<Record<FigureName, Summary>> = {};
  for (const name of figureNames()) {
    const values = found.flatMap((one) => one[name] ?? []).filter(Number.isFinite);
    if (values.length > 0) figures[name] = summarise(values);
  }
  const { title, references } = system;
  return { title, references, figures, failures: samples.length - found.length };
}

/** Above 1 is better. */
export function ratio(value: number, reference: number, isMoreBetter: boolean): number {
  return isMoreBetter ? value / reference : reference / value;
}

export function readResult(file: string): Result {
  const text = readFileSync(file, 'utf8');
  try {
    const result: Result = JSON.parse(text);
    if (typeof result.systems === 'object' && typeof result.machine === 'object') return result;
  } catch {
    // Not even JSON.
  }
  throw new Error(`${file} is no result of bench:net`);
}
