/** What a request of the admin socket is, and what requests are answered with. */
import type { Limits } from '../core/port.ts';
import type { Json } from './admin-json.ts';
import type { AdminArguments } from './admin-request.ts';
import type { Answers, FirewallAnswer, Push, RequestName, StatusAnswer } from './answers.ts';
import type { AskRouter } from './commands.ts';
import type { Events } from './events.ts';
import type { LoopInfo } from './loop.ts';
import type { RowContext } from './rows.ts';
import type { Target } from './targets.ts';

/** What answers a request, and nothing else than that. */
export type Run<N extends RequestName> = (args: AdminArguments) => Promise<Answers[N]> | Answers[N];

export type Call = {
  readonly name: RequestName;
  readonly description: string;
  readonly fields: readonly string[];
  /** Only such calls are served over TCP. */
  readonly isReadOnly: boolean;
  /** Ours, not Yggdrasil's: unknown arguments are refused. */
  readonly isOwn: boolean;
  run(args: AdminArguments): Promise<Json> | Json;
  /** Of a request that is answered again and again, instead of `run`: begins, and gives what ends it. */
  stream?(args: AdminArguments, outlet: Outlet): () => void;
};

/** Where answers of a stream go. */
export type Outlet = {
  /** What must not be lost: who lets too much of it wait is let go. */
  tell(push: Push): void;
  /** Settles when it has been taken, or the other side is gone. */
  offer(push: Push): Promise<void>;
};

export type CallContext = RowContext & {
  readonly ask: AskRouter;
  readonly version: string;
  /** Those in force. */
  readonly limits: () => Limits;
  /** How the event loop of the host thread does. */
  readonly loop: () => LoopInfo;
  /** The mesh address meant by an address, a key or a name; throws `TARGET_UNKNOWN`. */
  readonly findTarget: (target: string) => Uint8Array;
  /** The same, also of what is not in the mesh. */
  readonly findNode: (target: string) => Target;
  /** What the host knows of the daemon, for `status`. */
  readonly status: () => Promise<StatusAnswer>;
  /** Who may connect from the mesh; the changes throw what an operator can read. */
  readonly firewall: {
    status(): FirewallAnswer;
    /** Without running a command. */
    latest(): FirewallAnswer;
    allow(rule: string): void;
    deny(rule: string): void;
  };
  /** As `Firewall.openFor`. */
  readonly openFor: (address: Uint8Array) => readonly string[] | undefined;
  /** As `Firewall.refusedTo`. */
  readonly refusedTo: (address: Uint8Array) => readonly string[];
  /** Reads the configuration again; one line for each change. */
  readonly reload: () => Promise<readonly string[]>;
  readonly events: Events;
};

/** One of Yggdrasil's requests, which changes nothing and sends nothing. */
export function theirs<N extends RequestName>(name: N, description: string, run: Run<N>, ...fields: string[]): Call {
  return { name, description, fields, isReadOnly: true, isOwn: false, run };
}

/** The same of ours. */
export function ours<N extends RequestName>(name: N, description: string, run: Run<N>, ...fields: string[]): Call {
  return { ...theirs(name, description, run, ...fields), isOwn: true };
}

/** Of a request that changes something, or makes this node send. */
export function acting(call: Call): Call {
  return { ...call, isReadOnly: false };
}
