/** What happens to a packet now, in one word: the first thing on its way that stops it, then what slows it down. */
import { WHY } from '../limits.ts';
import type { QueueFacts } from '../queue.ts';
import type { ProbeFacts, Verdict, WhyAround, WhyFacts } from './facts.ts';

export function verdictOf(facts: WhyFacts, around: WhyAround): Verdict {
  return (
    placed(facts) ?? unlinked(facts, around) ?? lost(facts, around) ?? stopped(facts, around) ?? slowed(facts, around)
  );
}

function placed({ relation }: WhyFacts): Verdict | undefined {
  return relation === 'other' ? undefined : relation;
}

function unlinked({ links, path }: WhyFacts, { peerDown }: WhyAround): Verdict | undefined {
  if (links.proven === 0) return 'no links';
  return peerDown !== undefined && path === undefined ? 'peer down' : undefined;
}

/** Nobody knows where it is. A peer behind our own radio needs no path. */
function lost(facts: WhyFacts, { probe }: WhyAround): Verdict | undefined {
  const { path, lookup, reach, candidates } = facts;
  const isChosen = candidates[0]?.state === 'chosen';
  if (isChosen) return undefined;
  if (path !== undefined) return 'no next hop';
  if (reach === 0) return 'lookup nowhere';
  if (lookup === undefined || lookup.asked === 0) return 'not looked up';
  const isYoung = lookup.sinceMs < WHY.lookupMs && probe === undefined;
  return isYoung ? 'looking up' : 'lookup unanswered';
}

function stopped({ path, session, candidates }: WhyFacts, { probe }: WhyAround): Verdict | undefined {
  const [hop] = candidates;
  if (isHole(probe)) return 'mtu hole';
  if (hop?.isDoubtful === true) return 'next hop dead';
  if (path?.brokenAgoMs !== undefined) return 'path broken';
  if (hop?.airWaitMs !== undefined) return 'air time used up';
  // What was answered just now works, whatever was not answered before.
  if (probe?.rttMs !== undefined) return undefined;
  const { isOpen, handshakeMs, unansweredMs = 0 } = session;
  if (!isOpen && handshakeMs !== undefined) {
    const isYoung = handshakeMs < WHY.handshakeMs && probe === undefined;
    return isYoung ? 'handshake running' : 'handshake unanswered';
  }
  const isSilent = unansweredMs >= WHY.silentMs || path?.isSuspect === true || probe !== undefined;
  return isSilent ? 'silent' : undefined;
}

/** Small ones come through, and nobody says that large ones are too large. */
function isHole(probe: ProbeFacts | undefined): boolean {
  const large = probe?.rttMs === undefined ? undefined : probe.large;
  return large !== undefined && !large.isAnswered && large.mtu === undefined;
}

function slowed({ candidates, tunQueue }: WhyFacts, { busy }: WhyAround): Verdict {
  const [hop] = candidates;
  if (hop !== undefined && isFull(hop.queue)) return 'queue full';
  if (isFull(tunQueue)) return 'tun queue full';
  if (hop?.isBlocked === true) return 'link blocked';
  if (busy >= WHY.busy) return 'router busy';
  return hop?.hasOurRoot === false ? 'other tree' : 'reachable';
}

function isFull({ bytes, maxBytes, lossAgoMs }: QueueFacts): boolean {
  return bytes >= WHY.queueShare * maxBytes || (lossAgoMs !== undefined && lossAgoMs < WHY.lossMs);
}
