/** Whether the mesh is kept out, and could be. */
import { RatatoskError } from '../../core/error.ts';
import type { FirewallState } from '../../host/answers.ts';
import { nft } from '../../host/nft.ts';
import { type Check, type Finding, failed, ok, skipped, warning } from './finding.ts';
import { wantsTun } from './system.ts';

export type FirewallFacts = {
  readonly hasInterface: boolean;
  readonly inbound: 'deny' | 'allow';
  /** Of a running daemon. */
  readonly state: FirewallState | undefined;
  /** Why `nft` cannot be used by this process. */
  readonly nftProblem: string | undefined;
};

const EXPOSED = 'the mesh reaches every service on this machine';

export const firewall: Check = {
  name: 'firewall',
  look: (scene) => {
    const { loaded, daemon } = scene;
    const state = daemon?.status.firewall;
    return [
      firewallFinding({
        hasInterface: wantsTun(scene) && daemon?.status.tun.enabled !== false,
        inbound: state?.inbound ?? loaded?.config.Firewall.Inbound ?? 'deny',
        state,
        nftProblem: state === undefined ? nftProblem() : undefined,
      }),
    ];
  },
};

export function firewallFinding({ hasInterface, inbound, state, nftProblem }: FirewallFacts): Finding {
  if (!hasInterface) return skipped('without a network interface there is nothing to guard');
  if (inbound === 'allow') return warning(`off by Firewall.Inbound: ${EXPOSED}`, 'set it to "deny"');
  if (state === undefined) {
    if (nftProblem === undefined) return ok('nftables is there, and may be used');
    return failed(`it cannot be closed: ${EXPOSED}`, nftProblem);
  }
  if (!state.closed) return failed(`NOT CLOSED: ${EXPOSED}`, state.problem);
  if (state.problem !== undefined) return warning(`closed, with rules of before: ${state.problem}`);
  const { open } = state;
  return ok(open.length === 0 ? 'inbound connections are closed' : `closed but for ${open.join(', ')}`);
}

function nftProblem(): string | undefined {
  try {
    nft(['list', 'tables']);
    return undefined;
  } catch (error) {
    if (!(error instanceof RatatoskError)) throw error;
    return error.message;
  }
}
