import type { PeerAnswer } from '../host/answers.ts';
import { paint } from './paint.ts';
import { SUGGEST_HELP, suggestOptions } from './suggest-options.ts';
import { beside, COLUMNS, cut, durationText, roundTripText, sizeText } from './text.ts';
import { usageError, type Verb } from './verb.ts';
import { viewVerb } from './view.ts';

const view = viewVerb({
  help: 'The nodes this one is linked to, or tries to be.',
  request: 'getPeers',
  show: ({ peers }) => {
    if (peers.length === 0) return ['No peers. Add one: ratatosk peer add tcp://HOST:PORT'];
    return peers.flatMap(peerLines);
  },
});

export const verb: Verb = {
  ...view,
  usage: '[suggest] [--json] [--watch] [--socket PATH]',
  help: `${view.help}
${SUGGEST_HELP}`,
  options: { ...view.options, ...suggestOptions },
  words: [0, 1],
  actions: ['suggest'],
  run: async (options, words) => {
    const given = Object.keys(suggestOptions).find((name) => options[name] !== undefined);
    if (words[0] === 'suggest') {
      if (options.watch === true) throw usageError('--watch is not for suggest');
      return (await import('./peers-suggest.ts')).suggestPeers(options);
    }
    if (given !== undefined) throw usageError(`--${given} is for \`peers suggest\``);
    return view.run(options, words);
  },
};

const INDENT = '           ';

function peerLines(peer: PeerAnswer): string[] {
  const state = peer.up ? paint('green', 'up  ') : paint('yellow', 'down');
  const head = `${state}  ${peer.inbound ? 'in ' : 'out'}  ${cut(peer.remote ?? '(no URI)', COLUMNS - INDENT.length)}`;
  if (!peer.up) return [head, ...beside(INDENT, errorText(peer))];
  const facts = [
    `rtt ${peer.latency === undefined ? '-' : roundTripText(peer.latency)}`,
    `cost ${peer.cost}`,
    `up ${durationText(peer.uptime ?? 0)}`,
  ];
  if (peer.priority > 0) facts.push(`priority ${peer.priority}`);
  if (peer.discovered === true) facts.push('discovered');
  const received = `received ${sizeText(peer.bytes_recvd ?? 0)} (${sizeText(peer.rate_recvd ?? 0)}/s)`;
  const sent = `sent ${sizeText(peer.bytes_sent ?? 0)} (${sizeText(peer.rate_sent ?? 0)}/s)`;
  return [
    head,
    `${INDENT}${peer.address ?? '(address unknown)'}`,
    `${INDENT}${facts.join('  ')}`,
    `${INDENT}${received}  ${sent}`,
  ];
}

function errorText({ last_error: error, last_error_time: ago }: PeerAnswer): string {
  if (error === undefined) return 'connecting';
  return `${error}, ${durationText((ago ?? 0) / 1e9)} ago`;
}
