/** What a verdict means, in one line of at most 80 columns, and what can be done about it. */
import type { WhyCandidate } from '../core/port.ts';
import type { WhyResult } from './commands.ts';
import type { InboundAnswer } from './path-answers.ts';

export type Sentence = { readonly text: string; readonly remedy: string | undefined };

/** What is left of a line for the name of a link. */
const URI_COLUMNS = 36;

export function whyText(result: WhyResult, inbound: InboundAnswer): Sentence {
  const { facts, around, verdict } = result;
  const { lookup, session, tunQueue } = facts;
  const hop = facts.candidates.find(({ state }) => state === 'chosen');
  const say = (text: string, remedy?: string): Sentence => ({ text, remedy });
  switch (verdict) {
    case 'self':
      return say('It is this node itself: packets to it never leave the machine.');
    case 'own subnet':
      return say("It lies in this node's own /64, behind this machine: the mesh is not used.");
    case 'no links':
      return facts.links.others > 0
        ? say('No link is ready: other nodes are being greeted, nothing leaves yet.')
        : say('No link to any node is up: nothing leaves this machine.', downText(around.anyDown));
    case 'peer down':
      return say(`The link to this peer is down: ${shortUri(around.peerDown?.uri)}`, downText(around.peerDown));
    case 'not looked up':
      return say('Its place is not known, and nobody asks: the next packet will.');
    case 'looking up':
      return say(`Its place is being looked up, for ${secondsText(lookup?.sinceMs)} now; a packet waits.`);
    case 'lookup unanswered': {
      const times = lookup?.asked === 1 ? 'once' : `${lookup?.asked ?? 0} times`;
      const remedy = 'look at the other node: is it up, does it have a link, is it in this mesh?';
      return say(`Nobody answers for it, asked ${times} in ${secondsText(lookup?.sinceMs)}: packets are lost.`, remedy);
    }
    case 'lookup nowhere':
      return say(
        'No peer says that it can reach it: it is off, or not in this mesh.',
        'look at the other node: is it up, does it have a link, is the address right?',
      );
    case 'no next hop':
      return say('No peer is closer to it than this node: packets end here.', 'its place may have changed; wait 10 s');
    case 'mtu hole': {
      const size = around.probe?.large?.size ?? 0;
      const remedy = 'some link on the way loses large packets; a smaller IfMTU, or MTU on its interface, helps';
      return say(`Large packets vanish on the way: of ${size} octets none, small ones come through.`, remedy);
    }
    case 'next hop dead':
      return say(
        `The next hop does not answer: ${hopText(hop)}`,
        'the link ends within seconds; other links, if there are any, take over then',
      );
    case 'path broken':
      return say('The path to it has broken, and it is being looked up again.');
    case 'air time used up':
      return say(
        `The radio may not send more now: its air time is used up${waitText(hop?.airWaitMs)}.`,
        '`ratatosk radio` shows the limits and what is left',
      );
    case 'handshake running':
      return say(`A session with it is being made, for ${secondsText(session.handshakeMs)} now.`);
    case 'handshake unanswered':
      return say(
        `It is found, but answers no handshake for ${secondsText(session.handshakeMs)}: no session.`,
        facts.isE2eRequired
          ? 'E2E is "require" here: a node that speaks plain sessions only is not reached'
          : 'it may have gone just now, use another GroupPassword, or be cut off one way',
      );
    case 'silent':
      return say(
        `Silent${agoText(session.heardAgoMs)}; the next hop answers: ${hopText(hop)}`,
        'it may be off, drop echo requests, or be cut off behind the next hop: `ratatosk trace` tells where',
      );
    case 'queue full':
      return say(
        `More is sent than this link takes: ${hopText(hop)}`,
        `${lossText(hop?.queue)}; who sends slows down by itself, unless it is no TCP`,
      );
    case 'tun queue full':
      return say('More is sent than the links take: packets wait, and the oldest are lost.', lossText(tunQueue));
    case 'link blocked':
      return say(
        `This link takes no more at present: ${hopText(hop)}`,
        'the road, or the node at its other end, is slower than what comes',
      );
    case 'router busy':
      return say(
        `The CPU of this machine is the limit: the router is ${Math.round(100 * around.busy)} % busy.`,
        'larger packets (IfMTU) and fewer, faster links cost less',
      );
    case 'other tree':
      return say(`The only way leads through another tree: ${hopText(hop)}`, 'trees merge within seconds; ask again');
    case 'reachable':
      return reachable(result, hop, inbound);
    default:
      return verdict satisfies never;
  }
}

function reachable({ around }: WhyResult, hop: WhyCandidate | undefined, inbound: InboundAnswer): Sentence {
  const rttMs = around.probe?.rttMs;
  const time = rttMs === undefined ? '' : ` in ${rttMs < 10 ? rttMs.toFixed(2) : rttMs.toFixed(0)} ms`;
  const [port] = inbound.refused;
  const isClosed = inbound.state === 'refused' || port !== undefined;
  const refused = port === undefined ? 'inbound' : port;
  return {
    text: `Reachable${time} by ${hopText(hop)}${isClosed ? `; ${refused} refused` : ''}`,
    remedy: isClosed ? `it connects after \`ratatosk firewall allow ${port ?? 'PORT'} from TARGET\`` : undefined,
  };
}

function hopText(hop: WhyCandidate | undefined): string {
  return shortUri(hop?.uri);
}

function shortUri(uri = '?'): string {
  return uri.length <= URI_COLUMNS ? uri : `${uri.slice(0, URI_COLUMNS - 1)}…`;
}

function downText(trouble: WhyResult['around']['anyDown']): string | undefined {
  if (trouble === undefined) return 'no peer is configured: `ratatosk peer add URI` adds one';
  return `${trouble.uri}: ${trouble.error ?? 'not connected yet'}`;
}

function lossText(queue: WhyCandidate['queue'] | undefined): string {
  if (queue === undefined) return '';
  return `${Math.round(queue.bytes / 1_024)} KB wait, ${queue.full + queue.late} packets lost so far`;
}

function waitText(ms: number | undefined): string {
  if (ms === undefined) return '';
  return Number.isFinite(ms) ? ` for ${secondsText(ms)}` : ' for good';
}

function agoText(ms: number | undefined): string {
  return ms === undefined ? '' : ` for ${secondsText(ms)}`;
}

function secondsText(ms = 0): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}
