/** The request `why` as JSON. Times in seconds, round trips in nanoseconds as in getPeers. */
import type { PathFacts, QueueFacts, WhyCandidate } from '../core/port.ts';
import { addressText, hexText } from './address.ts';
import type { WhyResult } from './commands.ts';
import type { InboundAnswer, QueueAnswer, WhyAnswer, WhyCandidateAnswer, WhyPathAnswer } from './path-answers.ts';
import { nanoseconds, schemeOf } from './rows.ts';
import { whyText } from './why-text.ts';

export function whyJson(
  target: string,
  result: WhyResult,
  inbound: InboundAnswer,
  addressOf: (key: Uint8Array) => Uint8Array,
): WhyAnswer {
  const { facts, around, verdict } = result;
  const { session, lookup } = facts;
  const candidates = facts.candidates.map((candidate) => candidateJson(candidate, addressOf));
  return {
    target,
    address: addressText(facts.target.address),
    key: facts.key === undefined ? undefined : hexText(facts.key),
    verdict,
    ...whyText(result, inbound),
    inbound,
    next_hop: candidates.find(({ state }) => state === 'chosen'),
    rule: facts.rule,
    distance: facts.distance,
    candidates,
    path: facts.path === undefined ? undefined : pathJson(facts.path),
    lookup:
      lookup === undefined
        ? { reach: facts.reach, asked: 0 }
        : {
            reach: facts.reach,
            asked: lookup.asked,
            since: lookup.asked === 0 ? undefined : lookup.sinceMs / 1_000,
            asked_ago: seconds(lookup.askedAgoMs),
            next_in: lookup.nextInMs / 1_000,
            waited_for: lookup.isWaitedFor,
          },
    session: {
      kind: session.kind,
      open: session.isOpen,
      key_age: seconds(session.keyAgeMs),
      handshake: seconds(session.handshakeMs),
      unanswered: seconds(session.unansweredMs),
      heard_ago: seconds(session.heardAgoMs),
    },
    root: hexText(facts.root),
    tun_queue: queueJson(facts.tunQueue),
    router_busy: around.busy,
    probe: probeJson(around.probe),
  };
}

/** Of an address that is none of the mesh's. */
export function foreignJson(target: string, address: string): WhyAnswer {
  return {
    target,
    address,
    key: undefined,
    verdict: 'not in the mesh',
    text: 'It is no address of the mesh: packets to it take the usual routes.',
    remedy: 'addresses of the mesh begin with 2 or 3, as in 200:…; `ratatosk status` shows our own',
    inbound: { state: 'elsewhere', rules: [], refused: [] },
    next_hop: undefined,
    rule: undefined,
    distance: undefined,
    candidates: [],
    path: undefined,
    lookup: undefined,
    session: undefined,
    root: undefined,
    tun_queue: undefined,
    router_busy: undefined,
    probe: undefined,
  };
}

function candidateJson(candidate: WhyCandidate, addressOf: (key: Uint8Array) => Uint8Array): WhyCandidateAnswer {
  const { uri, key, airWaitMs } = candidate;
  return {
    remote: uri,
    kind: schemeOf(uri),
    address: addressText(addressOf(key)),
    key: hexText(key),
    port: candidate.port,
    state: candidate.state,
    rule: candidate.rule,
    distance: candidate.distance,
    cost: Math.round(candidate.cost),
    latency: nanoseconds(candidate.rttMs) || undefined,
    priority: candidate.priority,
    uptime: candidate.upMs / 1_000,
    same_tree: candidate.hasOurRoot,
    answer_overdue: candidate.isDoubtful,
    blocked: candidate.isBlocked,
    radio: candidate.isRadio,
    mtu: candidate.mtu,
    air_wait: airWaitMs === undefined ? undefined : Number.isFinite(airWaitMs) ? airWaitMs / 1_000 : null,
    queue: queueJson(candidate.queue),
  };
}

function pathJson({ ports, ageMs, brokenAgoMs, isSuspect }: PathFacts): WhyPathAnswer {
  return { ports: ports.map(BigInt), age: ageMs / 1_000, broken_ago: seconds(brokenAgoMs), unanswered: isSuspect };
}

function queueJson({ bytes, maxBytes, full, late, lossAgoMs }: QueueFacts): QueueAnswer {
  return { bytes, max: maxBytes, lost_full: full, lost_late: late, lost_ago: seconds(lossAgoMs) };
}

function probeJson(probe: WhyResult['around']['probe']): WhyAnswer['probe'] {
  if (probe === undefined) return undefined;
  const { rttMs, large } = probe;
  return {
    answered: rttMs !== undefined,
    latency: nanoseconds(rttMs),
    large: large === undefined ? undefined : { size: large.size, answered: large.isAnswered, mtu: large.mtu },
  };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
