/** What a node knows about the way to one other node, as plain data, and what that comes to in one word. */
import type { LinkId, PublicKey } from '../port.ts';
import type { QueueFacts } from '../queue.ts';
import type { CandidateState, DecidingRule } from '../routing/decision.ts';

/** An address of the mesh (16 octets), and the key if that is what was asked for. */
export type WhyTarget = { readonly address: Uint8Array; readonly key: PublicKey | undefined };

/** One link, as a way to the target. */
export type WhyCandidate = {
  readonly link: LinkId;
  readonly uri: string;
  readonly key: PublicKey;
  readonly port: number;
  readonly state: CandidateState;
  /** By which the chosen one is better. */
  readonly rule: DecidingRule | undefined;
  /** From its peer to the target, in hops of the tree. */
  readonly distance: number | undefined;
  readonly cost: number;
  readonly rttMs: number;
  readonly priority: number;
  readonly upMs: number;
  /** Its peer is in the same tree as we are. */
  readonly hasOurRoot: boolean;
  /** An answer is overdue. */
  readonly isDoubtful: boolean;
  /** The system takes nothing more at present. */
  readonly isBlocked: boolean;
  /** It is a radio. */
  readonly isRadio: boolean;
  /** Octets of the largest packet of a datagram carrier. */
  readonly mtu: number | undefined;
  /** A packet handed over now would be refused, since its time on the air comes only then. */
  readonly airWaitMs: number | undefined;
  readonly queue: QueueFacts;
};

export type PathFacts = {
  /** Ports from the root down, as text. */
  readonly ports: readonly string[];
  /** Since it was told last. */
  readonly ageMs: number;
  /** A node on the way has said that it ends there; undefined: nobody has. */
  readonly brokenAgoMs: number | undefined;
  /** Used, and nothing has come back for a while. */
  readonly isSuspect: boolean;
};

/** A search that runs, or has lately. */
export type LookupFacts = {
  readonly sinceMs: number;
  /** Questions sent, and when the last one was; undefined: none yet. */
  readonly asked: number;
  readonly askedAgoMs: number | undefined;
  /** Until the next one may go out. */
  readonly nextInMs: number;
  /** A packet waits for the answer. */
  readonly isWaitedFor: boolean;
};

/** The session that packets take now, or that is being made. */
export type SessionFacts = {
  readonly kind: 'none' | 'ironwood' | 'e2e';
  readonly isOpen: boolean;
  /** It has said that it speaks end-to-end sessions, in this session or before. */
  readonly speaksE2e: boolean;
  /** Of the keys that seal. */
  readonly keyAgeMs: number | undefined;
  /** For so long a handshake of ours has had no answer. */
  readonly handshakeMs: number | undefined;
  /** Packets have left for so long, and nothing has come. */
  readonly unansweredMs: number | undefined;
  readonly heardAgoMs: number | undefined;
};

/** Everything that the core knows. */
export type WhyFacts = {
  readonly target: WhyTarget;
  /** The target's key, if it is known. */
  readonly key: PublicKey | undefined;
  readonly relation: 'self' | 'own subnet' | 'other';
  /** Links that are proven, and those that are not yet. */
  readonly links: { readonly proven: number; readonly others: number };
  readonly root: PublicKey;
  /** Our own distance to the target in the tree. */
  readonly distance: number | undefined;
  readonly path: PathFacts | undefined;
  readonly lookup: LookupFacts | undefined;
  /** Peers whose filters say that they may know the target. */
  readonly reach: number;
  readonly session: SessionFacts;
  /** What decided between the next hop and the second best. */
  readonly rule: DecidingRule | undefined;
  /** The next hop first. */
  readonly candidates: readonly WhyCandidate[];
  /** Packets from the TUN that wait for links. */
  readonly tunQueue: QueueFacts;
  readonly isE2eRequired: boolean;
};

/** What others know. */
export type WhyAround = {
  /** Share of the last seconds in which the router thread was busy, 0 to 1. */
  readonly busy: number;
  /** The target is a configured peer, and no link to it is up. */
  readonly peerDown: PeerTrouble | undefined;
  /** Some configured peer that is down; the last one that failed. */
  readonly anyDown: PeerTrouble | undefined;
  readonly probe: ProbeFacts | undefined;
};

export type PeerTrouble = { readonly uri: string; readonly error: string | undefined };

/** What echo requests of our own have shown. Undefined: not asked. */
export type ProbeFacts = {
  readonly rttMs: number | undefined;
  readonly large: LargeProbe | undefined;
};

/** `mtu`: somebody has said that it takes no larger packets, as IPv6 wants it. */
export type LargeProbe = { readonly size: number; readonly isAnswered: boolean; readonly mtu: number | undefined };

/** Stable: admin answers, events and tests carry them. The first that holds is the verdict. */
export const VERDICTS = [
  'self',
  'own subnet',
  'no links',
  'peer down',
  'not looked up',
  'looking up',
  'lookup unanswered',
  'lookup nowhere',
  'no next hop',
  'mtu hole',
  'next hop dead',
  'path broken',
  'air time used up',
  'handshake unanswered',
  'handshake running',
  'silent',
  'queue full',
  'tun queue full',
  'link blocked',
  'router busy',
  'other tree',
  'reachable',
] as const;

export type Verdict = (typeof VERDICTS)[number];

export type { CandidateState, DecidingRule, QueueFacts };
