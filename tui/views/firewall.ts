/** Who may connect to this machine from the mesh, and where this node itself can be reached. */
import { countText } from '../figures.ts';
import { hidden } from '../hiding.ts';
import { type Column, type Context, type Details, makeList } from '../list.ts';
import { drawFacts, type Fact, panel } from '../panel.ts';
import type { Rule } from '../reading.ts';
import { titleOf, type View } from './view.ts';

const COLUMNS: readonly Column<Rule>[] = [
  {
    title: '',
    width: 1,
    rank: 0,
    text: ({ isOpen, problem }, { ui: { glyphs } }) =>
      problem !== '' ? glyphs.warn : isOpen ? glyphs.up : glyphs.down,
    style: ({ isOpen, problem }) => (problem !== '' ? 'warn' : isOpen ? 'good' : 'dim'),
  },
  { title: 'RULE', width: 24, isWide: true, rank: 0, text: ({ rule }, { ui }) => hidden(ui, rule) },
  {
    title: 'STATE',
    width: 6,
    rank: 0,
    text: ({ isOpen }) => (isOpen ? 'open' : 'closed'),
    style: ({ isOpen }) => (isOpen ? 'good' : 'dim'),
  },
  { title: 'SET BY', width: 13, rank: 2, text: ({ by }) => by, style: () => 'dim' },
  {
    title: 'FOR',
    width: 20,
    isWide: true,
    rank: 1,
    text: ({ prefix, problem }, { ui }) => hidden(ui, problem || prefix || 'everybody in the mesh'),
    style: ({ problem }) => (problem === '' ? 'dim' : 'warn'),
  },
];

const list = makeList<Rule>({
  items: (model) => model.rules.rows.values(),
  id: ({ id }) => id,
  text: ({ rule, by, prefix, problem, isOpen }) => `${rule} ${by} ${prefix} ${problem} ${isOpen ? 'open' : 'closed'}`,
  sorts: [
    { name: 'rule', column: 'RULE', by: ({ rule }) => rule },
    { name: 'who set it', column: 'SET BY', by: ({ by, rule }) => `${by} ${rule}` },
  ],
  columns: COLUMNS,
  empty: ({ status }) =>
    status?.firewall.inbound === 'allow' ? 'the firewall is off' : 'no port is open; a opens one (with --control)',
  details: ({ rule, prefix, by, isOpen, problem }, { ui }): Details => ({
    title: hidden(ui, rule),
    facts: [
      ['state', isOpen ? 'open' : 'closed', isOpen ? 'good' : 'dim'],
      ['for', hidden(ui, prefix || 'everybody in the mesh')],
      ['set by', by],
      ...(problem === '' ? [] : [['problem', hidden(ui, problem), 'warn'] as const]),
    ],
    charts: [],
  }),
});

/** What of this machine the mesh can reach. */
export function firewallFact({ model, ui }: Context): Fact {
  const { status, rules } = model;
  const label = 'firewall';
  if (status === undefined || !status.tun.isOn) return [label, 'no interface to guard', 'dim'];
  const { inbound, isClosed, problem } = status.firewall;
  const { glyphs } = ui;
  if (inbound === 'allow') return [label, `${glyphs.warn} off: the mesh reaches every service here`, 'warn'];
  if (!isClosed) return [label, `${glyphs.down} NOT CLOSED: ${hidden(ui, problem)}`, 'bad'];
  const open = [...rules.rows.values()].filter(({ isOpen }) => isOpen).length;
  return [
    label,
    `${glyphs.up} closed${open === 0 ? '' : ` but for ${open === 1 ? 'one rule' : `${open} rules`}`}`,
    'good',
  ];
}

function reachFacts(context: Context): Fact[] {
  const { model, ui } = context;
  const { status, firewall } = model;
  if (status === undefined) return [['', 'waiting for the daemon', 'dim']];
  const { glyphs } = ui;
  const { listening, discovery, tun, metrics } = status;
  const facts: Fact[] = [firewallFact(context)];
  if (firewall !== undefined) facts.push(['refused', `${countText(firewall.refused)} packets`]);
  facts.push(
    tun.isOn
      ? ['interface', `${glyphs.up} ${tun.name}, MTU ${tun.mtu}`, 'good']
      : ['interface', `${glyphs.down} ${hidden(ui, tun.problem) || 'off: this node forwards for others only'}`, 'warn'],
  );
  for (const uri of listening) facts.push(['listening', `${glyphs.up} ${hidden(ui, uri)}`, 'good']);
  if (listening.length === 0) facts.push(['listening', `${glyphs.dot} nowhere: others cannot connect here`, 'dim']);
  if (discovery !== undefined)
    facts.push(['discovery', discovery.length === 0 ? 'on no interface' : `on ${discovery.join(' ')}`]);
  facts.push(['admin', hidden(ui, status.admin)]);
  if (metrics !== undefined)
    facts.push(['metrics', hidden(ui, metrics.problem || metrics.url), metrics.problem === '' ? 'plain' : 'warn']);
  return facts;
}

export const firewallView: View = {
  title: 'Rules',
  list,
  draw: (canvas, box, context) => {
    const isSideBySide = box.width >= 110;
    const facts = reachFacts(context);
    const side = isSideBySide ? Math.min(64, Math.floor(box.width * 0.45)) : box.width;
    const height = isSideBySide ? box.height : Math.min(facts.length + 2, Math.max(5, Math.floor(box.height / 2)));
    const reach = isSideBySide ? { ...box, x: box.x + box.width - side, width: side } : { ...box, height };
    const rules = isSideBySide
      ? { ...box, width: box.width - side }
      : { ...box, y: box.y + height, height: box.height - height };
    drawFacts(canvas, panel(canvas, reach, context, 'Firewall and listeners'), facts);
    list.draw(canvas, panel(canvas, rules, context, titleOf(firewallView, context)), context);
  },
};
