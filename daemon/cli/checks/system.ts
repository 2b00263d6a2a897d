/** The system as a whole: kernel, IPv6, the addon. */
import { existsSync, readFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import { findAddon } from '../../../native-bindings/addon.ts';
import { type Check, type Finding, failed, ok, type Scene, warning } from './finding.ts';

export type SystemFacts = {
  readonly platform: string;
  readonly hasIpv6: boolean;
  /** `net.ipv6.conf.all.disable_ipv6`. */
  readonly isIpv6Off: boolean;
  readonly addonProblem: string | undefined;
  readonly wantsTun: boolean;
};

export const system: Check = { name: 'system', look: (scene) => systemFindings(systemFacts(scene)) };

export function systemFindings({ platform, hasIpv6, isIpv6Off, addonProblem, wantsTun }: SystemFacts): Finding[] {
  const findings: Finding[] = [];
  if (addonProblem !== undefined) {
    const lost = wantsTun ? 'no network interface' : 'slower encryption';
    findings.push((wantsTun ? failed : warning)(`without the addon there is ${lost}`, addonProblem));
  }
  if (wantsTun && !hasIpv6) {
    findings.push(
      failed('the kernel has no IPv6, and the mesh is nothing else', 'remove ipv6.disable=1 from its command line'),
    );
  } else if (wantsTun && isIpv6Off) {
    const remedy = 'sysctl net.ipv6.conf.all.disable_ipv6=0, and look for it in /etc/sysctl.d';
    findings.push(failed('IPv6 is switched off: the interface can get no address', remedy));
  }
  return findings.length > 0 ? findings : [ok(`${platform}, with the addon`)];
}

export function wantsTun({ loaded, daemon }: Scene): boolean {
  // A daemon that was started with --no-tun has no interface and no problem.
  if (daemon !== undefined) return daemon.status.tun.enabled || daemon.status.tun.problem !== undefined;
  const name = loaded?.config.IfName ?? 'auto';
  return name !== 'none' && name !== 'dummy';
}

function systemFacts(scene: Scene): SystemFacts {
  return {
    platform: `Linux ${release()} on ${arch()}, Node ${process.versions.node}`,
    hasIpv6: existsSync('/proc/net/if_inet6'),
    isIpv6Off: readText('/proc/sys/net/ipv6/conf/all/disable_ipv6') === '1',
    addonProblem: findAddon().problem,
    wantsTun: wantsTun(scene),
  };
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
