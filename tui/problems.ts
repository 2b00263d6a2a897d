/** What is wrong right now, the worst first, each in one sentence. */
import { ageText, percentText, plural } from './figures.ts';
import type { Model } from './model.ts';
import type { Peer } from './reading.ts';

export type Problem = { readonly level: 'bad' | 'warn'; readonly text: string };

/** Warnings among the events count as present for so long. */
const RECENT_MS = 60_000;
const HIGH_LOSS = 0.05;
const BUSY = 0.9;

export function problemsOf(model: Model): Problem[] {
  const { connection, status } = model;
  if (connection.kind === 'connecting') return [{ level: 'warn', text: 'connecting to the daemon' }];
  if (connection.kind === 'lost') {
    const age = ageText((model.nowMs - connection.sinceMs) / 1_000);
    return [{ level: 'bad', text: `disconnected, retrying (for ${age}): ${connection.reason}` }];
  }
  const found: Problem[] = [];
  const bad = (text: string): number => found.push({ level: 'bad', text });
  const warn = (text: string): number => found.push({ level: 'warn', text });
  if (status !== undefined) {
    const { tun, firewall, metrics, modems } = status;
    if (!tun.isOn && tun.problem !== '') bad(`no network interface: ${tun.problem}`);
    if (tun.isOn && firewall.inbound === 'deny' && !firewall.isClosed) {
      bad(`the mesh reaches every service on this machine: ${firewall.problem}`);
    }
    if (firewall.isClosed && firewall.problem !== '') warn(`firewall: ${firewall.problem}`);
    if (metrics !== undefined && metrics.problem !== '') warn(`metrics: ${metrics.problem}`);
    for (const { uri, state, text, silence } of modems) {
      if (state !== 'open') warn(`${uri}: ${text}`);
      else if (silence !== '') warn(`${uri} only listens: ${silence}`);
    }
  }
  if (model.told.has('peers')) peerProblems([...model.peers.rows.values()], found);
  const { stats } = model;
  if (stats !== undefined && stats.router.busy > BUSY) {
    warn(`the router thread is ${percentText(stats.router.busy)} busy: this machine's processor is the limit`);
  }
  const recent = model.events.findLast(
    ({ level, atMs }) => (level === 'warn' || level === 'error') && model.nowMs - atMs < RECENT_MS,
  );
  if (recent !== undefined) {
    const fields = recent.fields.map(([name, value]) => ` ${name}=${value}`).join('');
    warn(`${ageText((model.nowMs - recent.atMs) / 1_000)} ago: ${recent.text}${fields}`);
  }
  // Sorting keeps the order of equals.
  return found.sort((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}

function peerProblems(peers: readonly Peer[], found: Problem[]): void {
  const down = peers.filter(({ isUp }) => !isUp);
  const isAlone = down.length === peers.length;
  if (peers.length === 0) found.push({ level: 'bad', text: 'no peers: add one with :peer add tcp://HOST:PORT' });
  else if (down.length > 0) {
    const [first] = down as [Peer];
    const why = first.error === '' ? first.state : first.error;
    const count = isAlone ? 'no peer is linked' : `${down.length} of ${plural(peers.length, 'peer')} not linked`;
    found.push({ level: isAlone ? 'bad' : 'warn', text: `${count}: ${first.remote} ${why}` });
  }
  const lossy = peers.filter(({ loss }) => loss !== undefined && loss > HIGH_LOSS);
  for (const { remote, loss } of lossy.slice(0, 3)) {
    found.push({ level: 'warn', text: `${remote} loses ${percentText(loss)} of what is sent` });
  }
}
