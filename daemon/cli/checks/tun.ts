/** The network interface: the device, and the right to it. */
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import type { TunState } from '../../host/answers.ts';
import { type Check, type Finding, failed, ok, type Scene, skipped, warning } from './finding.ts';
import { readText, wantsTun } from './system.ts';

const DEVICE = '/dev/net/tun';
/** Its bit in the sets of capabilities. */
const CAP_NET_ADMIN = 12;

export type TunFacts = {
  readonly isWanted: boolean;
  /** Of a running daemon. */
  readonly state: TunState | undefined;
  readonly device: 'there' | 'missing' | 'denied';
  /** This process; a daemon has rights of its own. */
  readonly mayConfigure: boolean;
  /** An interface that has the name already. */
  readonly taken: string | undefined;
};

export const tun: Check = { name: 'tun', look: (scene) => [tunFinding(tunFacts(scene))] };

export function tunFinding({ isWanted, state, device, mayConfigure, taken }: TunFacts): Finding {
  if (state?.enabled) return ok(`${state.name}, MTU ${state.mtu}`);
  if (!isWanted) return skipped('none is wanted (IfName): this node forwards for others only');
  if (device === 'missing') {
    return failed(
      `there is no ${DEVICE}, so no network interface`,
      `modprobe tun; a container must be given ${DEVICE}`,
    );
  }
  if (state?.problem !== undefined) {
    const isRefused = /EPERM|EACCES/.test(state.problem);
    const cause = isRefused ? 'the daemon has no right to a network interface' : 'the daemon has no network interface';
    return failed(`${cause}: ${state.problem}`, isRefused ? RIGHTS : state.remedy);
  }
  if (device === 'denied') return failed(`this user has no right to ${DEVICE}`, RIGHTS);
  if (!mayConfigure) return failed('this user may make no network interface: it has no CAP_NET_ADMIN', RIGHTS);
  if (taken !== undefined) return warning(`an interface ${taken} exists already`, 'set another IfName, or `auto`');
  return ok(`${DEVICE} is there, and may be used`);
}

const RIGHTS = 'run as root, or as the systemd unit with AmbientCapabilities=CAP_NET_ADMIN';

function tunFacts(scene: Scene): TunFacts {
  const { loaded, daemon } = scene;
  const name = loaded?.config.IfName ?? 'auto';
  const isTaken = name !== 'auto' && !name.includes('/') && name !== '' && existsSync(`/sys/class/net/${name}`);
  return {
    isWanted: wantsTun(scene),
    state: daemon?.status.tun,
    device: deviceState(),
    mayConfigure: hasCapability(readText('/proc/self/status') ?? '', CAP_NET_ADMIN),
    taken: isTaken ? name : undefined,
  };
}

function deviceState(): TunFacts['device'] {
  try {
    // No interface comes of it before it is given a name.
    closeSync(openSync(DEVICE, constants.O_RDWR));
    return 'there';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'missing';
  }
}

/** Of the text of `/proc/PID/status`. */
export function hasCapability(status: string, bit: number): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> BigInt(bit)) & 1n) === 1n;
}
