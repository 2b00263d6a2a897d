/** Whom this node talks to end to end: the session, and the path that it takes. */
import { drawSelected, roomForDetails } from '../details.ts';
import { ageText, rateText, sizeText } from '../figures.ts';
import { hidden } from '../hiding.ts';
import { type Column, type Context, type Details, makeList } from '../list.ts';
import type { Model } from '../model.ts';
import { panel } from '../panel.ts';
import type { Path, Session } from '../reading.ts';
import type { Style } from '../theme.ts';
import { flowCharts, spark } from './peers.ts';
import { nodeName, sortNote, titleOf, type View } from './view.ts';

/** A session, a path, or both of one node. */
type Contact = {
  readonly id: string;
  readonly address: string;
  readonly key: string;
  readonly session: Session | undefined;
  readonly path: Path | undefined;
  readonly rateIn: number;
  readonly rateOut: number;
};

function* contacts(model: Model): Iterable<Contact> {
  const paths = new Map<string, Path>();
  for (const path of model.paths.rows.values()) paths.set(path.key, path);
  for (const session of model.sessions.rows.values()) {
    const { id, address, key } = session;
    const path = paths.get(key);
    paths.delete(key);
    const { in: rateIn, out: rateOut } = model.sessionRates(session);
    yield { id, address, key, session, path, rateIn, rateOut };
  }
  for (const path of paths.values()) yield { ...path, session: undefined, path, rateIn: 0, rateOut: 0 };
}

function pathText({ path }: Contact): string {
  if (path === undefined) return '';
  return path.ports.length === 0 ? '(root)' : path.ports.join(' ');
}

function age({ session }: Contact, { model }: Context): string {
  return session === undefined ? '' : ageText((model.nowMs - session.sinceMs) / 1_000);
}

const MARK: Column<Contact> = {
  title: '',
  width: 1,
  rank: 0,
  text: ({ session, rateIn, rateOut }, { ui: { glyphs } }) =>
    session === undefined ? glyphs.dot : rateIn + rateOut > 0 ? glyphs.up : glyphs.down,
  style: ({ session, rateIn, rateOut }) => (session === undefined ? 'dim' : rateIn + rateOut > 0 ? 'good' : 'dim'),
};

const rate = (title: string, of: (contact: Contact) => number, style: Style): Column<Contact> => ({
  title,
  width: 9,
  isRight: true,
  rank: 1,
  text: (contact) => (contact.session === undefined ? '' : rateText(of(contact))),
  style: (contact) => (of(contact) < 1 ? 'dim' : style),
});

const list = makeList<Contact>({
  items: contacts,
  id: ({ id }) => id,
  text: (c, model) => `${model.nameOf(c)} ${c.address} ${c.key} ${c.session?.kind ?? 'path'} ${pathText(c)}`,
  sorts: [
    {
      name: 'traffic',
      column: 'IN',
      isDescending: true,
      by: ({ rateIn, rateOut, session }) => rateIn + rateOut + (session === undefined ? 0 : 1e-6),
    },
    {
      name: 'octets moved',
      column: 'MOVED',
      isDescending: true,
      by: ({ session: s }) => (s === undefined ? -1 : s.received + s.sent),
    },
    { name: 'age', column: 'UP', by: ({ session }) => session?.sinceMs ?? Number.POSITIVE_INFINITY },
    { name: 'node', column: 'NODE', by: (contact, { model }) => model.nameOf(contact) || contact.address },
    { name: 'length of the path', column: 'PATH', by: ({ path }) => path?.ports.length ?? Number.POSITIVE_INFINITY },
  ],
  columns: [
    MARK,
    { title: 'NODE', width: 26, isWide: true, ideal: 39, rank: 0, text: nodeName },
    {
      title: 'SESSION',
      width: 8,
      rank: 2,
      text: ({ session }) => session?.kind ?? '(path)',
      style: ({ session }) => (session?.kind === 'e2e' ? 'good' : 'dim'),
    },
    { title: 'UP', width: 7, isRight: true, rank: 4, text: age, style: () => 'dim' },
    rate('IN', ({ rateIn }) => rateIn, 'in'),
    rate('OUT', ({ rateOut }) => rateOut, 'out'),
    spark<Contact>('session', 10, 6),
    {
      title: 'MOVED',
      width: 6,
      isRight: true,
      rank: 5,
      text: ({ session: s }) => (s === undefined ? '' : sizeText(s.received + s.sent)),
      style: () => 'dim',
    },
    { title: 'PATH', width: 12, isWide: true, ideal: 14, rank: 3, text: pathText, style: () => 'accent' },
  ],
  empty: () => 'no sessions: they begin with traffic and end a minute after it',
  target: ({ address, key }) => address || key,
  details: contactDetails,
});

function contactDetails(contact: Contact, context: Context): Details {
  const { model, ui } = context;
  const { session, path } = contact;
  const { glyphs } = ui;
  const facts: [string, string, Style?][] = [
    ['address', hidden(ui, contact.address)],
    ['key', hidden(ui, contact.key)],
  ];
  if (session !== undefined) {
    const what = session.kind === 'e2e' ? 'end to end, ours' : 'end to end, as Yggdrasil has it';
    facts.push(['session', `${session.kind} (${what}), for ${age(contact, context)}`, 'good']);
    if (session.keySinceMs !== undefined)
      facts.push(['keys', `${ageText((model.nowMs - session.keySinceMs) / 1_000)} old`]);
    facts.push([
      'moved',
      `${glyphs.inward} ${sizeText(session.received)}  ${glyphs.outward} ${sizeText(session.sent)}`,
    ]);
  } else facts.push(['session', 'none', 'dim']);
  if (path === undefined) facts.push(['path', 'none known', 'dim']);
  else facts.push(['path', `${pathText(contact)}  (ports from the root down, ${path.ports.length} hops)`, 'accent']);
  return {
    title: nodeName(contact, context),
    facts,
    charts: session === undefined ? [] : flowCharts(`session ${contact.id}`),
  };
}

export const sessionsView: View = {
  title: 'Paths and sessions',
  list,
  draw: (canvas, box, context) => {
    const { total, rows } = context.model.sessions;
    const more = total > rows.size ? `the ${rows.size} most active of ${total} sessions` : '';
    const below = roomForDetails(box, list.ids(context).length);
    const upper = { ...box, height: box.height - below };
    const inner = panel(canvas, upper, context, titleOf(sessionsView, context), [
      [more, 'warn'],
      [sortNote(sessionsView, context), 'dim'],
    ]);
    list.draw(canvas, inner, context);
    if (below > 0) drawSelected(canvas, { ...box, y: box.y + upper.height, height: below }, context, list);
  },
};
