/** TCP through a link that loses packets: what a pair of daemons makes of it. */

import type { LinkOptions } from './carriers.ts';
import { iperf } from './iperf.ts';
import type { DaemonKind } from './kind.ts';
import type { Lab } from './lab.ts';
import { at, layMesh } from './mesh.ts';
import { TUN_NAME } from './node.ts';
import { firstAnswerMs } from './ping.ts';

export type Lossy = {
  readonly kind: DaemonKind;
  /** See `NodeSpec`. */
  readonly binary?: string | undefined;
  readonly scheme: NonNullable<LinkOptions['scheme']>;
  /** 0..1, each way, and the delay each way. */
  readonly loss: number;
  readonly delayMs: number;
  readonly seed: number;
  /** Of every TCP socket, those of links included: `cubic`, `bbr`. */
  readonly congestion: string;
  readonly seconds: number;
};

/** Join and tools meet the same loss. */
const PATIENCE_MS = 60_000;

/** Megabits a second that one TCP connection carries through the mesh, from one node to the other. */
export async function lossyThroughput(lab: Lab, options: Lossy): Promise<number> {
  const { kind, binary, scheme, loss, delayMs, seed, congestion, seconds } = options;
  const relay = { loss, delayMs, seed };
  const { nodes, cables } = await layMesh(lab, {
    kinds: [kind, kind],
    node: () => ({ binary }),
    link: { scheme },
    relay,
  });
  const [a, b] = [at(nodes, 0), at(nodes, 1)];
  const cable = at(cables, 0);
  // By routes: a namespace may not choose among all that the kernel has, and the machine's own is not ours to change.
  for (const { netns, device, ipv4 } of [cable.a, cable.b]) {
    const line = ['ip', 'route', 'replace', ipv4.replace(/\d+$/, '0/30'), 'dev', device, 'scope', 'link', 'src', ipv4];
    await netns.mustRun([...line, 'congctl', congestion]);
  }
  for (const node of nodes) {
    await node.start();
    const line = ['ip', '-6', 'route', 'replace', '200::/7', 'dev', TUN_NAME, 'metric', '100'];
    await node.netns.mustRun([...line, 'congctl', congestion]);
  }
  await firstAnswerMs(a, b, PATIENCE_MS);
  const report = await iperf(lab, a, b, { seconds, patienceMs: PATIENCE_MS });
  return report.bitsPerSecond / 1e6;
}
