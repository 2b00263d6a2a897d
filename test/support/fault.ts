/** Tests of faults: something is wrong, and the first line of `doctor`, `events` or `why` names the cause. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Lab, withLab } from './lab.ts';
import { needs, needsMesh, needsTool } from './needs.ts';
import { privateFolders, type TestNode } from './node.ts';
import { ratatoskMain } from './places.ts';
import { waitFor } from './wait.ts';

export type Question = { readonly node: TestNode; readonly verb: readonly string[]; readonly says: RegExp };

export type Fault = {
  readonly name: string;
  readonly needs?: string | undefined;
  /** Brings it about, and names who is asked what. */
  readonly make: (lab: Lab, t: TestContext) => Promise<readonly Question[]>;
};

export const PROBLEMS = ['events', '--problems'] as const;
const PATIENCE_MS = 60_000;

export function testFaults(faults: readonly Fault[]): void {
  describe('the first line names the cause', { concurrency: 2 }, () => {
    for (const fault of faults) {
      test(
        fault.name,
        { skip: needs(needsMesh('ratatosk') || undefined, needsTool('nft', 'ping'), fault.needs), timeout: 240_000 },
        withLab(async (lab, t) => {
          for (const { node, verb, says } of await fault.make(lab, t)) {
            let line = '';
            const asked = async (): Promise<boolean> => {
              line = await firstLine(node, verb);
              return says.test(line);
            };
            await waitFor(`${verb.join(' ')} to say ${says}`, asked, { limitMs: 120_000, everyMs: 1_000 }).catch(() =>
              assert.match(line, says, verb.join(' ')),
            );
            t.diagnostic(`${verb.join(' ')}: ${line}`);
          }
        }),
      );
    }
  });
}

async function firstLine(node: TestNode, verb: readonly string[]): Promise<string> {
  const line = [process.execPath, ratatoskMain, ...verb, '--socket', node.adminPath];
  const env = { ...privateFolders(dirname(node.stateFolder)), ...node.env };
  const { stdout } = await node.netns.run(line, { env, limitMs: PATIENCE_MS });
  return stdout.split('\n\n')[0]?.replace(/\n +/g, ' ').split('\n')[0] ?? '';
}
