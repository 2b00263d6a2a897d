/** What one scrape has of a node, and how a series reads it. */
import type { Limits, RadioInfo, SelfInfo } from '../core/port.ts';
import type { AskRouter, Commands, PeerRow } from './commands.ts';
import type { LoopInfo } from './loop.ts';

export type MetricsSource = {
  readonly ask: AskRouter;
  readonly version: string;
  /** Of the host thread. */
  readonly loop: () => LoopInfo;
  readonly limits: () => Limits;
  /** Packets that the firewall has refused; undefined: it is open, or does not tell. */
  readonly refused: () => number | undefined;
};

export type Snapshot = {
  readonly source: MetricsSource;
  readonly self: SelfInfo;
  readonly stats: Commands['stats']['answer'];
  readonly rows: readonly PeerRow[];
  readonly radios: readonly RadioInfo[];
  readonly hasTun: boolean;
};

export type Row = readonly [value: number, labels?: Record<string, string>];

export type Series = {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  readonly labels: readonly string[];
  readonly rows: (now: Snapshot) => Iterable<Row>;
};

export function gauge(name: string, help: string, rows: Series['rows'], ...labels: string[]): Series {
  return { name, help, kind: 'gauge', labels, rows };
}

export function counter(name: string, help: string, rows: Series['rows'], ...labels: string[]): Series {
  return { name, help, kind: 'counter', labels, rows };
}
