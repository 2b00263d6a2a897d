/** A LAN: one bridge, in a namespace of its own, and a cable to it from each node's namespace. IPv6 link-local only. */
import type { Lab } from './lab.ts';
import type { Netns } from './netns.ts';
import { mustRun } from './process.ts';

/** The interface of every node on its LAN. */
export const LAN_DEVICE = 'lan0';

export type Lan = {
  /** Takes the node's interface down or brings it up again, as its own administrator would. */
  set(index: number, state: 'up' | 'down'): Promise<void>;
};

export async function layLan(lab: Lab, spaces: readonly Netns[]): Promise<Lan> {
  const hub = await lab.netns('lan');
  await hub.mustRun(['ip', 'link', 'add', 'bridge0', 'type', 'bridge']);
  await hub.mustRun(['ip', 'link', 'set', 'bridge0', 'up']);
  for (const [i, space] of spaces.entries()) {
    const port = `port${i}`;
    await mustRun([
      'ip',
      'link',
      'add',
      port,
      'netns',
      hub.name,
      'type',
      'veth',
      'peer',
      LAN_DEVICE,
      'netns',
      space.name,
    ]);
    await hub.mustRun(['ip', 'link', 'set', port, 'master', 'bridge0', 'up']);
    await space.mustRun(['ip', 'link', 'set', LAN_DEVICE, 'up']);
  }
  return {
    set: async (index, state) => {
      await spaces[index]?.mustRun(['ip', 'link', 'set', LAN_DEVICE, state]);
    },
  };
}
