/** Two ratatosks with a UDP link between them, and a plain router in the middle that may be made to misbehave. */
import { testIdentity } from './identity.ts';
import type { Lab } from './lab.ts';
import type { Netns } from './netns.ts';
import type { TestNode } from './node.ts';

export type Routed = {
  /** Dials. */
  readonly near: TestNode;
  /** Listens. */
  readonly far: TestNode;
  readonly router: Netns;
  /** The router's interface towards `near`, and towards `far`. */
  readonly inside: string;
  readonly outside: string;
  readonly outsideIpv4: string;
};

const PORT = 9100;

/** Nothing is started yet. */
export async function layRouted(lab: Lab): Promise<Routed> {
  const [a, router, b] = [await lab.netns('near'), await lab.netns('router'), await lab.netns('far')];
  const [inner, outer] = [await lab.cable(a, router), await lab.cable(router, b)];
  await router.mustRun(['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  await a.mustRun(['ip', 'route', 'add', 'default', 'via', inner.b.ipv4]);
  await b.mustRun(['ip', 'route', 'add', 'default', 'via', outer.a.ipv4]);
  // What the router sees are packets then, as on a wire, not runs of them that only the last interface would cut.
  for (const { netns, device } of [inner.a, inner.b, outer.a, outer.b]) {
    await netns.mustRun(['ip', 'link', 'set', device, 'gso_max_segs', '1']);
  }
  const [nearIdentity, farIdentity] = [testIdentity(0), testIdentity(1)];
  const far = lab.node('far', {
    kind: 'ratatosk',
    netns: b,
    identity: farIdentity,
    listen: [`udp://0.0.0.0:${PORT}`],
  });
  const near = lab.node('near', {
    kind: 'ratatosk',
    netns: a,
    identity: nearIdentity,
    peers: [`udp://${outer.b.ipv4}:${PORT}?key=${farIdentity.publicKeyHex}`],
  });
  return { near, far, router, inside: inner.b.device, outside: outer.a.device, outsideIpv4: outer.a.ipv4 };
}

export async function startRouted({ near, far }: Routed): Promise<void> {
  await far.start();
  await near.start();
}

/** Loads rules in the syntax of nftables. */
export async function loadRules(netns: Netns, rules: string): Promise<void> {
  await netns.mustRun(['nft', '-f', '-'], { input: rules });
}
