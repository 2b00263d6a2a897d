/** How much goes in and out, over which links, and what is dropped. */
import type { Box, Canvas } from '../canvas.ts';
import { gaugeText } from '../chart.ts';
import { countText, percentText, rateText, sizeText } from '../figures.ts';
import { type Column, type Context, makeList } from '../list.ts';
import { TOTAL } from '../model.ts';
import { drawFlow, type Note, panel } from '../panel.ts';
import type { Peer } from '../reading.ts';
import { MARK, peerName, peerSpec, spark } from './peers.ts';
import { titleOf, type View } from './view.ts';

const SHARE_WIDTH = 12;

const NAME: Column<Peer> = { title: 'LINK', width: 14, isWide: true, ideal: 36, rank: 0, text: peerName };

const SHARE: Column<Peer> = {
  title: 'SHARE',
  width: SHARE_WIDTH,
  rank: 2,
  text: ({ rateIn, rateOut }, { model, ui }) => {
    const all = model.rates();
    const share = (rateIn + rateOut) / Math.max(1, all.in + all.out);
    return share === 0 ? '' : gaugeText(share, SHARE_WIDTH, ui.glyphs);
  },
  style: () => 'accent',
};

const rate = (title: string, of: (peer: Peer) => number, style: 'in' | 'out'): Column<Peer> => ({
  title,
  width: 9,
  isRight: true,
  rank: 1,
  text: (peer) => rateText(of(peer)),
  style: (peer) => (of(peer) < 1 ? 'dim' : style),
});

const size = (title: string, of: (peer: Peer) => number): Column<Peer> => ({
  title,
  width: 8,
  isRight: true,
  rank: 4,
  text: (peer) => sizeText(of(peer)),
  style: () => 'dim',
});

const list = makeList<Peer>({
  ...peerSpec,
  items: function* (model) {
    for (const peer of model.peers.rows.values()) if (peer.isUp) yield peer;
  },
  sorts: [
    { name: 'traffic', column: 'SHARE', isDescending: true, by: ({ rateIn, rateOut }) => rateIn + rateOut },
    { name: 'in', column: 'IN', isDescending: true, by: ({ rateIn }) => rateIn },
    { name: 'out', column: 'OUT', isDescending: true, by: ({ rateOut }) => rateOut },
    { name: 'octets moved', column: 'RECEIVED', isDescending: true, by: ({ received, sent }) => received + sent },
  ],
  columns: [
    MARK,
    NAME,
    rate('IN', ({ rateIn }) => rateIn, 'in'),
    rate('OUT', ({ rateOut }) => rateOut, 'out'),
    SHARE,
    spark<Peer>('peer', 12, 5),
    size('RECEIVED', ({ received }) => received),
    size('SENT', ({ sent }) => sent),
  ],
  empty: () => 'no link is up',
});

export function flowNotes({ model, ui: { glyphs } }: Context): Note[] {
  const now = model.rates();
  return [
    [`${glyphs.inward} ${rateText(now.in)}`, 'in'],
    [`${glyphs.outward} ${rateText(now.out)}`, 'out'],
  ];
}

/** Both directions of all links, with the scale in the corner. */
export function drawTotal(canvas: Canvas, box: Box, context: Context): void {
  const inner = panel(canvas, box, context, 'Traffic', flowNotes(context));
  const tops = drawFlow(canvas, inner, context, TOTAL);
  const right = inner.x + inner.width;
  canvas.put(inner.x, inner.y, rateText(tops.in), 'dim', right);
  if (inner.height > 5) canvas.put(inner.x, inner.y + inner.height - 1, rateText(tops.out), 'dim', right);
}

export const trafficView: View = {
  title: 'Links',
  list,
  draw: (canvas, box, context) => {
    const isTall = box.height >= 14;
    const chart = isTall ? Math.max(6, Math.floor(box.height * 0.4)) : 0;
    if (chart > 0) drawTotal(canvas, { ...box, height: chart }, context);
    const below = { ...box, y: box.y + chart, height: box.height - chart };
    const side = box.width >= 100 ? Math.min(48, Math.floor(box.width / 3)) : 0;
    const table = { ...below, width: below.width - side };
    const notes = chart > 0 ? [] : flowNotes(context);
    list.draw(canvas, panel(canvas, table, context, titleOf(trafficView, context), notes), context);
    if (side > 0) drawDrops(canvas, { ...below, x: box.x + table.width, width: side }, context);
  },
};

function drawDrops(canvas: Canvas, box: Box, context: Context): void {
  const { model, ui } = context;
  const { stats } = model;
  const inner = panel(canvas, box, context, 'Packets dropped');
  const drops = [...(stats?.drops ?? [])].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  const right = inner.x + inner.width;
  let y = inner.y;
  const bottom = inner.y + inner.height;
  if (drops.length === 0) canvas.put(inner.x, y++, `${ui.glyphs.up} none`, 'good', right);
  const loopLines = stats === undefined ? 0 : 3;
  for (const [reason, count] of drops.slice(0, Math.max(1, inner.height - loopLines))) {
    const now = model.dropRates.get(reason) ?? 0;
    const figures = `${now > 0 ? `${countText(now)}/s  ` : ''}${countText(count)}`;
    canvas.putRight(right, y, figures, now > 0 ? 'warn' : 'dim', inner.x);
    canvas.put(inner.x, y++, reason, now > 0 ? 'plain' : 'dim', right - figures.length - 1);
  }
  if (stats === undefined || bottom - y < loopLines) return;
  y = bottom - 2;
  for (const [name, { busy, lagMaxMs }] of [
    ['router', stats.router],
    ['host', stats.host],
  ] as const) {
    const bar = gaugeText(busy, Math.max(4, inner.width - 32), ui.glyphs);
    canvas.put(inner.x, y, `${name} thread`, 'dim');
    canvas.put(inner.x + 14, y, bar, busy > 0.9 ? 'warn' : 'accent', right);
    canvas.putRight(right, y++, `${percentText(busy)} lag ${lagMaxMs.toFixed(0)} ms`, 'dim', inner.x + 15 + bar.length);
  }
}
