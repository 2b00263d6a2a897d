/** On what the figures were taken, and with which versions. */
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { repoRoot } from '../../test/support/places.ts';
import { run } from '../../test/support/process.ts';
import { peerTool } from './systems/foreign.ts';
import { yggdrasilDaemon } from './systems/mesh-system.ts';

export type Machine = Record<string, string>;

export async function describeMachine(): Promise<Machine> {
  const commit = await run(['git', '-C', repoRoot, 'describe', '--always', '--dirty']);
  const version: string = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')).version;
  return {
    date: new Date().toISOString().slice(0, 16),
    processor: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    kernel: release(),
    congestion: readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
    node: process.version,
    ratatosk: `${version} ${commit.stdout.trim()}`.trim(),
    yggdrasil: await versionOf([yggdrasilDaemon() ?? 'yggdrasil', '-version'], /version:\s*(\S+)/),
    'wireguard-go': await versionOf([peerTool('wireguard-go'), '--version'], /wireguard-go v?(\S+)/),
    nebula: await versionOf([peerTool('nebula'), '-version'], /Version: (\S+)/),
    tinc: await versionOf([peerTool('tincd'), '--version'], /version (\S+)/),
    fastd: await versionOf([peerTool('fastd'), '--version'], /fastd v?(\S+)/),
    iperf3: await versionOf(['iperf3', '--version'], /iperf (\S+)/),
  };
}

async function versionOf(argv: readonly string[], pattern: RegExp): Promise<string> {
  const { stdout, stderr } = await run(argv).catch(() => ({ stdout: '', stderr: '' }));
  return pattern.exec(stdout + stderr)?.[1] ?? 'not installed';
}
