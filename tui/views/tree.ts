/** The known part of the spanning tree, drawn as one. */
import { plural } from '../figures.ts';
import { hidden } from '../hiding.ts';
import { type Column, type Context, type Details, makeList } from '../list.ts';
import type { Model } from '../model.ts';
import { panel } from '../panel.ts';
import type { Peer, TreeNode } from '../reading.ts';
import type { Style } from '../theme.ts';
import { nodeName, sortNote, titleOf, type View } from './view.ts';

type Place = {
  readonly node: TreeNode;
  /** Of each generation above: does it go on below this line? */
  readonly branches: readonly boolean[];
  readonly isLast: boolean;
  readonly children: number;
  /** Order in the drawn tree. */
  readonly order: number;
  readonly role: 'root' | 'self' | 'parent' | 'peer' | '';
  readonly peer: Peer | undefined;
};

const DEPTH_MAX = 64;

/** Depth first, each family by key; who has no known parent stands at the left. */
export function placesOf(model: Model): Place[] {
  const nodes = new Map<string, TreeNode>();
  for (const node of model.tree.rows.values()) nodes.set(node.key, node);
  const peers = new Map<string, Peer>();
  for (const peer of model.peers.rows.values()) if (peer.isUp && peer.key !== '') peers.set(peer.key, peer);
  const families = new Map<string, TreeNode[]>();
  const tops: TreeNode[] = [];
  for (const node of [...nodes.values()].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (node.parent === node.key || !nodes.has(node.parent)) tops.push(node);
    else families.set(node.parent, [...(families.get(node.parent) ?? []), node]);
  }
  const self = model.status?.key ?? '';
  const parent = nodes.get(self)?.parent;
  const places: Place[] = [];
  const seen = new Set<string>();
  const visit = (node: TreeNode, branches: readonly boolean[], isLast: boolean): void => {
    if (seen.has(node.key) || branches.length > DEPTH_MAX) return;
    seen.add(node.key);
    const children = families.get(node.key) ?? [];
    const peer = peers.get(node.key);
    const role =
      node.key === self
        ? 'self'
        : node.parent === node.key
          ? 'root'
          : node.key === parent
            ? 'parent'
            : peer
              ? 'peer'
              : '';
    places.push({ node, branches, isLast, children: children.length, order: places.length, role, peer });
    for (const [i, child] of children.entries()) visit(child, [...branches, !isLast], i === children.length - 1);
  };
  for (const top of tops) visit(top, [], true);
  // Circles of parents, which a tree in motion may show for a moment.
  for (const node of nodes.values()) visit(node, [], true);
  return places;
}

const ROLE_TEXT = { root: 'root', self: 'this node', parent: 'parent', peer: 'peer', '': '' } as const;
const ROLE_STYLE: Readonly<Record<Place['role'], Style>> = {
  root: 'warn',
  self: 'good',
  parent: 'accent',
  peer: 'plain',
  '': 'dim',
};

const NODE: Column<Place> = {
  title: 'NODE',
  width: 30,
  isWide: true,
  rank: 0,
  draw: (canvas, box, place, context) => {
    const { ui } = context;
    const right = box.x + box.width;
    let { x } = box;
    // Only the order of the tree has lines between its rows.
    const isDrawn = (ui.lists.get(ui.view)?.sort ?? 0) === 0 && ui.filter === '';
    if (isDrawn && place.branches.length > 0) {
      const [child, last, goesOn] = ui.glyphs.branch;
      for (const isGoing of place.branches.slice(1))
        x = canvas.put(x, box.y, isGoing ? `${goesOn} ` : '   ', 'frame', right);
      x = canvas.put(x, box.y, `${place.isLast ? last : child} `, 'frame', right);
    }
    canvas.put(x, box.y, nodeName(place.node, context), ROLE_STYLE[place.role], right);
  },
};

const list = makeList<Place>({
  items: placesOf,
  id: ({ node }) => node.id,
  text: ({ node, role }, model) => `${model.nameOf(node)} ${node.address} ${node.key} ${ROLE_TEXT[role]}`,
  sorts: [
    { name: 'tree', by: ({ order }) => order },
    { name: 'depth', column: 'DEPTH', by: ({ branches }) => branches.length },
    { name: 'children', column: 'CHILDREN', isDescending: true, by: ({ children }) => children },
    { name: 'node', column: 'NODE', by: ({ node }, { model }) => model.nameOf(node) || node.address },
  ],
  columns: [
    NODE,
    { title: 'ROLE', width: 9, rank: 0, text: ({ role }) => ROLE_TEXT[role], style: ({ role }) => ROLE_STYLE[role] },
    {
      title: 'DEPTH',
      width: 6,
      isRight: true,
      rank: 1,
      text: ({ branches }) => `${branches.length}`,
      style: () => 'dim',
    },
    {
      title: 'CHILDREN',
      width: 9,
      isRight: true,
      rank: 1,
      text: ({ children }) => (children === 0 ? '' : `${children}`),
      style: () => 'dim',
    },
    {
      title: 'KEY',
      width: 18,
      rank: 2,
      text: ({ node }, { ui }) => shortKey(node.key, ui.isHidden),
      style: () => 'dim',
    },
  ],
  empty: () => 'nothing is known of the tree yet',
  target: ({ node }) => node.address || node.key,
  details: placeDetails,
});

function shortKey(key: string, isHidden: boolean): string {
  return isHidden ? '' : `${key.slice(0, 16)}…`;
}

function placeDetails(place: Place, context: Context): Details {
  const { model, ui } = context;
  const { node, role, children, branches, peer } = place;
  const facts: [string, string, Style?][] = [
    ['role', ROLE_TEXT[role] || 'a node of the tree', ROLE_STYLE[role]],
    ['address', hidden(ui, node.address)],
    ['key', hidden(ui, node.key)],
    ['parent', node.parent === node.key ? '(none: it is the root)' : hidden(ui, node.parent)],
    ['depth', `${plural(branches.length, 'hop')} below the root`],
    ['children', `${children} that are known here`],
    ['sequence', String(node.sequence)],
  ];
  if (peer !== undefined) facts.push(['link', hidden(ui, peer.remote)]);
  const roots = [...model.events].filter(({ kind }) => kind === 'tree').slice(-8);
  return {
    title: nodeName(node, context),
    facts,
    text: roots.length === 0 ? [] : ['The latest changes of the tree:', ...roots.map(({ text }) => hidden(ui, text))],
    charts: [],
  };
}

export const treeView: View = {
  title: 'Tree',
  list,
  draw: (canvas, box, context) => {
    const { total, rows } = context.model.tree;
    const more = total > rows.size ? `${rows.size} of ${total} nodes` : '';
    const inner = panel(canvas, box, context, titleOf(treeView, context), [
      [more, 'warn'],
      [sortNote(treeView, context), 'dim'],
    ]);
    list.draw(canvas, inner, context);
  },
};
