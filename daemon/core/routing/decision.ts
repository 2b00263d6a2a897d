/** Why a packet takes the link that it takes: the choice of `forward.ts` as a value, with what became of every other link. */
import type { Coords } from '../port.ts';
import { type Forwarder, judge, RULES, type Rule } from './forward.ts';
import type { PeerLink, Peers } from './peers.ts';

/**
 * `chosen`; `beaten`: a candidate that lost by `rule`; `not closer`: its peer is no nearer to the destination than we are;
 * `unproven`: the other side has not signed yet; `unbound`: it proves no key, and another link of the peer does;
 * `no path`: where the destination is nobody knows.
 */
export type CandidateState = 'chosen' | 'beaten' | 'not closer' | 'unproven' | 'unbound' | 'no path';

/** `direct`: the destination is that peer itself. `only`: there was nothing to choose from. */
export type DecidingRule = Rule | 'direct' | 'only';

export type Candidate = {
  readonly link: PeerLink;
  readonly state: CandidateState;
  /** By which the chosen one is better than this one. */
  readonly rule: DecidingRule | undefined;
  /** Of its peer to the destination, in hops of the tree. */
  readonly distance: number | undefined;
};

export type Decision = {
  /** Our own, in hops of the tree; undefined: no path. */
  readonly distance: number | undefined;
  /** What decided between the chosen link and the second best. */
  readonly rule: DecidingRule | undefined;
  /** The chosen one first, then those it beat, then the others. */
  readonly candidates: readonly Candidate[];
};

/** Of the radio that a packet leaves by; of the slowest one where nobody knows by which. 0: by none. */
export function radioRoundTripMs({ candidates }: Decision): number {
  const tripMs = ({ link }: Candidate): number => (link.pipe.isSlow === true ? link.rttMs : 0);
  const [first] = candidates;
  return first?.state === 'chosen' ? tripMs(first) : Math.max(0, ...candidates.map(tripMs));
}

const ORDER: readonly CandidateState[] = ['chosen', 'beaten', 'not closer', 'no path', 'unbound', 'unproven'];

/**
 * @param coords where the destination is; undefined: not known
 * @param chosen what the router would take
 * @param direct links of the destination itself, which go before all others
 */
export function decisionOf(
  forwarder: Forwarder,
  peers: Peers,
  coords: Coords | undefined,
  chosen: PeerLink | undefined,
  direct: readonly PeerLink[],
): Decision {
  const isDirect = chosen !== undefined && direct.includes(chosen);
  let own: number | undefined;
  const candidates = [...peers.links()].map((link): Candidate => {
    const distances = coords === undefined ? undefined : forwarder.distances(coords, link.peer);
    own ??= distances?.own;
    const distance = distances?.theirs;
    const state = stateOf(link, chosen, isDirect && direct.includes(link), distances);
    if (chosen === undefined || distance === undefined || state !== 'beaten') {
      return { link, state, distance, rule: undefined };
    }
    const isOfDirect = isDirect && direct.includes(link);
    if (isDirect && !isOfDirect) return { link, state, distance, rule: 'direct' };
    const chosenDistance = forwarder.distances(coords as Coords, chosen.peer).theirs;
    const [a, b] = isOfDirect ? [1, 1] : [chosenDistance, distance];
    return { link, state, distance, rule: nameOf(judge(chosen, a, link, b, link.cost)) };
  });
  candidates.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || betweenBeaten(a, b));
  const rest = candidates.filter(({ state }) => state === 'beaten');
  const rule = isDirect && !rest.some(({ link }) => direct.includes(link)) ? 'direct' : (rest[0]?.rule ?? 'only');
  return { distance: own, rule: chosen === undefined ? undefined : rule, candidates };
}

function stateOf(
  link: PeerLink,
  chosen: PeerLink | undefined,
  isOfDirect: boolean,
  distances: { own: number; theirs: number } | undefined,
): CandidateState {
  if (link === chosen) return 'chosen';
  if (!link.isProven) return 'unproven';
  if (!link.isEligible) return 'unbound';
  if (distances === undefined) return 'no path';
  return isOfDirect || distances.theirs < distances.own ? 'beaten' : 'not closer';
}

/** Candidates that lost: the better one first. */
function betweenBeaten(a: Candidate, b: Candidate): number {
  if (a.state !== 'beaten' || a.distance === undefined || b.distance === undefined) return a.link.order - b.link.order;
  if (a.rule === 'direct' || b.rule === 'direct') return Number(a.rule === 'direct') - Number(b.rule === 'direct');
  return -judge(a.link, a.distance, b.link, b.distance, b.link.cost);
}

function nameOf(judgement: number): Rule | undefined {
  const name = RULES[Math.abs(judgement)];
  return name === '' ? undefined : name;
}
