/** Radios: what they hear, and what of the time on the air is used and left. */
import type { Box, Canvas } from '../canvas.ts';
import { gaugeText } from '../chart.ts';
import { ageText, percentText, sizeText } from '../figures.ts';
import { hidden } from '../hiding.ts';
import { type Chart, type Column, type Context, type Details, makeList, selectedIndex } from '../list.ts';
import { drawCharts, drawFacts, type Fact, panel } from '../panel.ts';
import type { Radio } from '../reading.ts';
import type { Style } from '../theme.ts';
import { listState } from '../ui.ts';
import { titleOf, type View } from './view.ts';

const GAUGE = 16;
/** Of an air-time limit. */
const NEARLY_FULL = 0.8;

/** The limit that is nearest to its end. */
function tightest({ limits }: Radio): { share: number; free: number } | undefined {
  const real = limits.filter(({ air, window }) => air > 0 && air < window);
  const shares = real.map(({ used, air, free }) => ({ share: used / air, free }));
  return shares.sort((a, b) => b.share - a.share)[0];
}

function hearing({ rssi, snr, noise, channelLoad }: Radio): string {
  const parts: string[] = [];
  if (rssi !== undefined) parts.push(`${Math.round(rssi)} dBm`);
  if (snr !== undefined) parts.push(`SNR ${snr.toFixed(1)} dB`);
  if (noise !== undefined) parts.push(`noise ${Math.round(noise)} dBm`);
  if (channelLoad !== undefined) parts.push(`channel ${percentText(channelLoad)} busy`);
  return parts.length === 0 ? 'nothing yet' : parts.join(', ');
}

function usageStyle(share: number): Style {
  return share > NEARLY_FULL ? 'warn' : 'good';
}

const COLUMNS: readonly Column<Radio>[] = [
  {
    title: '',
    width: 1,
    rank: 0,
    text: (radio, { ui: { glyphs } }) => ((tightest(radio)?.share ?? 0) > NEARLY_FULL ? glyphs.warn : glyphs.up),
    style: (radio) => usageStyle(tightest(radio)?.share ?? 0),
  },
  { title: 'RADIO', width: 20, isWide: true, rank: 0, text: ({ remote }, { ui }) => hidden(ui, remote) },
  { title: 'SET TO', width: 18, rank: 2, text: ({ modulation }) => modulation, style: () => 'dim' },
  {
    title: 'AIR TIME USED',
    width: GAUGE + 6,
    rank: 1,
    text: (radio, { ui }) => {
      const share = tightest(radio)?.share ?? radio.used15s / 15;
      return `${gaugeText(share, GAUGE, ui.glyphs)} ${percentText(share)}`;
    },
    style: (radio) => usageStyle(tightest(radio)?.share ?? 0),
  },
  {
    title: 'FREE NOW',
    width: 8,
    isRight: true,
    rank: 3,
    text: (radio) => {
      const limit = tightest(radio);
      return limit === undefined ? 'no limit' : `${limit.free.toFixed(1)} s`;
    },
  },
  {
    title: 'SIGNAL',
    width: 8,
    isRight: true,
    rank: 4,
    text: ({ rssi }) => (rssi === undefined ? '-' : `${Math.round(rssi)} dBm`),
    style: () => 'time',
  },
  {
    title: 'WAITING',
    width: 7,
    isRight: true,
    rank: 5,
    text: ({ classes }) => sizeText(classes.reduce((sum, { queued }) => sum + queued, 0)),
  },
];

const list = makeList<Radio>({
  items: (model) => model.radios.rows.values(),
  id: ({ id }) => id,
  text: ({ remote, modulation }) => `${remote} ${modulation}`,
  sorts: [
    {
      name: 'air time used',
      column: 'AIR TIME USED',
      isDescending: true,
      by: (radio) => tightest(radio)?.share ?? radio.used15s / 15,
    },
    { name: 'name', column: 'RADIO', by: ({ remote }) => remote },
  ],
  columns: COLUMNS,
  empty: ({ status }) =>
    (status?.modems.length ?? 0) > 0 ? 'no radio is open yet: the line above tells why' : 'this node has no radio',
  details: radioDetails,
});

function facts(radio: Radio): Fact[] {
  return [
    ['set to', `${radio.modulation}, ${radio.frameMax} octets take ${radio.frameSeconds.toFixed(2)} s`],
    ['hears', hearing(radio), 'time'],
    ['on air', `${radio.used15s.toFixed(1)} s of the last 15 s, ${radio.used1h.toFixed(1)} s of the last hour`],
    ...(radio.share < 1 ? [['share', `at most ${percentText(radio.share)} of the channel in any 15 s`] as const] : []),
    ...radio.limits.map(
      ({ window, air, used, free }): Fact => [
        'limit',
        air < window
          ? `${used.toFixed(1)} s of ${air.toFixed(1)} s in ${ageText(window)} used (${percentText(used / air)}), ${free.toFixed(1)} s free now`
          : 'none',
        air < window ? usageStyle(used / air) : 'dim',
      ],
    ),
  ];
}

function classLines({ classes }: Radio): string[] {
  return classes.map(({ name, sentSeconds, queued, wait, refused }) => {
    const may = wait === null ? 'never' : wait < 0.1 ? 'now' : `in ${ageText(Math.ceil(wait))}`;
    const sent = `sent ${sentSeconds.toFixed(1)} s`;
    return `${name.padEnd(10)} ${sent.padEnd(14)} waiting ${sizeText(queued).padEnd(6)} may send ${may.padEnd(8)} refused ${refused}`;
  });
}

function radioDetails(radio: Radio, { ui }: Context): Details {
  return {
    title: hidden(ui, radio.remote),
    facts: facts(radio),
    text: classLines(radio),
    charts: chartsOf(radio),
  };
}

function chartsOf({ id, channelLoad }: Radio): Chart[] {
  const own = { title: 'own time on the air', series: 'out', style: 'out' } as const;
  const all = { title: 'channel busy', series: 'in', style: 'in' } as const;
  const told = channelLoad === undefined ? [own] : [own, all];
  return told.map((chart) => ({ ...chart, id: `radio ${id}`, figure: percentText, least: 0.1 }));
}

export const radioView: View = {
  title: 'Radio',
  list,
  draw: (canvas, box, context) => {
    const radios = context.model.radios.rows;
    const rows = Math.min(radios.size + 3, Math.max(5, Math.floor(box.height / 2)));
    const height = radios.size === 0 ? box.height : rows;
    list.draw(canvas, panel(canvas, { ...box, height }, context, titleOf(radioView, context)), context);
    const ids = list.ids(context);
    const radio = radios.get(ids[selectedIndex(listState(context.ui), ids)] ?? '');
    const rest = { ...box, y: box.y + height, height: box.height - height };
    if (radio !== undefined && rest.height > 3) drawRadio(canvas, rest, context, radio);
  },
};

function drawRadio(canvas: Canvas, box: Box, context: Context, radio: Radio): void {
  const inner = panel(canvas, box, context, hidden(context.ui, radio.remote));
  let y = drawFacts(canvas, inner, facts(radio)) + 1;
  for (const line of classLines(radio)) {
    if (y < inner.y + inner.height) canvas.put(inner.x, y++, line, 'plain', inner.x + inner.width);
  }
  drawCharts(canvas, { ...inner, y: y + 1, height: inner.y + inner.height - y - 1 }, context, chartsOf(radio));
}
