/** What a check of `doctor` finds, and what it may look at. */
import type { Answers } from '../../host/answers.ts';
import type { LoadedConfig } from '../../host/config.ts';

export type FindingState = 'ok' | 'warning' | 'failed' | 'skipped';

export type Finding = {
  readonly state: FindingState;
  /** One line: what, on what. */
  readonly text: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
};

/** What a running daemon says of itself. */
export type DaemonSays = {
  readonly status: Answers['getStatus'];
  readonly peers: Answers['getPeers']['peers'];
  readonly stats: Answers['getStats'];
  /** Warnings and errors of this life, the oldest first. */
  readonly problems: Answers['getEvents']['events'];
};

export type Scene = {
  /** Of the configuration. */
  readonly path: string;
  /** Undefined: see `configProblem`. */
  readonly loaded: LoadedConfig | undefined;
  readonly configProblem: Problem | undefined;
  /** Undefined: see `daemonProblem`. */
  readonly daemon: DaemonSays | undefined;
  readonly daemonProblem: Problem | undefined;
};

/** Of a `RatatoskError`. */
export type Problem = { readonly code: string; readonly message: string };

export type Check = {
  /** One word. */
  readonly name: string;
  look(scene: Scene): Promise<readonly Finding[]> | readonly Finding[];
};

export const ok = (text: string): Finding => ({ state: 'ok', text });
export const skipped = (text: string): Finding => ({ state: 'skipped', text });
export const warning = (text: string, remedy?: string): Finding => ({ state: 'warning', text, remedy });
export const failed = (text: string, remedy?: string): Finding => ({ state: 'failed', text, remedy });
