/** What the requests about the way to one node answer, as types alone; times are seconds unless something else is said. */
import type { CandidateState, DecidingRule, Verdict } from '../core/port.ts';
import type { NodeAnswer, Whole } from './answers.ts';

/** Packets and octets; `lost_ago` is absent as long as nothing was lost. */
export type QueueAnswer = {
  bytes: number;
  max: number;
  lost_full: number;
  lost_late: number;
  lost_ago: number | undefined;
};

/** A link, as a way to a target. */
export type WhyCandidateAnswer = {
  remote: string;
  kind: string;
  address: string;
  key: string;
  port: number;
  state: CandidateState;
  /** By which the next hop is better than this one. */
  rule: DecidingRule | undefined;
  /** Hops of the tree from there to the target. */
  distance: number | undefined;
  cost: number;
  /** Nanoseconds. */
  latency: number | undefined;
  priority: number;
  uptime: number;
  /** Its root is ours. */
  same_tree: boolean;
  answer_overdue: boolean;
  /** The system takes nothing more at present. */
  blocked: boolean;
  radio: boolean;
  /** Of datagram links: octets of the largest packet that passes. */
  mtu: number | undefined;
  /** A packet would be refused, since its time on the air comes only then; null: never. */
  air_wait: number | null | undefined;
  queue: QueueAnswer;
};

export type WhyPathAnswer = {
  ports: readonly Whole[];
  age: number;
  broken_ago: number | undefined;
  /** Used, and nothing has come back for a while. */
  unanswered: boolean;
};

/** Whether the target may connect to this node: `elsewhere`: it is not in the mesh. */
export type InboundAnswer = {
  state: 'open' | 'some ports' | 'refused' | 'elsewhere';
  rules: string[];
  /** Ports that it wanted in the last minutes and did not get, as rules would name them. */
  refused: string[];
};

export type WhyAnswer = {
  /** As it was asked for. */
  target: string;
  address: string;
  key: string | undefined;
  verdict: Verdict | 'not in the mesh';
  /** The verdict in plain words, in one line; and what can be done. */
  text: string;
  remedy: string | undefined;
  inbound: InboundAnswer;
  next_hop: WhyCandidateAnswer | undefined;
  /** What decided between the next hop and the second best. */
  rule: DecidingRule | undefined;
  /** Hops of the tree from this node to the target. */
  distance: number | undefined;
  /** The next hop first. */
  candidates: WhyCandidateAnswer[];
  path: WhyPathAnswer | undefined;
  /** `reach`: peers that may know the target. */
  lookup:
    | {
        reach: number;
        asked: number;
        since?: number | undefined;
        asked_ago?: number | undefined;
        next_in?: number;
        waited_for?: boolean;
      }
    | undefined;
  session:
    | {
        kind: 'none' | 'ironwood' | 'e2e';
        open: boolean;
        key_age: number | undefined;
        /** For so long a handshake of ours has had no answer; packets; and since the target was heard. */
        handshake: number | undefined;
        unanswered: number | undefined;
        heard_ago: number | undefined;
      }
    | undefined;
  root: string | undefined;
  /** Packets that wait for links. */
  tun_queue: QueueAnswer | undefined;
  /** Share of the last seconds, 0 to 1. */
  router_busy: number | undefined;
  /** Echo requests made for this answer: latency in nanoseconds, sizes in octets. */
  probe:
    | {
        answered: boolean;
        latency: number | undefined;
        large: { size: number; answered: boolean; mtu: number | undefined } | undefined;
      }
    | undefined;
};

/** One node on the way to a target. */
export type HopAnswer = NodeAnswer & {
  hop: number;
  /** `plain`: it has no end-to-end sessions, and tells its peers at most. `silent`: it does not answer. */
  kind: 'ratatosk' | 'plain' | 'silent';
  /** By the node before it; from that one's peers; or one of several of them. What follows a guess is one as well. */
  how: 'told' | 'follows' | 'guess';
  /** Nanoseconds, from here. */
  latency: number | undefined;
  /** From it to the target, in hops of the tree. */
  distance: number | undefined;
  /** Of its peers so many could be next. */
  candidates: number;
};

/** Arguments of the request that goes on. */
export type TraceNext = { at: string; watermark: string; hop: string; how: HopAnswer['how'] };

export type TraceAnswer = {
  /** As it was asked for. */
  target: string;
  address: string;
  key?: string | undefined;
  /** From here to the target, in hops of the tree. */
  distance?: number | undefined;
  hops: HopAnswer[];
  /** There is more to ask. */
  next?: TraceNext | undefined;
  /** `nowhere`: no packet leaves this node for it; `unknown`: a node does not tell where it goes on. */
  end?: 'reached' | 'dead end' | 'unknown' | 'loop' | 'too long' | 'nowhere' | undefined;
  /** What that means. */
  text?: string | undefined;
  /** Of the target, if it answers. */
  latency?: number | undefined;
};
