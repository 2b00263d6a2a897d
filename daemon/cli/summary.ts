/** What works and what does not, each with a remedy: printed by `up` when it is ready, and by `status`. */
import type { FirewallState, ModemState, StatusAnswer, TunState } from '../host/answers.ts';
import { paint } from './paint.ts';
import { beside } from './text.ts';

type Row = { label: string; isWorking: boolean; text: string };

/** Of the texts: behind mark and label. */
const INDENT = 16;

export function summaryLines(status: StatusAnswer): string[] {
  const rows = summaryRows(status);
  return rows.flatMap(({ label, isWorking, text }) => {
    const mark = isWorking ? paint('green', 'ok') : paint('yellow', '--');
    return beside(`  ${mark}  ${label.padEnd(9)} `, text, INDENT);
  });
}

function summaryRows(status: StatusAnswer): Row[] {
  const rows: Row[] = [
    { label: 'address', isWorking: true, text: status.address },
    { label: 'subnet', isWorking: true, text: status.subnet },
    { label: 'key', isWorking: true, text: status.key },
    tunRow(status.tun),
    ...(status.tun.enabled ? [firewallRow(status.firewall)] : []),
    peersRow(status.peers),
    ...(status.discovery === undefined ? [] : [discoveryRow(status.discovery)]),
    ...(status.modems ?? []).map(modemRow),
  ];
  const listening = status.listening.length > 0;
  const closed = 'nowhere: others cannot connect here (add to Listen if they should)';
  rows.push({ label: 'listening', isWorking: listening, text: listening ? status.listening.join(' ') : closed });
  const hasAdmin = status.admin !== 'none';
  const off = 'off (AdminListen): the other verbs cannot reach this daemon';
  rows.push({ label: 'admin', isWorking: hasAdmin, text: hasAdmin ? status.admin : off });
  if (status.metrics !== undefined) {
    const { url, problem } = status.metrics;
    rows.push({ label: 'metrics', isWorking: problem === undefined, text: problem ?? url });
  }
  return rows;
}

function tunRow({ enabled, name, mtu, problem, remedy }: TunState): Row {
  if (enabled) return { label: 'tun', isWorking: true, text: `${name}, MTU ${mtu}` };
  const why = problem ?? 'off (IfName none): this node forwards for others only';
  return { label: 'tun', isWorking: false, text: remedy === undefined ? why : `${why}; ${remedy}` };
}

function firewallRow({ inbound, closed, open, problem }: FirewallState): Row {
  const label = 'firewall';
  if (inbound === 'allow') {
    return { label, isWorking: false, text: 'off (Firewall.Inbound): the mesh reaches every service on this machine' };
  }
  if (!closed) {
    return { label, isWorking: false, text: `NOT CLOSED, the mesh reaches every service on this machine: ${problem}` };
  }
  if (problem !== undefined) return { label, isWorking: false, text: `closed, with rules of before: ${problem}` };
  const but = open.length === 0 ? '; to open a port: `ratatosk firewall allow PORT`' : ` but for ${open.join(', ')}`;
  return { label, isWorking: true, text: `inbound connections are closed${but}` };
}

function peersRow({ configured, up }: StatusAnswer['peers']): Row {
  if (configured === 0 && up === 0) {
    const text = 'none: add one to Peers, or `ratatosk peer add tcp://HOST:PORT`';
    return { label: 'peers', isWorking: false, text };
  }
  const count = `${up} up, ${configured} configured`;
  return { label: 'peers', isWorking: up > 0, text: up > 0 ? count : `${count}: \`ratatosk peers\` tells how it goes` };
}

function discoveryRow(interfaces: readonly string[]): Row {
  const none =
    'on no interface: none of MulticastInterfaces has an IPv6 link-local address now; neighbours are found when one has';
  const isWorking = interfaces.length > 0;
  return { label: 'discovery', isWorking, text: isWorking ? `of neighbours on ${interfaces.join(' ')}` : none };
}

function modemRow({ uri, state, text, silence }: ModemState): Row {
  const isWorking = state === 'open' && silence === undefined;
  const but = silence === undefined ? '' : `; it only listens: ${silence}`;
  return { label: 'modem', isWorking, text: `${uri}: ${text}${but}` };
}
