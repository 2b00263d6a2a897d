/** Everything at a glance: traffic, the links that matter, this node, and what happened last. */
import type { Box, Canvas } from '../canvas.ts';
import { gaugeText } from '../chart.ts';
import { percentText, plural, sizeText } from '../figures.ts';
import { hidden } from '../hiding.ts';
import { type Context, makeList } from '../list.ts';
import { drawFacts, type Fact, panel } from '../panel.ts';
import { drawLatest } from './events.ts';
import { firewallFact } from './firewall.ts';
import { peerColumns, peerSpec } from './peers.ts';
import { drawTotal } from './traffic.ts';
import { placesOf } from './tree.ts';
import type { View } from './view.ts';

const list = makeList({ ...peerSpec, columns: peerColumns });

export const overviewView: View = {
  title: 'Overview',
  list,
  draw: (canvas, box, context) => {
    if (box.width >= 110 && box.height >= 20) drawWide(canvas, box, context);
    else drawStacked(canvas, box, context);
  },
};

/** Charts beside facts, and the tables below as wide as the screen: names, URIs and events are long. */
function drawWide(canvas: Canvas, box: Box, context: Context): void {
  const facts = nodeFacts(context);
  const side = Math.min(64, Math.floor(box.width * 0.45));
  const upper = Math.max(facts.length + 2, Math.floor(box.height * 0.3));
  const left = box.width - side;
  drawTotal(canvas, { ...box, width: left, height: upper }, context);
  const node = { ...box, x: box.x + left, width: side, height: upper };
  drawFacts(canvas, panel(canvas, node, context, 'Node'), facts);
  const rest = box.height - upper;
  const events = Math.max(6, Math.min(Math.floor(rest * 0.4), rest - context.model.peers.rows.size - 3));
  drawPeers(canvas, { ...box, y: box.y + upper, height: rest - events }, context);
  drawLatest(canvas, { ...box, y: box.y + box.height - events, height: events }, context);
}

/** On small terminals the peers get what the others can spare. */
function drawStacked(canvas: Canvas, box: Box, context: Context): void {
  const isNarrow = canvas.width < 60;
  const chart = box.height >= 16 ? (isNarrow ? 5 : 6) : 0;
  const events = box.height >= 11 ? (isNarrow ? 4 : 6) : 0;
  if (chart > 0) drawTotal(canvas, { ...box, height: chart }, context);
  drawPeers(canvas, { ...box, y: box.y + chart, height: box.height - chart - events }, context);
  if (events > 0) drawLatest(canvas, { ...box, y: box.y + box.height - events, height: events }, context);
}

function drawPeers(canvas: Canvas, box: Box, context: Context): void {
  list.draw(canvas, panel(canvas, box, context, `Peers ${list.count(context)}`), context);
}

function nodeFacts(context: Context): Fact[] {
  const { model, ui } = context;
  const { status, stats, sessions, paths, radios } = model;
  if (status === undefined) return [['', 'waiting for the daemon', 'dim']];
  const { glyphs } = ui;
  const facts: Fact[] = [
    ['address', hidden(ui, status.address)],
    ['subnet', hidden(ui, status.subnet)],
    status.tun.isOn
      ? ['interface', `${glyphs.up} ${status.tun.name}, MTU ${status.tun.mtu}`, 'good']
      : ['interface', `${glyphs.dot} ${hidden(ui, status.tun.problem) || 'off'}`, 'dim'],
    firewallFact(context),
    ['sessions', `${sessions.total} end to end, ${plural(paths.total, 'path')}`],
    ['tree', treeText(context)],
  ];
  if (radios.rows.size > 0) facts.push(['radio', plural(radios.rows.size, 'radio')]);
  if (stats === undefined) return facts;
  const dropped = [...stats.drops.values()].reduce((sum, count) => sum + count, 0);
  const now = [...model.dropRates.values()].reduce((sum, rate) => sum + rate, 0);
  const rate = now > 0 ? `, ${Math.round(now)}/s now` : '';
  facts.push(['dropped', `${plural(dropped, 'packet')}${rate}`, now > 0 ? 'warn' : 'plain']);
  facts.push([
    'router',
    `${gaugeText(stats.router.busy, 12, glyphs)} ${percentText(stats.router.busy)} busy`,
    'accent',
  ]);
  if (stats.rss !== undefined) facts.push(['memory', sizeText(stats.rss)]);
  return facts;
}

function treeText({ model, ui }: Context): string {
  const places = placesOf(model);
  const self = places.find(({ role }) => role === 'self');
  if (self === undefined) return '-';
  if (self.node.parent === self.node.key) return 'this node is the root';
  const root = places.slice(0, self.order).findLast(({ branches }) => branches.length === 0);
  const name = root === undefined ? '' : ` ${hidden(ui, root.node.address)}`;
  return `${plural(self.branches.length, 'hop')} below${name}`;
}
