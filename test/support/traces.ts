/** Traces between real daemons. */
import type { TraceAnswer } from '../../daemon/host/path-answers.ts';
import type { DaemonKind } from './kind.ts';
import type { Lab } from './lab.ts';
import { type Mesh, settle, startMesh } from './mesh.ts';
import type { TestNode } from './node.ts';
import { ratatoskMain } from './places.ts';
import { waitFor } from './wait.ts';

/** Goes on until the target is reached: at first the tree may still be settling. */
export function reached(
  from: TestNode,
  to: TestNode,
  wanted: (answer: TraceAnswer) => boolean = () => true,
): Promise<TraceAnswer> {
  return waitFor(
    `${from.label} to trace ${to.label}`,
    async () => {
      const answer = JSON.parse((await traceVerb(from, to, '--json')).stdout) as TraceAnswer;
      return answer.end === 'reached' && wanted(answer) ? answer : undefined;
    },
    { limitMs: 90_000 },
  );
}

export function traceVerb(
  from: TestNode,
  to: TestNode,
  ...more: string[]
): Promise<{ code: number | null; stdout: string }> {
  return from.netns.run([process.execPath, ratatoskMain, 'trace', to.address, '--socket', from.adminPath, ...more], {
    limitMs: 60_000,
  });
}

export async function settledLine(lab: Lab, kinds: readonly DaemonKind[], isRing = false): Promise<Mesh> {
  const mesh = await startMesh(lab, { kinds, isRing });
  await settle(mesh.nodes);
  return mesh;
}

export const keysOf = (nodes: readonly TestNode[]): string[] => nodes.map(({ identity }) => identity.publicKeyHex);
