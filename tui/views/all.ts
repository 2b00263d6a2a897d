/** The views, by the digits of their keys. */
import { eventsView } from './events.ts';
import { firewallView } from './firewall.ts';
import { overviewView } from './overview.ts';
import { peersView } from './peers.ts';
import { radioView } from './radio.ts';
import { sessionsView } from './sessions.ts';
import { trafficView } from './traffic.ts';
import { treeView } from './tree.ts';
import type { View } from './view.ts';

/** `tab` is what it is called in the line of views, where 80 columns are for all. */
export type Tab = { readonly tab: string; readonly says: string; readonly view: View };

export const VIEWS: readonly [Tab, ...Tab[]] = [
  { tab: 'Overview', says: 'everything at a glance', view: overviewView },
  { tab: 'Peers', says: 'links, and peers that have none', view: peersView },
  { tab: 'Traffic', says: 'how much, over which links', view: trafficView },
  { tab: 'Paths', says: 'paths and sessions', view: sessionsView },
  { tab: 'Tree', says: 'the known part of the spanning tree', view: treeView },
  { tab: 'Radio', says: 'radios and their air time', view: radioView },
  { tab: 'Events', says: 'what has happened', view: eventsView },
  { tab: 'Firewall', says: 'who may connect, and where', view: firewallView },
];

export function viewOf(number: number): View {
  return (VIEWS[number] ?? VIEWS[0]).view;
}
