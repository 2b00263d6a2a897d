/** Who is in the demonstration mesh, and over what they are linked. */

export type DemoLink = { readonly scheme: 'tcp' | 'tls' | 'ws' | 'udp' | 'unix'; readonly to: string };

export type DemoNode = {
  readonly name: string;
  /** Where others of this list connect. */
  readonly listens: readonly DemoLink['scheme'][];
  /** To nodes before it in the list. */
  readonly links: readonly DemoLink[];
  /** One end of the serial cable, if there is one. */
  readonly hasCable: boolean;
};

/** A ring with a tail, so that there is more than one way, and a way of several hops. */
export const DEMO_NODES: readonly DemoNode[] = [
  { name: 'anna', listens: ['tcp', 'tls'], links: [], hasCable: false },
  { name: 'bert', listens: ['udp'], links: [{ scheme: 'tcp', to: 'anna' }], hasCable: true },
  {
    name: 'carl',
    listens: ['ws'],
    links: [
      { scheme: 'tls', to: 'anna' },
      { scheme: 'udp', to: 'bert' },
    ],
    hasCable: false,
  },
  { name: 'dora', listens: ['unix'], links: [{ scheme: 'ws', to: 'carl' }], hasCable: false },
  { name: 'emil', listens: [], links: [{ scheme: 'unix', to: 'dora' }], hasCable: true },
];

/** `hasCable`: the mesh has one. */
export function linkText(node: DemoNode, hasCable: boolean): string {
  const links = node.links.map(({ scheme, to }) => `${scheme} to ${to}`);
  if (hasCable && node.hasCable) links.push('cable');
  return links.join(', ');
}
