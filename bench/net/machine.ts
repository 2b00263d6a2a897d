/** On what the figures were taken. */
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { repoRoot, yggdrasilTool } from '../../test/support/places.ts';
import { run } from '../../test/support/process.ts';

export type Machine = Record<string, string>;

export async function describeMachine(): Promise<Machine> {
  const yggdrasil = await run([yggdrasilTool('yggdrasil') ?? 'yggdrasil', '-version']);
  const iperf = await run(['iperf3', '--version']);
  const commit = await run(['git', '-C', repoRoot, 'rev-parse', '--short', 'HEAD']);
  const version: string = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')).version;
  return {
    processor: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    kernel: release(),
    congestion: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
    node: process.version,
    ratatosk: `${version} ${commit.stdout.trim()}`.trim(),
    yggdrasil: /version:\s*(\S+)/.exec(yggdrasil.stdout)?.[1] ?? 'unknown',
    iperf3: /iperf (\S+)/.exec(iperf.stdout)?.[1] ?? 'unknown',
  };
}
