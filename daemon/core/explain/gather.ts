/** Gathers what a node knows about the way to another one. Changes nothing: no lookup, no life of an entry, no counter. */
import { pathPorts } from '../../wire/path.ts';
import type { Contacts } from '../contacts.ts';
import type { Context } from '../context.ts';
import { isAddressOf, partialKey } from '../identity.ts';
import type { Ingress } from '../ingress.ts';
import { WHY } from '../limits.ts';
import { equalOctets } from '../octetmap.ts';
import type { PublicKey } from '../port.ts';
import type { Candidate } from '../routing/decision.ts';
import type { Path } from '../routing/paths.ts';
import type { Router } from '../routing/router.ts';
import type { Channels } from '../session/channels.ts';
import type { PathFacts, WhyCandidate, WhyFacts, WhyTarget } from './facts.ts';

export type WhyParts = {
  readonly context: Context;
  readonly router: Router;
  readonly channels: Channels;
  readonly contacts: Contacts;
  readonly ingress: Ingress;
};

export function whyFacts({ context, router, channels, contacts, ingress }: WhyParts, target: WhyTarget): WhyFacts {
  const { nowMs } = context;
  const key = target.key ?? contacts.peek(target.address);
  const links = [...router.peers.links()];
  const proven = links.filter((link) => link.isProven).length;
  const sought = key ?? partialOf(target.address);
  const path = key === undefined ? undefined : router.paths.get(key);
  const decision = router.decide(key);
  return {
    target,
    key,
    relation: relationOf(context, target),
    links: { proven, others: links.length - proven },
    root: router.tree.rootOf(context.key),
    distance: decision.distance,
    path: path === undefined ? undefined : pathFacts(path, nowMs),
    lookup: router.paths.rumours.facts(sought),
    reach: router.paths.reach(sought),
    session: channels.facts(key),
    rule: decision.rule,
    candidates: decision.candidates.map((candidate) => candidateFacts(candidate, nowMs)),
    tunQueue: ingress.queueFacts(),
    isE2eRequired: context.options.e2e === 'require',
  };
}

function partialOf(address: Uint8Array): PublicKey {
  // A subnet's name is its first 8 octets (section 6.3).
  return partialKey(address[0] === 0x03 ? address.subarray(0, 8) : address) as PublicKey;
}

function relationOf({ key, address, subnet }: Context, target: WhyTarget): WhyFacts['relation'] {
  if (equalOctets(target.address, address) || (target.key !== undefined && equalOctets(target.key, key))) return 'self';
  return isAddressOf(address, subnet, target.address, 0) ? 'own subnet' : 'other';
}

function pathFacts(path: Path, nowMs: number): PathFacts {
  return {
    ports: pathPorts(path.coords),
    ageMs: nowMs - path.learnedMs,
    brokenAgoMs: path.isBroken ? nowMs - path.brokenMs : undefined,
    isSuspect: path.isSuspect,
  };
}

function candidateFacts({ link, state, rule, distance }: Candidate, nowMs: number): WhyCandidate {
  const { pipe, peer } = link;
  return {
    link: pipe.id,
    uri: pipe.uri,
    key: peer.key,
    port: peer.port,
    state,
    rule,
    distance,
    cost: link.cost,
    rttMs: link.rttMs,
    priority: pipe.priority,
    upMs: nowMs - pipe.upSinceMs,
    hasOurRoot: peer.hasOurRoot,
    isDoubtful: pipe.isDoubtful,
    isBlocked: pipe.isBlocked === true,
    isRadio: pipe.isSlow === true,
    mtu: pipe.mtu,
    airWaitMs: pipe.airWaitMs?.(WHY.packetBytes),
    queue: pipe.queueFacts(),
  };
}
