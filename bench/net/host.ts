/** What is measured: ways to join hosts, laid anew for every run. */
import type { Lab } from '../../test/support/lab.ts';
import type { Cable } from '../../test/support/netns.ts';
import type { Target } from '../../test/support/ping.ts';

/** As `TestNode`, and whatever else can be started beside it. */
export type Daemon = {
  readonly pid: number;
  launch(): void;
  /** When its interface carries the address; the way to others may still be missing. */
  ready(): Promise<void>;
};

/** Without a daemon: the bare cable. */
export type Host = Target & { readonly daemon?: Daemon };

/** Hosts in line, none of them started: the first and the last are measured. */
export type Line = {
  readonly hosts: readonly Host[];
  readonly cables: readonly Cable[];
  /** Until the first `count` hosts, all of them started, agree on their tree. */
  settle?(count: number): Promise<void>;
  /** Nothing may be sent before the line is at rest, so nobody can tell how long joining takes. */
  readonly isTouchy?: boolean;
};

export type System = {
  readonly id: string;
  readonly title: string;
  /** Of the systems that figures are compared with, if they run too. */
  readonly references: readonly string[];
  /** What it lacks here. */
  missing(): string | false;
  lay(lab: Lab): Promise<Line>;
};
