/** Two hosts without any daemon: what the cable, the tools and the machine give. */
import type { Lab } from '../../../test/support/lab.ts';
import { needs, needsRoot, needsTool } from '../../../test/support/needs.ts';
import type { Line, System } from '../host.ts';

export const VETH: System = {
  id: 'veth',
  title: 'bare veth',
  references: [],
  missing: () => needs(needsRoot(), needsTool('ip', 'setpriv')),
  lay: layVeth,
};

async function layVeth(lab: Lab): Promise<Line> {
  const [near, far] = [await lab.netns('near'), await lab.netns('far')];
  const cable = await lab.cable(near, far);
  const hosts = [
    { netns: near, address: cable.a.ipv6, label: 'a' },
    { netns: far, address: cable.b.ipv6, label: 'b' },
  ];
  return { hosts, cables: [cable] };
}
