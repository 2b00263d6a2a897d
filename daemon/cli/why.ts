import type { QueueAnswer, WhyAnswer, WhyCandidateAnswer } from '../host/path-answers.ts';
import { adminClient, SOCKET_HELP, socketOption } from './client.ts';
import { beside, COLUMNS, durationText, plural, roundTripText, sizeText, table, wrap } from './text.ts';
import { EXIT_DONE, type Verb } from './verb.ts';

const LABEL = 10;

export const verb: Verb = {
  usage: 'TARGET [--quick] [--json] [--socket PATH]',
  help: `What happens to a packet to TARGET now, in the first line: where it goes, or
what stops it, or what slows it down. Then the reasons: the links that could
carry it and the rule that decided, the path, the session, and what waits.

  TARGET          an address, a public key, or a name from Names
  -q, --quick     asks nobody: tells only what is known already, sends nothing
                  (default: a few echo requests, for 3 s if nobody answers)
  --json          the answer as JSON
${SOCKET_HELP}`,
  options: { ...socketOption, quick: { type: 'boolean', short: 'q' }, json: { type: 'boolean' } },
  words: [1, 1],
  hasTarget: true,
  run: async (options, [target = '']) => {
    const probe: { probe?: string } = options.quick === true ? { probe: '0' } : {};
    const answer = await adminClient(options)('why', { target, ...probe });
    const text = options.json === true ? JSON.stringify(answer, undefined, 2) : whyLines(answer).join('\n');
    process.stdout.write(`${text}\n`);
    return EXIT_DONE;
  },
};

/** The verdict is the first. */
export function whyLines(answer: WhyAnswer): string[] {
  const { text, remedy, candidates, session } = answer;
  const head = [...wrap(text, COLUMNS), ...(remedy === undefined ? [] : beside('  → ', remedy))];
  if (session === undefined) return head;
  const facts: [string, string | undefined][] = [
    ['target', answer.address],
    ['next hop', hopText(answer.next_hop)],
    ['rule', ruleText(answer)],
    ['path', pathText(answer)],
    ['lookup', lookupText(answer)],
    ['session', sessionText(session)],
    ['echo', probeText(answer)],
    ['queues', queuesText(answer)],
    ['inbound', inboundText(answer)],
  ];
  const lines = facts.flatMap(([label, fact]) => (fact === undefined ? [] : beside(label.padEnd(LABEL), fact)));
  return [...head, '', ...lines, ...candidateLines(candidates)];
}

function hopText(hop: WhyCandidateAnswer | undefined): string {
  if (hop === undefined) return 'none';
  const mtu = hop.mtu === undefined ? '' : `, packets of ${hop.mtu} octets`;
  const time = hop.latency === undefined ? '' : `, ${roundTripText(hop.latency)} there and back`;
  return `${hop.remote}${time}${mtu}`;
}

const RULES: Readonly<Record<string, string>> = {
  direct: 'the target is this peer itself',
  only: 'no other link leads closer to the target',
  'own tree': 'its peer is in our tree, the others are not',
  answers: 'an answer on the other link to this peer is overdue',
  priority: 'its priority is better than that of the other link to this peer',
  datagrams: 'of the links to this peer it is the one for datagrams',
  product: 'the lowest product of cost and distance',
  distance: 'equal products: it is closer to the target',
  cost: 'equally close: it costs less',
  age: 'equal in all: it is the older link',
};

function ruleText({ rule }: WhyAnswer): string | undefined {
  return rule === undefined ? undefined : (RULES[rule] ?? rule);
}

function pathText({ path, distance }: WhyAnswer): string {
  if (path === undefined) return 'not known';
  const ports = path.ports.length === 0 ? 'the root' : path.ports.join(' ');
  const far = distance === undefined ? '' : `, ${plural(distance, 'hop', 'hops')} in the tree`;
  const broken = path.broken_ago === undefined ? '' : `, broken ${durationText(path.broken_ago)} ago`;
  return `${ports}${far}, told ${durationText(path.age)} ago${broken}${path.unanswered ? ', in doubt' : ''}`;
}

function lookupText({ lookup, path }: WhyAnswer): string | undefined {
  if (lookup === undefined) return undefined;
  const reach = `${plural(lookup.reach, 'peer', 'peers')} may know it`;
  if (lookup.asked === 0) return path === undefined ? `none; ${reach}` : undefined;
  const last = lookup.asked_ago === undefined ? '' : `, last ${durationText(lookup.asked_ago)} ago`;
  return `asked ${plural(lookup.asked, 'time', 'times')}${last}, no answer; ${reach}`;
}

function sessionText({
  kind,
  open,
  key_age: age,
  handshake,
  heard_ago: heard,
}: NonNullable<WhyAnswer['session']>): string {
  if (kind === 'none') return 'none yet';
  const name = kind === 'e2e' ? 'end-to-end, ChaCha20-Poly1305' : 'plain, XSalsa20-Poly1305';
  if (!open) return `${name}, handshake unanswered for ${durationText(handshake ?? 0)}`;
  const last = heard === undefined ? '' : `, heard ${durationText(heard)} ago`;
  return `${name}, keys ${durationText(age ?? 0)} old${last}`;
}

function probeText({ probe }: WhyAnswer): string | undefined {
  if (probe === undefined) return undefined;
  if (!probe.answered) return 'not answered';
  const time = probe.latency === undefined ? '' : ` in ${roundTripText(probe.latency)}`;
  if (probe.large === undefined) return `answered${time}`;
  const { size, answered, mtu } = probe.large;
  const large = answered ? 'answered too' : mtu === undefined ? 'NOT answered' : `too large: at most ${mtu} are taken`;
  return `answered${time}; one of ${size} octets ${large}`;
}

function queuesText({ next_hop: hop, tun_queue: tun }: WhyAnswer): string | undefined {
  const parts = [queueText('link', hop?.queue), queueText('TUN', tun)].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join('; ');
}

function queueText(name: string, queue: QueueAnswer | undefined): string | undefined {
  if (queue === undefined) return undefined;
  const { bytes, max, lost_full: full, lost_late: late, lost_ago: ago } = queue;
  const lost = ago === undefined ? 'nothing lost' : `${full + late} lost, last ${durationText(ago)} ago`;
  return `${name} ${sizeText(bytes)} of ${sizeText(max)}, ${lost}`;
}

function inboundText({ inbound: { state, rules, refused } }: WhyAnswer): string {
  if (state === 'open') return 'it may connect to any port here';
  const wanted = refused.length === 0 ? '' : `; refused of late: ${refused.join(', ')}`;
  if (state === 'refused') return `its connections are refused (replies and ping pass)${wanted}`;
  return `it may connect to ${rules.join(', ')}${wanted}`;
}

function candidateLines(candidates: readonly WhyCandidateAnswer[]): string[] {
  if (candidates.length === 0) return [];
  const rows = candidates.map((one) => [
    one.state === 'beaten' ? `beaten: ${one.rule ?? ''}` : one.state === 'chosen' ? 'next hop' : one.state,
    one.distance === undefined ? '' : String(one.distance),
    String(one.cost),
    one.latency === undefined ? '' : roundTripText(one.latency),
    one.remote,
  ]);
  return ['', ...table(['LINK IS', 'DISTANCE', 'COST', 'RTT', 'REMOTE'], rows)];
}
