/** Links, and configured peers that have none. */
import { ceilingOf, drawArea } from '../chart.ts';
import { drawSelected, roomForDetails } from '../details.ts';
import { ageText, latencyText, percentText, rateText, sizeText } from '../figures.ts';
import { hidden, hiddenWhole } from '../hiding.ts';
import { type Chart, type Column, type Context, type Details, type ListSpec, makeList } from '../list.ts';
import { panel } from '../panel.ts';
import type { Peer } from '../reading.ts';
import type { Style } from '../theme.ts';
import { sortNote, titleOf, type View } from './view.ts';

const LOSSY = 0.05;
const IDLE_BYTES = 1_024;

export function peerName(peer: Peer, { model, ui }: Context): string {
  const name = model.nameOf(peer);
  if (name !== '') return hiddenWhole(ui, 'node', name);
  return hidden(ui, peer.remote || peer.address || '(unknown)');
}

function stateMark({ isUp, state, loss }: Peer, { ui: { glyphs } }: Context): string {
  if (!isUp) return state === 'connecting' || state === 'greeting' ? glyphs.waiting : glyphs.down;
  return loss !== undefined && loss > LOSSY ? glyphs.warn : glyphs.up;
}

function stateStyle({ isUp, loss }: Peer): Style {
  if (!isUp) return 'bad';
  return loss !== undefined && loss > LOSSY ? 'warn' : 'good';
}

/** A rate that is hardly one is dim. */
function rateStyle(rate: number, style: Style): Style {
  return rate < 1 ? 'dim' : style;
}

export const MARK: Column<Peer> = { title: '', width: 1, rank: 0, text: stateMark, style: stateStyle };

const NAME: Column<Peer> = {
  title: 'PEER',
  width: 26,
  isWide: true,
  ideal: 40,
  rank: 0,
  text: peerName,
  style: ({ isUp }) => (isUp ? 'plain' : 'strong'),
};

const DIRECTION: Column<Peer> = {
  title: 'DIR',
  width: 3,
  rank: 6,
  text: ({ isInbound }) => (isInbound ? 'in' : 'out'),
  style: () => 'dim',
};

const RTT: Column<Peer> = {
  title: 'RTT',
  width: 7,
  isRight: true,
  rank: 1,
  text: ({ rttMs }) => latencyText(rttMs),
  style: ({ rttMs }) => (rttMs === undefined ? 'dim' : 'time'),
};

const IN: Column<Peer> = {
  title: 'IN',
  width: 9,
  isRight: true,
  rank: 1,
  text: ({ isUp, rateIn }) => (isUp ? rateText(rateIn) : ''),
  style: ({ rateIn }) => rateStyle(rateIn, 'in'),
};

const OUT: Column<Peer> = {
  title: 'OUT',
  width: 9,
  isRight: true,
  rank: 1,
  text: ({ isUp, rateOut }) => (isUp ? rateText(rateOut) : ''),
  style: ({ rateOut }) => rateStyle(rateOut, 'out'),
};

export function spark<T extends { id: string }>(prefix: string, width: number, rank: number): Column<T> {
  return {
    title: 'TRAFFIC',
    width,
    isWide: true,
    rank,
    draw: (canvas, box, { id }, { model, ui }) => {
      const values = model.history.both(`${prefix} ${id}`);
      const shown = values.subarray(Math.max(0, values.length - box.width * (ui.glyphs.isAscii ? 1 : 2)));
      drawArea(canvas, box, shown, ceilingOf(shown, IDLE_BYTES, IDLE_BYTES), 'accent', ui.glyphs);
    },
  };
}

const SPARK: Column<Peer> = spark<Peer>('peer', 10, 3);

const UP: Column<Peer> = {
  title: 'UP',
  width: 7,
  isRight: true,
  rank: 4,
  text: ({ upSinceMs }, { model }) => (upSinceMs === undefined ? '' : ageText((model.nowMs - upSinceMs) / 1_000)),
  style: () => 'dim',
};

const COST: Column<Peer> = {
  title: 'COST',
  width: 5,
  isRight: true,
  rank: 7,
  text: ({ cost, isUp }) => (isUp ? `${cost}` : ''),
};

const LOSS: Column<Peer> = {
  title: 'LOSS',
  width: 5,
  isRight: true,
  rank: 8,
  text: ({ loss }) => (loss === undefined ? '' : percentText(loss)),
  style: ({ loss }) => (loss !== undefined && loss > LOSSY ? 'warn' : 'dim'),
};

const TOTAL: Column<Peer> = {
  title: 'IN + OUT',
  width: 8,
  isRight: true,
  rank: 9,
  text: ({ received, sent }) => sizeText(received + sent),
  style: () => 'dim',
};

const ADDRESS: Column<Peer> = {
  title: 'ADDRESS',
  width: 39,
  rank: 10,
  text: ({ address }, { ui }) => hidden(ui, address),
  style: () => 'dim',
};

export const peerSpec: ListSpec<Peer> = {
  items: (model) => model.peers.rows.values(),
  id: ({ id }) => id,
  text: (p, model) =>
    `${model.nameOf(p)} ${p.remote} ${p.address} ${p.key} ${p.isUp ? 'up' : 'down'} ${p.isInbound ? 'in' : 'out'} ${p.error}`,
  sorts: [
    { name: 'what is wrong', by: (p) => `${p.isUp ? 1 : 0}${p.isInbound ? 1 : 0}${p.remote}${p.id}` },
    { name: 'traffic', column: 'IN', isDescending: true, by: ({ rateIn, rateOut }) => rateIn + rateOut },
    { name: 'round trip', column: 'RTT', by: ({ rttMs }) => rttMs ?? Number.POSITIVE_INFINITY },
    { name: 'name', column: 'PEER', by: (p, { model }) => model.nameOf(p) || p.remote },
    { name: 'time up', column: 'UP', by: ({ upSinceMs }) => upSinceMs ?? Number.POSITIVE_INFINITY },
  ],
  columns: [MARK, NAME, DIRECTION, RTT, IN, OUT, SPARK, UP, COST, LOSS, TOTAL, ADDRESS],
  empty: ({ told }) =>
    told.has('peers') ? 'no peers: add one with :peer add tcp://HOST:PORT' : 'waiting for the daemon',
  target: ({ address, key }) => address || key,
  instead: ({ isUp, state, error }, { ui }) =>
    isUp ? undefined : [hidden(ui, error === '' || state === 'connecting' ? `${state}  ${error}` : error), 'bad'],
  details: peerDetails,
};

/** For the overview, where it is one of several tables. */
export const peerColumns: readonly Column<Peer>[] = [MARK, NAME, RTT, IN, OUT, SPARK, UP];

export function flowCharts(id: string): Chart[] {
  return [
    { title: 'in', id, series: 'in', style: 'in', figure: rateText, least: IDLE_BYTES },
    { title: 'out', id, series: 'out', style: 'out', figure: rateText, least: IDLE_BYTES },
  ];
}

function peerDetails(peer: Peer, context: Context): Details {
  const { model, ui } = context;
  const { glyphs } = ui;
  const ago = (atMs: number | undefined): string =>
    ageText(atMs === undefined ? undefined : (model.nowMs - atMs) / 1_000);
  const how = [
    peer.isInbound ? 'accepted' : peer.isDiscovered ? 'discovered' : peer.isConfigured ? 'configured' : 'dialled',
    ...(peer.isBound ? ['key bound to the certificate'] : []),
  ];
  const facts: [string, string, Style?][] = [
    [
      'state',
      `${stateMark(peer, context)} ${peer.state}${peer.isUp ? ` for ${ago(peer.upSinceMs)}` : ''}`,
      stateStyle(peer),
    ],
    ['URI', hidden(ui, peer.remote)],
    ['address', hidden(ui, peer.address) || '(not known yet)'],
    ['key', hidden(ui, peer.key) || '(not known yet)'],
    ['link', `${peer.kind} ${peer.isInbound ? 'in' : 'out'}, ${how.join(', ')}`],
    ['cost', `${peer.cost}${peer.priority > 0 ? `, priority ${peer.priority}` : ''}, port ${peer.port}`],
    ['round trip', latencyText(peer.rttMs), 'time'],
    ['moved', `${glyphs.inward} ${sizeText(peer.received)}  ${glyphs.outward} ${sizeText(peer.sent)}`],
  ];
  if (peer.loss !== undefined) facts.push(['loss', percentText(peer.loss)]);
  if (peer.queued > 0 || peer.dropped > 0) {
    facts.push(['queue', `${sizeText(peer.queued)} wait, ${peer.dropped} packets lost in it`]);
  }
  if (peer.error !== '') facts.push(['last error', `${hidden(ui, peer.error)}, ${ago(peer.errorAtMs)} ago`, 'bad']);
  const rtt: Chart = {
    title: 'round trip',
    id: `peer ${peer.id}`,
    series: 'rtt',
    style: 'time',
    figure: latencyText,
    least: 1,
  };
  return { title: peerName(peer, context), facts, charts: [...flowCharts(`peer ${peer.id}`), rtt] };
}

export const peersView: View = {
  title: 'Peers',
  list: makeList(peerSpec),
  draw: (canvas, box, context) => {
    const up = [...context.model.peers.rows.values()].filter(({ isUp }) => isUp).length;
    const below = roomForDetails(box, context.model.peers.rows.size);
    const upper = { ...box, height: box.height - below };
    const inner = panel(canvas, upper, context, titleOf(peersView, context), [
      [`${context.ui.glyphs.up} ${up} up`, up > 0 ? 'good' : 'bad'],
      [sortNote(peersView, context), 'dim'],
    ]);
    peersView.list.draw(canvas, inner, context);
    if (below > 0) drawSelected(canvas, { ...box, y: box.y + upper.height, height: below }, context, peersView.list);
  },
};
